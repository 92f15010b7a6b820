"""Session anchoring: puts the hashes of sessions on the chain."""
