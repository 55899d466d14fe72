"""The past from archives: truth, forecasts and observations, known when they were known."""
