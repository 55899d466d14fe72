"""One module per outside weather service: transport in, typed objects out."""
