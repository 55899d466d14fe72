"""Recorded days: files, where they come from (PROVENANCE.md), the builder and the loader."""
