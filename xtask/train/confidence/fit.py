"""Fits the constants of confidence, judges them in folds that never split a group, and writes them into the heads.

A scale is the least one whose loss, the true labels' mean negative log-probability, is within a standard error of the best
one's: music outside differs from this music, and a figure that is too low misleads less than one that is too high. The limit
from which a label is named is the lowest one that keeps the promises below. The time constant has the least
cost: 1 per second while nothing is named, 5 while a wrong label is named (so that naming pays from four right in five on),
and 5 for each change of the named label.
"""

import json

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from confidence import shown
from confidence.tracks import HOP_S, hidden_states, load_tracks
from data.excerpts import folds
from settings import RATE, RMS, log, record, session

TIMES_S = (8, 12, 15, 20, 30)
SCALES = np.arange(1, 3.01, 0.125)
LIMITS = np.arange(0.5, 0.86, 0.025)
# A key that is named stays named while it is more probable than all others together.
KEPT = 0.5
WRONG, CHANGE_S = 5, 5
# Of named labels at least so many are right: live (the requirement is .80) and for files (.85), of first labels .80.
LIVE_RIGHT, FILE_RIGHT, PAIR_RIGHT, FIRST_WRONG = 0.82, 0.85, 0.80, 0.20
RESAMPLINGS = 300
MARGIN = 0.02


def logits(head, hidden):
    """The logits of windows `hidden` [windows, width], divided by the head's temperature."""
    tensors, metadata = head
    if "mean" in tensors:
        hidden = (hidden - tensors["mean"]) / tensors["std"]
    return (hidden @ tensors["weight"].T + tensors["bias"]) / float(metadata["temperature"])


def read_head(path):
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def calibration_error(top, right, bins=10):
    """Over bins of equal counts, as in the engine."""
    order = np.argsort(top, kind="stable")
    parts = zip(np.array_split(top[order], bins), np.array_split(right[order], bins))
    return float(sum(abs(p.sum() - r.sum()) for p, r in parts) / len(top))


def loss(probabilities, truth):
    return -np.log(np.maximum(probabilities[:, truth], 1e-9)).mean()


def best_scale(evidence, truth):
    """The least scale within a standard error of the best, for the evidence and the label of each track."""
    losses = np.array([[loss(shown.figures(e, scale), t) for e, t in zip(evidence, truth)] for scale in SCALES])
    best = losses.mean(1).argmin()
    apart = losses - losses[best]
    within = apart.mean(1) <= apart.std(1) / np.sqrt(len(truth))
    return float(SCALES[within.argmax()])


def cost(labels, truth):
    """Of the labels named in a track whose true label after each window is `truth`, per second."""
    spoken = labels[labels >= 0]
    changes = int((spoken[1:] != spoken[:-1]).sum())
    wrong = (labels >= 0) & (labels != truth)
    return (np.where(labels < 0, 1, np.where(wrong, WRONG, 0)).sum() * HOP_S + CHANGE_S * changes) / (
        len(labels) * HOP_S
    )


def truths(track, windows):
    """The true label after each window: of joined songs the second from half-way on."""
    keys = track["keys"]
    ends = shown.WINDOW_S + HOP_S * np.arange(windows)
    return np.where(ends > 0.5 * (ends[-1]), keys[-1], keys[0])


def live_limit(labels_at, tracks):
    """The limit with the least cost of those that keep the promises on the tracks of one key."""

    def kept(limit):
        all_labels = [labels_at(track, limit) for track in tracks if len(track["keys"]) == 1]
        keys = [int(track["keys"][0]) for track in tracks if len(track["keys"]) == 1]
        right = np.concatenate([labels[labels >= 0] == key for labels, key in zip(all_labels, keys)])
        first = [labels[labels >= 0][0] != key for labels, key in zip(all_labels, keys) if (labels >= 0).any()]
        return len(right) > 0 and right.mean() >= LIVE_RIGHT and np.mean(first) <= FIRST_WRONG

    return float(next((limit for limit in LIMITS if kept(limit)), LIMITS[-1]))


