"""The glue: everything that imports pytest. No condition about containers belongs here."""
