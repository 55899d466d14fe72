"""Rules on plain values: what the kernel sees, how it sizes, what it decides."""
