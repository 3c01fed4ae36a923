"""The key network, its training data, and the key head."""
