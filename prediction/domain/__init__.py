"""Pure mathematics of prediction: distributions, error models and scores; no Django or clock."""
