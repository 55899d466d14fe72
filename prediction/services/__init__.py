"""What the app does: assemble inputs, predict, fit, verify."""
