"""The block manager: stores the blocks of the engine and validates their chain."""
