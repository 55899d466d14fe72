"""Settings of every test."""

from __future__ import annotations

from hypothesis import settings

# Property tests judge values, not the speed of a shared machine.
settings.register_profile("boz", deadline=None)
settings.load_profile("boz")
