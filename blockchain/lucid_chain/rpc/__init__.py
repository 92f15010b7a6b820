"""The engine's gRPC interface: chain.proto, what protoc makes of it (`nox -s protocol`), and conversions."""
