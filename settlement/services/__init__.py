"""What the app does: settle events, write post-mortems and digests."""
