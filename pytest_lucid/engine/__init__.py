"""The container engine: reaching it, building on it, bringing the stack up and tearing it down. It judges nothing."""