def limit_of(top, right, least_right, limits):
    """The lowest limit such that of the answers above it at least `least_right` are right."""
    good = lambda limit: (top >= limit).any() and right[top >= limit].mean() >= least_right
    return float(next((limit for limit in limits if good(limit)), limits[-1]))


def pair_limit(probabilities, truth, named):
    """The lowest sum of the two best from which on one of both is right four times in five, where none is named."""
    order = np.argsort(-probabilities, 1)
    rows = np.arange(len(truth))
    both = probabilities[rows, order[:, 0]] + probabilities[rows, order[:, 1]]
    right = (order[:, 0] == truth) | (order[:, 1] == truth)
    open_ones = probabilities.max(1) < named
    return limit_of(both[open_ones], right[open_ones], PAIR_RIGHT, np.arange(0.4, 0.91, 0.025))


def as_good(one, others):
    """Whether the costs per track `one` are within a standard error of the least of `others`: of time constants that are
    equally good, the shortest follows a change of key soonest.
    """
    apart = one - min(others, key=lambda costs: costs.mean())
    return apart.mean() <= apart.std() / np.sqrt(len(apart))


def fit(tracks, time_s=None):
    """The constants for tracks with `logs` and `keys`."""
    constant = [track for track in tracks if len(track["keys"]) == 1]
    keys = [int(track["keys"][0]) for track in constant]
    logs = [track["logs"] for track in constant]
    options, costs = [], {}
    for time in (time_s,) if time_s else TIMES_S:
        scale = best_scale([shown.live_evidence(one, time) for one in logs], keys)
        figures = {id(track): shown.figures(shown.live_evidence(track["logs"], time), scale) for track in tracks}
        labels_at = lambda track, limit, figures=figures: shown.named(
            figures[id(track)], {"named": limit, "kept": min(limit, KEPT)}
        )
        limit = live_limit(labels_at, tracks)
        named = [labels_at(track, limit) for track in tracks]
        costs[time] = np.array([cost(labels, truths(t, len(labels))) for t, labels in zip(tracks, named)])
        options.append((time, scale, limit))
    time, scale, limit = next(option for option in options if as_good(costs[option[0]], costs.values()))
    rows = np.concatenate([shown.figures(shown.live_evidence(one, time), scale) for one in logs])
    truth = np.concatenate([np.full(len(one), key) for one, key in zip(logs, keys)])
    files = [shown.file_evidence(one) for one in logs]
    file_scale = best_scale(files, keys)
    whole = np.concatenate([shown.figures(file, file_scale) for file in files])
    named = limit_of(whole.max(1), whole.argmax(1) == np.array(keys), FILE_RIGHT, LIMITS)
    return {
        "cost": {str(time): round(float(of.mean()), 3) for time, of in costs.items()},
        "time_s": time,
        "live": {
            "scale": scale,
            "named": round(limit, 3),
            "kept": min(round(limit, 3), KEPT),
            "pair": round(pair_limit(rows, truth, limit), 3),
        },
        "file": {
            "scale": file_scale,
            "named": round(named, 3),
            "kept": round(named, 3),
            "pair": round(pair_limit(whole, np.array(keys), named), 3),
        },
    }


def live_figures(logs, constants):
    return shown.figures(shown.live_evidence(logs, constants["time_s"]), constants["live"]["scale"])


def file_figures(logs, constants):
    return shown.figures(shown.file_evidence(logs), constants["file"]["scale"])


