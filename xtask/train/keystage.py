"""The key network's training: rendered songs first; then, if there are labelled excerpts, both together.

The figures on the excerpts are honest: the network that names a key has seen no excerpt of that group (five folds). The
network that is kept has seen all of them.
"""

import numpy as np
import torch

from curves import draw
from keydata import Source, one_hot, rendered_source, spectrum
from keyscore import mirex
from keytrain import predict, train
from labelled import folds
from settings import WORK, log, record

FOLDS = 5


def figures(logits, keys):
    """Share named exactly, and MIREX's score."""
    guess = logits.argmax(1)
    return {"exact": float((guess == keys).mean()), "mirex": float(mirex(guess, keys).mean())}


def train_key(excerpts, steps, tuning_steps, seed=0):
    """Writes `key.pt` with the network and its figures; its first part resumes where it was cut off."""
    songs = rendered_source()
    held = np.arange(len(songs.spectra)) % 12 == 0
    kept, training = songs.part(np.flatnonzero(held)), songs.part(np.flatnonzero(~held))
    excerpts = [excerpt for excerpt in excerpts if excerpt.key is not None]
    keys = np.array([excerpt.key for excerpt in excerpts])
    windows = [spectrum(excerpt.window()) for excerpt in excerpts]

    def report(net):
        row = {"rendered": figures(predict(net, kept.spectra), kept.targets.argmax(1))}
        if excerpts:
            row["excerpts"] = figures(predict(net, windows), keys)
        return row

    net, curve = train([training], steps, seed, report=report, resume=WORK / "key-checkpoint.pt")
    result = {"rendered only": curve[-1][1]}
    if excerpts:
        real = Source(windows, one_hot(keys), 1.0)

        def tuned(chosen):
            return train([training, real.part(chosen)], tuning_steps, seed + 1, start=net, rate=1e-3)[0]

        logits = np.zeros((len(excerpts), 24), np.float32)
        for part in folds([excerpt.group for excerpt in excerpts], FOLDS):
            rest = np.setdiff1d(np.arange(len(excerpts)), part)
            logits[part] = predict(tuned(rest), [windows[i] for i in part])
            log(f"tuned without {len(part)} excerpts: {figures(logits[part], keys[part])} on them")
        result["tuned, held out"] = figures(logits, keys)
        np.savez(WORK / "key-held-out.npz", logits=logits, keys=keys, files=[excerpt.file for excerpt in excerpts])
        net = tuned(np.arange(len(excerpts)))
    log(f"key: {result}")
    record("key", result)
    of = lambda name: [row[name]["mirex"] for _, row in curve if name in row]
    lines = {"rendered songs, held out": of("rendered"), **({"excerpts": of("excerpts")} if excerpts else {})}
    draw(WORK / "key.png", "Key, MIREX score", [step for step, _ in curve], lines)
    torch.save({"model": net.state_dict(), "figures": result}, WORK / "key.pt")
    return result
