"""The data chain: content-addressed chunks and the Merkle trees over them."""
