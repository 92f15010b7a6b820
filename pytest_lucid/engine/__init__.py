"""The connection to a container engine, local or remote. What is done over the connection belongs elsewhere."""
