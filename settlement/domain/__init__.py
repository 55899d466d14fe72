"""Pure rules of settlement: comparing results and telling what a trade teaches."""
