"""`python -m pytest_lucid watch`: the live checks again and again, for monitoring."""
