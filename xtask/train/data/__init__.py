"""Audio to train on: free music, rendered songs, labeled excerpts; their augmentation and spectrograms."""
