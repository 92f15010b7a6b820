"""Facts about what runs: containers, the network, HTTP answers, Consul, drift. No fact asserts."""
