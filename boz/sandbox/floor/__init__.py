"""The trading floor of the simulated exchange: members, orders, fills, settlements, a stream."""
