"""The blockchain engine: makes the blocks of the network lucid_blocks."""
