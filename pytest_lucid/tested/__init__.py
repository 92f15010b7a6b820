"""Images and containers that answer what test files of other programs ask. Nothing is judged here."""
