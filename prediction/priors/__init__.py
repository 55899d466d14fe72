"""What engines start from before a station has a past: fitted numbers and how they were made."""
