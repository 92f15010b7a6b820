"""pytest-lucid: every claim about the Lucid containers is a check."""
