"""A local world on loopback HTTP: the exchange and the weather services, replaying recorded days.

For demonstrations and tests only; the product meets it through its ordinary clients and settings.
"""