def above_nothing(constants, model, head):
    """The constants with limits that neither a held note (one key) nor noise (a pair) reaches."""
    network = session(model / "encoder.onnx")
    for kind, limit, sounds in (("notes", "named", notes()), ("noise", "pair", noises())):
        for sound in sounds:
            hidden = hidden_states(network, sound, [json.loads(head[1]["layers"])[0]])[:, 0]
            logs = shown.log_probabilities(logits(head, hidden))
            for part, figures in (("live", live_figures(logs, constants)), ("file", file_figures(logs, constants))):
                best = np.sort(figures, 1)[:, -1 if kind == "notes" else -2 :].sum(1).max()
                constants[part][limit] = max(constants[part][limit], round(float(best) + MARGIN, 3))
    return constants


def notes():
    """Held and repeated notes of several kinds in six octaves, seconds each."""
    time = np.arange(14 * RATE) / RATE
    for hz in 55 * 2.0 ** np.arange(0, 6, 0.5):
        yield np.sin(2 * np.pi * hz * time)
        yield (hz * time) % 1 - 0.5
        yield np.sign(np.sin(2 * np.pi * hz * time))
        yield sum(np.sin(2 * np.pi * hz * n * time) / n for n in range(1, 6)) * np.exp(-4 * (time % 0.5))


