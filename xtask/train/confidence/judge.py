"""How right what is shown is: the card's figures of tracks, with intervals."""

import numpy as np

from confidence import shown
from confidence.tracks import HOP_S
from data.excerpts import folds

RESAMPLINGS = 300


def calibration_error(top, right, bins=10):
    """Over bins of equal counts, as in the engine."""
    order = np.argsort(top, kind="stable")
    parts = zip(np.array_split(top[order], bins), np.array_split(right[order], bins))
    return float(sum(abs(p.sum() - r.sum()) for p, r in parts) / len(top))


def judged(track, constants):
    """Of one track of one key, from what is shown with these constants: rows (top, right, named) live, the same of the file, first
    wrong, first right, changes, seconds.
    """
    figures, whole = shown.live(track["logs"], constants), shown.whole(track["logs"], constants)
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


def nested(tracks, fit):
    """Judges each fold with what `fit` finds on the others: the judged tracks of one key, the delays of those with a change, and the
    folds' constants.
    """
    rows, waits, constants = [], [], []
    for part in folds([str(track["group"]) for track in tracks], 5):
        inside = {int(n) for n in part}
        found = fit([track for n, track in enumerate(tracks) if n not in inside])
        constants.append(found)
        for n in sorted(inside):
            if len(tracks[n]["keys"]) == 1:
                rows.append(judged(tracks[n], found))
            else:
                waits.append(delay(tracks[n], found))
    return rows, waits, constants


def delay(track, constants):
    """Seconds from the change of key until the new key is named; None where it is not within the rest of the track."""
    labels = shown.named(shown.live(track["logs"], constants), constants["live"])
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
