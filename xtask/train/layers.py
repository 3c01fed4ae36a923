"""The layers of the encoder's hidden state, in order. The manifest repeats their names and meanings."""

WIDTH = 256
LAYERS = [
    ("tonal", "time mean of the locally whitened log constant-Q spectrum in tune, C1 to B7, 36 bins an octave"),
    ("spectral", "log-mel mean and standard deviation over time, log10 of the input RMS"),
    (
        "key",
        "pitch-equivariant key network, 21 channels by 12 pitch classes; how far the timbre leans to minor; the deviation from A = 440 Hz as a vector",
    ),
    ("timbre-mid", "distilled musicnn MSD mid-end, time mean of three layers and time maximum of the last"),
    ("msd", "distilled musicnn MSD penultimate layer and tag logits"),
    ("mtt", "musicnn MTT penultimate layer and tag logits, told from the style and msd layers"),
    (
        "style",
        "principal components of all that the distilled musicnn MSD pools over time and of its tags, calm under wear",
    ),
]
