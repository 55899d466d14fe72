"""Invented weather for every settlement station: for load and outages, not for judging forecasts.

One smooth temperature per station, a function of time and seed, from which everything follows:
what stations read, what reports say, and what models forecast with errors of their own.
"""
