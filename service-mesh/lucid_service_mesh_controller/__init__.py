"""The service mesh controller: discovery of the services of Lucid on top of Consul."""
