"""What bytes hold, without an image or an engine: secrets, TRON, ELF headers, bytecode, archives."""
