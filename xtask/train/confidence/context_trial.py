"""Whether the context head is better than the mean alone: both in the same folds, with the same promises and one more, that the
label changes seldom.

In each fold, everything is fitted on the other four. Scales and limits are fitted on figures by weights from four fifths of these,
since weights flatter the music that they were fitted to. Of a whole file the context is its own mean, from which nothing differs.
"""

import numpy as np

from confidence import context, fit, shown
from confidence.tracks import HOP_S, load_tracks
from data.excerpts import folds
from export.model_folder import MODEL
from settings import log, record

TIME_S = 8
# The scale of the installed filter, while the weights are fitted.
SCALE = 1.75
# Of every second window, since neighbors are alike.
STEP = 2
CHANGES_A_MINUTE = 0.4
# The delay that counts where the new key is not named at all, in seconds.
LATEST_S = 20


def evidence(track, weights=None):
    """What `shown.figures` reads of a track, live and of the file; by the mean alone without `weights`."""
    parts = shown.live_evidence(track["logs"], TIME_S), shown.file_evidence(track["logs"])
    if weights is None:
        return parts
    newest = track["logs"], parts[1][0]
    return [(context.applied(weights, part[0], logs), *part[1:]) for part, logs in zip(parts, newest)]


def fitted_weights(tracks):
    examples, scales = [], []
    for track in tracks:
        means, heard, apart = shown.live_evidence(track["logs"], TIME_S)
        examples.append((means[::STEP], track["logs"][::STEP], fit.truths(track, len(means))[::STEP]))
        scales.append((1 + (SCALE - 1) * heard * np.minimum(1, apart / shown.CHANGING))[::STEP])
    return context.fit(examples, scales)


def inner_evidence(tracks):
    """The evidence of each track by weights that were fitted without its fold."""
    found = [None] * len(tracks)
    for part in folds([str(track["group"]) for track in tracks], 5, seed=1):
        weights = fitted_weights([track for n, track in enumerate(tracks) if n not in set(part)])
        for n in part:
            found[n] = evidence(tracks[n], weights)
    return found


def changes_a_minute(labels_of):
    spoken = [labels[labels >= 0] for labels in labels_of]
    seconds = sum(shown.WINDOW_S + HOP_S * (len(labels) - 1) for labels in labels_of)
    return 60 * sum(int((labels[1:] != labels[:-1]).sum()) for labels in spoken) / seconds


def constants_of(tracks, found):
    """Scales and limits for the tracks' evidence: the lowest limits that keep the promises."""
    constant = [n for n, track in enumerate(tracks) if len(track["keys"]) == 1]
    keys = [int(tracks[n]["keys"][0]) for n in constant]
    live, whole = (fit.best_scale([found[n][part] for n in constant], keys) for part in (0, 1))
    figures = {id(track): shown.figures(of[0], live) for track, of in zip(tracks, found)}
    limits = lambda limit: {"named": limit, "kept": min(limit, fit.KEPT)}
    labels_at = lambda track, limit: shown.named(figures[id(track)], limits(limit))
    calm = lambda limit: changes_a_minute([labels_at(tracks[n], limit) for n in constant]) <= CHANGES_A_MINUTE
    least = fit.live_limit(labels_at, tracks)
    limit = next((limit for limit in fit.LIMITS if limit >= least and calm(limit)), fit.LIMITS[-1])
    top = np.concatenate([shown.figures(found[n][1], whole) for n in constant])
    named = fit.limit_of(top.max(1), top.argmax(1) == np.array(keys), fit.FILE_RIGHT, fit.LIMITS)
    return {"live": {"scale": live, **limits(float(limit))}, "file": {"scale": whole, "named": float(named)}}


