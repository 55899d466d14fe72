"""Pure rules of the exchange: strikes, fees, price grids and books. No Django, network or clock."""
