"""The key network's training in three parts: rendered songs alone; then, twice from scratch, these and free music that
the network before and essentia have labeled; then, when there are labeled excerpts, all together at a lower rate.

The figures on the excerpts are held-out figures: the network that predicts an excerpt's key has seen no excerpt of that
group (five folds). The network that is kept has seen all of them.
"""

import numpy as np
import torch

from curves import draw
from data.excerpts import folds
from key.labels import music_source
from key.score import mirex
from key.sources import Source, one_hot, rendered_source, spectrum
from key.training import predict, train
from settings import WORK, log, record

FOLDS = 5
# Shares of a batch: rendered songs, augmented songs, labeled music; then augmented songs, music and excerpts.
SHARES = (0.25, 0.25, 0.5)
TUNING_SHARES = (0.3, 0.3, 0.4)


def figures(logits, keys):
    """Share of exactly right keys, and the mean MIREX score."""
    predicted = logits.argmax(1)
    return {"exact": float((predicted == keys).mean()), "mirex": float(mirex(predicted, keys).mean())}


def train_key(excerpts, steps, tuning_steps, seed=0):
    """Writes `key.pt` with the network and its figures; an interrupted run resumes."""
    (WORK / "key").mkdir(exist_ok=True)
    songs, augmented = rendered_source(), rendered_source(augmented=True)
    held = np.arange(len(songs.spectra)) % 12 == 0
    kept, (songs, augmented) = (
        songs.part(np.flatnonzero(held)),
        (source.part(np.flatnonzero(~held)) for source in (songs, augmented)),
    )
    excerpts = [excerpt for excerpt in excerpts if excerpt.key is not None]
    keys = np.array([excerpt.key for excerpt in excerpts])
    windows = [spectrum(excerpt.window()) for excerpt in excerpts]

    def report(net):
        row = {"rendered": figures(predict(net, kept.spectra), kept.targets.argmax(1))}
        if excerpts:
            row["excerpts"] = figures(predict(net, windows), keys)
        return row

    half = max(steps // 2, 1)
    net, curve = train([songs, augmented], half, seed, report=report, resume=WORK / "key-checkpoint-0.pt")
    result, music = {"rendered only": curve[-1][1]}, None
    for number, length in enumerate((half, steps), 1):
        if not (music := music_source(net, SHARES[2])):
            break
        sources = [songs.shared(SHARES[0]), augmented.shared(SHARES[1]), music]
        net, curve = train(sources, length, seed + number, report=report, resume=WORK / f"key-checkpoint-{number}.pt")
        result[f"with music, round {number}"] = curve[-1][1]
    if excerpts:
        others = [source.shared(share) for source, share in zip((augmented, music), TUNING_SHARES) if source]
        real = Source(windows, one_hot(keys), TUNING_SHARES[2])

        def tuned(name, chosen, left_out):
            report = lambda net: (
                figures(predict(net, [windows[i] for i in left_out]), keys[left_out]) if len(left_out) else {}
            )
            sources, path = [*others, real.part(chosen)], WORK / "key" / f"tuned-{name}.pt"
            return train(
                sources, tuning_steps, seed + 3, start=net, rate=1e-3, report=report, every=tuning_steps, resume=path
            )[0]

        logits, everything = np.zeros((len(excerpts), 24), np.float32), np.arange(len(excerpts))
        for number, part in enumerate(folds([excerpt.group for excerpt in excerpts], FOLDS)):
            logits[part] = predict(tuned(number, np.setdiff1d(everything, part), part), [windows[i] for i in part])
        result["tuned, held out"] = figures(logits, keys)
        np.savez(
            WORK / "key-network-held-out.npz", logits=logits, keys=keys, files=[excerpt.file for excerpt in excerpts]
        )
        net = tuned("all", everything, [])
    log(f"key: {result}")
    record("key", result)
    of = lambda name: [row[name]["mirex"] for _, row in curve if name in row]
    lines = {"rendered songs, held out": of("rendered"), **({"excerpts": of("excerpts")} if excerpts else {})}
    draw(WORK / "key.png", "Key, MIREX score", [step for step, _ in curve], lines)
    torch.save({"model": net.state_dict(), "figures": result}, WORK / "key.pt")
    return result