def judged_fold(inside, outside, by_context):
    """Judged tracks, delays and constants of one fold, in which `outside` is for fitting."""
    known = inner_evidence(outside) if by_context else [evidence(track) for track in outside]
    constants = constants_of(outside, known)
    weights = fitted_weights(outside) if by_context else None
    rows, waits = [], []
    for track in inside:
        live, whole = (
            shown.figures(of, constants[part]["scale"]) for of, part in zip(evidence(track, weights), ("live", "file"))
        )
        if len(track["keys"]) == 1:
            rows.append(fit.judged_figures(track, live, whole[0], constants))
        else:
            waits.append(fit.delay(track, live, constants))
    return rows, waits, constants


def differences(rows, others, seed=0):
    """By how much the figures of `rows` exceed those of `others`, the same tracks: {name: [difference, low, high]}."""
    random = np.random.default_rng(seed)
    names = sorted({row["group"] for row in rows})
    members = {name: [n for n, row in enumerate(rows) if row["group"] == name] for name in names}

    def apart(chosen):
        ours, theirs = (fit.figures_of([of[n] for n in chosen]) for of in (rows, others))
        return {name: ours[name] - theirs[name] for name in ours}

    drawn = [
        apart([n for name in random.choice(names, len(names)) for n in members[name]]) for _ in range(fit.RESAMPLINGS)
    ]
    return {
        name: [value, *(float(np.nanpercentile([one[name] for one in drawn], p)) for p in (2.5, 97.5))]
        for name, value in apart(range(len(rows))).items()
    }


def delay_difference(waits, others, seed=0):
    """The mean difference of the delays, with its 95 % interval."""
    seconds = lambda of: np.array([LATEST_S if wait is None else wait for wait in of])
    apart = seconds(waits) - seconds(others)
    means = np.random.default_rng(seed).choice(apart, (fit.RESAMPLINGS, len(apart))).mean(1)
    return [float(apart.mean()), *(float(np.percentile(means, p)) for p in (2.5, 97.5))]


def compare():
    """Records the figures of both, and their differences, of all tracks, of songs and of free music; and the weights and limits that
    all tracks give.
    """
    head, tracks = fit.read_head(MODEL / "key.safetensors"), load_tracks()
    for track in tracks:
        track["logs"] = shown.log_probabilities(fit.logits(head, track["hidden"][:, 0]))
    found = {}
    for name, by_context in (("mean", False), ("context", True)):
        rows, waits, constants = [], [], []
        for part in folds([str(track["group"]) for track in tracks], 5):
            inside, outside = [tracks[n] for n in part], [t for n, t in enumerate(tracks) if n not in set(part)]
            for all_of, of in zip((rows, waits, constants), judged_fold(inside, outside, by_context)):
                all_of += of if isinstance(of, list) else [of]
        found[name] = {"rows": rows, "waits": waits, "constants": constants}
        log(f"{name}: {constants}")
    figures = {"counts": {"tracks": len(tracks), "joins": len(found["mean"]["waits"])}}
    for kind, wanted in (("all", (True, False)), ("songs", (True,)), ("music", (False,))):
        both = [[row for row in of["rows"] if row["group"].startswith("song") in wanted] for of in found.values()]
        figures[kind] = {
            "mean": fit.with_intervals(both[0]),
            "context": fit.with_intervals(both[1]),
            "difference": differences(both[1], both[0]),
        }
    figures["delays"] = {name: of["waits"] for name, of in found.items()}
    figures["delay difference"] = delay_difference(found["context"]["waits"], found["mean"]["waits"])
    figures["constants"] = {name: of["constants"] for name, of in found.items()}
    kernel, bias = fitted_weights(tracks)
    figures["of all tracks"] = {
        "context": {"kernel": kernel.round(4).tolist(), "bias": bias.round(4).tolist()},
        **constants_of(tracks, inner_evidence(tracks)),
    }
    record("context-trial", figures)
    for kind in ("all", "songs", "music"):
        log(f"{kind}: {figures[kind]}")
    log(f"delays: {figures['delays']}, difference {figures['delay difference']}")
