"""The REST API: what all apps share, and the core's own rows."""
