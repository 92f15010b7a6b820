"""testinfra's modules whose answers Python reads from the kernel's tables and the target's files, in one question."""
