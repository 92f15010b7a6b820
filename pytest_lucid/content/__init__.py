"""What bytes hold, without an image or an engine: secrets, forbidden words, ELF headers, bytecode, archives."""
