"""Writes of the ground floor: audit trail and notifications."""
