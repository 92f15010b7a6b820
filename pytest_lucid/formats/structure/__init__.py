"""container-structure-test: the fields of its files and what they demand. What is tested answers elsewhere."""
