"""Rules of weather data on plain values: no Django, no network, no clock."""
