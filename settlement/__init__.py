"""Outcomes, profit and loss, and what each trade teaches."""
