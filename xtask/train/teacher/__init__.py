"""The teacher: musicnn's weights, its port to PyTorch, and its outputs for windows of music."""
