"""Writes of this app, named by what they do."""