def noises():
    """White, pink and brown noise, and clicks."""
    white = np.random.default_rng(0).normal(0, RMS, 20 * RATE)
    spectrum, place = np.fft.rfft(white), np.maximum(np.arange(len(white) // 2 + 1), 1)
    yield white
    yield np.fft.irfft(spectrum / np.sqrt(place))
    yield np.fft.irfft(spectrum / place)
    yield white * np.exp(-60 * ((np.arange(len(white)) / RATE) % 0.25))


def judged(track, constants):
    """`judged_figures` of what is shown with these constants."""
    return judged_figures(
        track, live_figures(track["logs"], constants), file_figures(track["logs"], constants)[0], constants
    )


def judged_figures(track, figures, whole, constants):
    """Of one track of one key, from its figures live [windows, labels] and as a whole [labels]: rows (top, right, named) live,
    the same of the file, first wrong, first right, changes, seconds.
    """
    key = int(track["keys"][0])
    labels = shown.named(figures, constants["live"])
    spoken = labels[labels >= 0]
    right = np.flatnonzero(labels == key)
    return {
        "group": str(track["group"]),
        "live": (figures.max(1), figures.argmax(1) == key, labels >= 0),
        "file": (whole.max(), whole.argmax() == key, whole.max() >= constants["file"]["named"]),
        "first wrong": float(spoken[0] != key) if len(spoken) else None,
        "first right": shown.WINDOW_S + HOP_S * int(right[0]) if len(right) else None,
        "changes": int((spoken[1:] != spoken[:-1]).sum()),
        "seconds": shown.WINDOW_S + HOP_S * (len(labels) - 1),
    }


def figures_of(rows):
    """The card's figures of judged tracks."""
    live = [np.concatenate([row["live"][n] for row in rows]) for n in range(3)]
    whole = [np.array([row["file"][n] for row in rows]) for n in range(3)]
    first = [row["first wrong"] for row in rows if row["first wrong"] is not None]
    first_right = [row["first right"] for row in rows if row["first right"] is not None]
    found = {}
    for name, (top, right, named) in (("live", live), ("file", whole)):
        found[f"{name}: calibration error"] = calibration_error(top, right)
        found[f"{name}: right"] = float(right.mean())
        found[f"{name}: right where named"] = float(right[named].mean()) if named.any() else float("nan")
        found[f"{name}: share named"] = float(named.mean())
    found["first label wrong"] = float(np.mean(first)) if first else float("nan")
    found["seconds to the first right label, median"] = float(np.median(first_right)) if first_right else float("nan")
    found["changes of the label per minute"] = 60 * sum(r["changes"] for r in rows) / sum(r["seconds"] for r in rows)
    return found


def with_intervals(rows, seed=0):
    """Figures with 95 % intervals from resampled groups: {name: [value, low, high]}."""
    random = np.random.default_rng(seed)
    groups = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    names = list(groups)
    drawn = [
        figures_of([row for name in random.choice(names, len(names)) for row in groups[name]])
        for _ in range(RESAMPLINGS)
    ]
    return {
        name: [value, *(float(np.nanpercentile([d[name] for d in drawn], p)) for p in (2.5, 97.5))]
        for name, value in figures_of(rows).items()
    }


def by_chance(rows, seed=0):
    """The calibration error of figures that are true, live (answers taken as independent) and per file."""
    random = np.random.default_rng(seed)
    tops = np.concatenate([r["live"][0] for r in rows]), np.array([r["file"][0] for r in rows])
    return [float(np.mean([calibration_error(top, random.random(len(top)) < top) for _ in range(50)])) for top in tops]


def nested(tracks, time_s=None):
    """Judges each fold with constants fitted on the others; returns the judged tracks and the folds' constants."""
    rows, constants = [], []
    for part in folds([str(track["group"]) for track in tracks], 5):
        inside = {int(n) for n in part}
        found = fit([track for n, track in enumerate(tracks) if n not in inside], time_s)
        constants.append(found)
        rows += [judged(tracks[n], found) for n in sorted(inside) if len(tracks[n]["keys"]) == 1]
    return rows, constants


def delays(tracks, constants):
    """The delays of all tracks with a change of key."""
    joins = [track for track in tracks if len(track["keys"]) == 2]
    return [delay(track, live_figures(track["logs"], constants), constants) for track in joins]


def delay(track, figures, constants):
    """Seconds from the change of key until the new key is named; None where it is not within the rest of the track."""
    labels = shown.named(figures, constants["live"])
    ends = shown.WINDOW_S + HOP_S * np.arange(len(labels))
    at = 0.5 * ends[-1]
    after = np.flatnonzero((ends > at) & (labels == int(track["keys"][1])))
    return float(ends[after[0]] - at) if len(after) else None


def curve(rows):
    """Share named and share right of these as the limit falls, live and per file, at a hundred places or so."""
    tops = {
        "live": [np.concatenate([r["live"][n] for r in rows]) for n in range(2)],
        "files": [np.array([r["file"][n] for r in rows]) for n in range(2)],
    }
    found = {}
    for name, (top, right) in tops.items():
        order = np.argsort(-top)
        counts = np.arange(1, len(top) + 1)
        kept = np.s_[:: max(1, len(top) // 100)]
        shares = counts / len(top), np.cumsum(right[order]) / counts
        found[name] = [share[kept].round(4).tolist() for share in shares]
    return found


def write_constants(path, constants):
    """Puts the constants into the metadata of a head's file."""
    tensors, metadata = read_head(path)
    used = {name: constants[name] for name in ("time_s", "live", "file")}
    save_file(tensors, path, metadata={**metadata, "confidence": json.dumps(used)})
    path.chmod(0o644)


def fit_key(model):
    """Fits the key head's constants on all tracks, writes them and records the nested figures."""
    head = read_head(model / "key.safetensors")
    tracks = load_tracks()
    for track in tracks:
        track["logs"] = shown.log_probabilities(logits(head, track["hidden"][:, 0]))
    constants = above_nothing(fit(tracks), model, head)
    rows, folded = nested(tracks)
    kinds = {
        "all": rows,
        **{
            kind: [r for r in rows if r["group"].startswith("song") == (kind == "songs")] for kind in ("songs", "music")
        },
    }
    waits = delays(tracks, constants)
    record(
        "confidence-key",
        {
            "constants": constants,
            "folds": folded,
            "counts": {kind: len(part) for kind, part in kinds.items()},
            "nested": {kind: with_intervals(part) for kind, part in kinds.items() if part},
            "by chance": by_chance(rows),
            "delays": waits,
            "curve": curve(rows),
        },
    )
    write_constants(model / "key.safetensors", constants)
    log(f"key: {constants}")
    return constants
