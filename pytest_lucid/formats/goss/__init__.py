"""goss: its templates, the resources of its files, its matchers, and verdicts. What is tested answers elsewhere."""
