"""Fits the key head's constants of confidence, with the weights of its context, and judges them in folds that never split a group."""

from confidence import context, judge, shown
from confidence.fit import best_time, shown_constants, truths
from confidence.head_file import log_probabilities, read_head, write_constants
from confidence.nothing import above_nothing, nothing
from confidence.tracks import load_tracks
from data.excerpts import folds
from settings import log, record

# The scale of what is shown while the weights are fitted.
SCALE = 1.75
# Of every second window, since neighbors are alike.
STEP = 2


def fitted_weights(tracks, time_s):
    examples, scales = [], []
    for track in tracks:
        means, heard, apart = shown.live_evidence(track["logs"], time_s)
        examples.append((means[::STEP], track["logs"][::STEP], truths(track, len(means))[::STEP]))
        scales.append(shown.scales(SCALE, heard, apart)[::STEP])
    return context.fit(examples, scales)


def inner_evidence(tracks, time_s):
    """The evidence of each track by weights that were fitted without its fold: weights flatter the music that they were fitted to."""
    found = [None] * len(tracks)
    for part in folds([str(track["group"]) for track in tracks], 5, seed=1):
        weights = fitted_weights([track for n, track in enumerate(tracks) if n not in set(part)], time_s)
        for n in part:
            found[n] = shown.evidence(tracks[n]["logs"], time_s, weights)
    return found


def fit(tracks, said):
    """The constants for tracks with `logs` and `keys`, above what the head says of sounds without a key."""
    time_s, costs = best_time(tracks)
    kernel, bias = fitted_weights(tracks, time_s)
    constants = {
        "cost": costs,
        "time_s": time_s,
        "context": {"kernel": kernel.round(4).tolist(), "bias": bias.round(4).tolist()},
        **shown_constants(tracks, inner_evidence(tracks, time_s)),
    }
    return above_nothing(constants, said)


def fit_key(model):
    """Fits the key head's constants on all tracks, writes them and records the nested figures."""
    head, tracks = read_head(model / "key.safetensors"), load_tracks()
    for track in tracks:
        track["logs"] = log_probabilities(head, track["hidden"][:, 0])
    said = nothing(model, head)
    constants = fit(tracks, said)
    rows, waits, folded = judge.nested(tracks, lambda outside: fit(outside, said))
    of_songs = lambda wanted: [row for row in rows if row["group"].startswith("song") == wanted]
    kinds = {"all": rows, "songs": of_songs(True), "music": of_songs(False)}
    record(
        "confidence-key",
        {
            "constants": constants,
            "folds": folded,
            "counts": {kind: len(part) for kind, part in kinds.items()},
            "nested": {kind: judge.with_intervals(part) for kind, part in kinds.items() if part},
            "by chance": judge.by_chance(rows),
            "delays": waits,
            "curve": judge.curve(rows),
        },
    )
    write_constants(model / "key.safetensors", constants)
    log(f"key: {constants}")
    return constants
