"""Stations, forecasts, observations and climate reports."""
