"""Readers of outside services; nothing here touches the database."""
