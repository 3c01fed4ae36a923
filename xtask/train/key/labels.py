"""Labels for free music without labels: the combined predictions of two kinds of teachers over a whole file.

One teacher is a key network (first one trained on rendered songs alone, then one trained on the first one's labels);
the other is essentia's key profiles. They make different mistakes, and a block of twenty seconds, or a file of four
blocks, tells them more than the few seconds that a network trains on. When they disagree, the label is a distribution
over several keys; when no key of it is sure enough, the block is left out.

Writes `key/PACKAGE.npz`: `spectra` float16 [blocks, 252, 201], essentia's `votes` [blocks, 24] and `paths`.
"""

import numpy as np

from calibration import softmax
from data.excerpts import TONICS
from data.music import held_out
from key.sources import Source, spectrum
from key.training import predict
from settings import RATE, WORK, log

PROFILES = ("braw", "edma", "bgate")
SURE = 0.4


def votes(block):
    """Number of essentia's profiles that predict each key for a block of float32 samples; [24]."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    from essentia.standard import KeyExtractor

    counts = np.zeros(24, np.float32)
    for profile in PROFILES:
        tonic, mode, _ = KeyExtractor(profileType=profile, sampleRate=RATE)(block)
        counts[TONICS[tonic] + 12 * (mode == "minor")] += 1
    return counts


def prepare():
    """Writes spectra and votes of all blocks of music; existing files stay."""
    for part in sorted((WORK / "music").glob("*.npz")):
        path = WORK / "key" / part.name
        if path.exists():
            continue
        data = np.load(part)
        blocks = [block / np.float32(32767) for block in data["blocks"]]
        np.savez(
            path,
            spectra=np.stack([spectrum(block) for block in blocks]),
            votes=np.stack([votes(block) for block in blocks]),
            paths=[f"{part.stem}/{file}" for file in data["paths"]],
        )
        log(f"key: {path.name}: {len(blocks)} blocks")


def over_files(values, paths):
    """Means of each block's own values [blocks, 24] and the mean over its file."""
    _, file = np.unique(paths, return_inverse=True)
    sums = np.zeros((file.max() + 1, values.shape[1]))
    np.add.at(sums, file, values)
    return 0.5 * values + 0.5 * (sums / np.bincount(file)[:, None])[file]


def music_source(teacher, share):
    """The blocks of files that are not held out, labeled by the network `teacher` and essentia; None without music."""
    prepare()
    parts = [np.load(path) for path in sorted((WORK / "key").glob("*.npz"))]
    if not parts:
        return None
    spectra, counts, paths = (np.concatenate([part[name] for part in parts]) for name in ("spectra", "votes", "paths"))
    predicted = np.log(softmax(predict(teacher, spectra)))
    targets = softmax(over_files(predicted, paths) + over_files(counts, paths)).astype(np.float32)
    kept = np.array([not held_out(path.split("/", 1)[1]) for path in paths]) & (targets.max(1) > SURE)
    log(
        f"key: {kept.sum()} of {len(kept)} blocks labeled; both teachers agree on {(predicted.argmax(1) == counts.argmax(1)).mean():.2f}"
    )
    return Source(list(spectra[kept]), targets[kept], share)
