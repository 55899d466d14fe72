"""Everything that changes a portfolio, named by capability."""
