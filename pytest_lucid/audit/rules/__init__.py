"""The rules: each yields findings about one concern of one Dockerfile. No check lives here."""
