"""Facts about images: what they declare and what is in them. No fact asserts, and none talks to pytest."""
