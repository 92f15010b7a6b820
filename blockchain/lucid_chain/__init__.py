"""What the four blockchain services agree on: hashes, Merkle trees, blocks, rules, and the engine's gRPC interface.

No service's own state, storage or HTTP belongs here.
"""
