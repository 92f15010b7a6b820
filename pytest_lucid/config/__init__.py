"""What the user asked for: options, hosts, and the marker of a check. Nothing is opened or asked here."""
