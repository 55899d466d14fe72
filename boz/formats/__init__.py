"""How pages write dates and times, by language."""
