"""Second looks at a distribution: each learns from past ranks and changes little when unsure."""
