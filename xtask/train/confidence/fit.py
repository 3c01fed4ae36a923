"""Fits the constants of confidence.

A scale is the least one whose loss, the true labels' mean negative log-probability, is within a standard error of the best
one's: music outside differs from this music, and a figure that is too low misleads less than one that is too high. The limit
from which a label is named is the lowest one that keeps the promises below. The time constant has the least
cost: 1 per second while nothing is named, 5 while a wrong label is named (so that naming pays from four right in five on),
and 5 for each change of the named label.
"""

import numpy as np

from confidence import shown
from confidence.tracks import HOP_S

TIMES_S = (8, 12, 15, 20, 30)
SCALES = np.arange(1, 3.01, 0.125)
LIMITS = np.arange(0.5, 0.86, 0.025)
# Of two labels that are more probable than all others together.
LIMITS_OF_PAIRS = np.arange(0.5, 0.91, 0.025)
# A key that is named stays named while it is more probable than all others together.
KEPT = 0.5
WRONG, CHANGE_S = 5, 5
# Of named labels at least so many are right: live (the requirement is .80) and for files (.85), of first labels .80; and a
# label changes so often at most.
LIVE_RIGHT, FILE_RIGHT, PAIR_RIGHT, FIRST_WRONG, CHANGES_A_MINUTE = 0.82, 0.85, 0.80, 0.20, 0.4


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


def changes_a_minute(labels_of):
    spoken = [labels[labels >= 0] for labels in labels_of]
    seconds = sum(shown.WINDOW_S + HOP_S * (len(labels) - 1) for labels in labels_of)
    return 60 * sum(int((labels[1:] != labels[:-1]).sum()) for labels in spoken) / seconds


def limits_of(limit):
    return {"named": round(float(limit), 3), "kept": min(round(float(limit), 3), KEPT)}


def live_limit(figures, keys):
    """The lowest limit that keeps the promises on tracks of one key each, given what they show live."""

    def kept(limit):
        all_labels = [shown.named(one, limits_of(limit)) for one in figures]
        right = np.concatenate([labels[labels >= 0] == key for labels, key in zip(all_labels, keys)])
        first = [labels[labels >= 0][0] != key for labels, key in zip(all_labels, keys) if (labels >= 0).any()]
        calm = changes_a_minute(all_labels) <= CHANGES_A_MINUTE
        return len(right) > 0 and right.mean() >= LIVE_RIGHT and np.mean(first) <= FIRST_WRONG and calm

    return next((limit for limit in LIMITS if kept(limit)), LIMITS[-1])


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
    return round(limit_of(both[open_ones], right[open_ones], PAIR_RIGHT, LIMITS_OF_PAIRS), 3)


def as_good(one, others):
    """Whether the costs per track `one` are within a standard error of the least of `others`: of time constants that are
    equally good, the shortest follows a change of key soonest.
    """
    apart = one - min(others, key=lambda costs: costs.mean())
    return apart.mean() <= apart.std() / np.sqrt(len(apart))


def of_one_label(tracks):
    """The numbers of the tracks without a change, and their labels."""
    numbers = [n for n, track in enumerate(tracks) if len(track["keys"]) == 1]
    return numbers, [int(tracks[n]["keys"][0]) for n in numbers]


def best_time(tracks):
    """The time constant with the least cost, and the cost of each, by the mean alone."""
    numbers, keys = of_one_label(tracks)
    costs = {}
    for time in TIMES_S:
        evidence = [shown.live_evidence(track["logs"], time) for track in tracks]
        scale = best_scale([evidence[n] for n in numbers], keys)
        figures = [shown.figures(one, scale) for one in evidence]
        limits = limits_of(live_limit([figures[n] for n in numbers], keys))
        labels_of = [shown.named(one, limits) for one in figures]
        costs[time] = np.array([cost(labels, truths(t, len(labels))) for t, labels in zip(tracks, labels_of)])
    time = next(time for time in TIMES_S if as_good(costs[time], costs.values()))
    return time, {str(time): round(float(of.mean()), 3) for time, of in costs.items()}


def shown_constants(tracks, evidence):
    """The constants `live` and `file` for the evidence of each track, live and of the file."""
    numbers, keys = of_one_label(tracks)
    live, files = ([evidence[n][part] for n in numbers] for part in (0, 1))
    live_scale, file_scale = best_scale(live, keys), best_scale(files, keys)
    figures = [shown.figures(one, live_scale) for one in live]
    limits = limits_of(live_limit(figures, keys))
    whole = np.concatenate([shown.figures(one, file_scale) for one in files])
    named = round(limit_of(whole.max(1), whole.argmax(1) == np.array(keys), FILE_RIGHT, LIMITS), 3)
    truth = np.concatenate([np.full(len(one), key) for one, key in zip(figures, keys)])
    pair = pair_limit(np.concatenate(figures), truth, limits["named"])
    return {
        "live": {"scale": live_scale, **limits, "pair": pair},
        "file": {
            "scale": file_scale,
            "named": named,
            "kept": named,
            "pair": pair_limit(whole, np.array(keys), named),
        },
    }


def fit(tracks, time_s):
    """The constants for tracks with `logs` and `keys`, by the mean alone."""
    evidence = [shown.evidence(track["logs"], time_s) for track in tracks]
    return {"time_s": time_s, **shown_constants(tracks, evidence)}
