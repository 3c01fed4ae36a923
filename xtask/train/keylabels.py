"""Labels for free music that nobody has labelled: what two kinds of teachers say over a whole file.

One is a key network (first one that has heard rendered songs alone, then one that learnt from its labels), the other
essentia's key profiles. They go wrong in different ways, and twenty seconds, or four times that, tell them more than the few
seconds that are learnt from. Where they disagree the label is spread out, and where too far the block is left out.

Writes `key/PACKAGE.npz`: `spectra` float16 [blocks, 252, 201], essentia's `votes` [blocks, 24] and `paths`.
"""

import numpy as np

from calibrate import softmax
from keydata import Source, spectrum
from keytrain import predict
from labelled import TONICS
from music import held_out
from settings import RATE, WORK, log

PROFILES = ("braw", "edma", "bgate")
SURE = 0.4


def votes(block):
    """How many of essentia's profiles hear which key in a block of float32 samples; [24]."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    from essentia.standard import KeyExtractor

    counts = np.zeros(24, np.float32)
    for profile in PROFILES:
        tonic, mode, _ = KeyExtractor(profileType=profile, sampleRate=RATE)(block)
        counts[TONICS[tonic] + 12 * (mode == "minor")] += 1
    return counts


def prepare():
    """Spectra and votes of all blocks of music."""
    for part in sorted((WORK / "music").glob("*.npz")):
        path = WORK / "key" / part.name
        if path.exists():
            continue
        data = np.load(part)
        blocks = [block / np.float32(32767) for block in data["blocks"]]
        np.savez(
            path, spectra=np.stack([spectrum(block) for block in blocks]), votes=np.stack([votes(block) for block in blocks]),
            paths=[f"{part.stem}/{file}" for file in data["paths"]],
        )
        log(f"key: {path.name}: {len(blocks)} blocks")


def over_files(values, paths):
    """Half each block's own values [blocks, 24], half the mean over its file."""
    _, file = np.unique(paths, return_inverse=True)
    sums = np.zeros((file.max() + 1, values.shape[1]))
    np.add.at(sums, file, values)
    return 0.5 * values + 0.5 * (sums / np.bincount(file)[:, None])[file]


def music_source(teacher, share):
    """The blocks of files that are not held out, as the network `teacher` and essentia label them; None without music."""
    prepare()
    parts = [np.load(path) for path in sorted((WORK / "key").glob("*.npz"))]
    if not parts:
        return None
    spectra, counts, paths = (np.concatenate([part[name] for part in parts]) for name in ("spectra", "votes", "paths"))
    heard = np.log(softmax(predict(teacher, spectra)))
    targets = softmax(over_files(heard, paths) + over_files(counts, paths)).astype(np.float32)
    kept = np.array([not held_out(path.split("/", 1)[1]) for path in paths]) & (targets.max(1) > SURE)
    log(f"key: {kept.sum()} of {len(kept)} blocks labelled; both teachers agree on {(heard.argmax(1) == counts.argmax(1)).mean():.2f}")
    return Source(list(spectra[kept]), targets[kept], share)
