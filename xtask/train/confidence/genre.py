"""Fits the genre head's constants of confidence on labeled excerpts: neighbors of one genre joined, hidden states of the
graph, logits of heads that were fitted without the excerpts of a fold.

No long music with genres is at hand. Neighbors often come from one record, but seldom from one song, so their windows
err less alike than those of a song: read these figures as optimistic.
"""

import json

import numpy as np
from scipy.optimize import minimize

from calibration import fit_temperature, softmax
from confidence import fit, shown
from confidence.tracks import hidden_states
from data.excerpts import folds
from settings import log, record, session

PENALTY = 0.1


def regression(x, y, labels):
    """Multinomial logistic regression; returns a function from rows to logits."""
    mean, std = x.mean(0), x.std(0) + 1e-6
    x = np.hstack([(x - mean) / std, np.ones((len(x), 1))])
    truth = np.eye(labels)[y]

    def objective(flat):
        weight = flat.reshape(x.shape[1], labels)
        p = softmax(x @ weight)
        gradient = x.T @ (p - truth) / len(x)
        gradient[:-1] += 2 * PENALTY * weight[:-1] / x.shape[1]
        value = -np.log(np.maximum((p * truth).sum(1), 1e-12)).mean() + PENALTY * (weight[:-1] ** 2).sum() / x.shape[1]
        return value, gradient.ravel()

    weight = minimize(objective, np.zeros(x.shape[1] * labels), jac=True, method="L-BFGS-B").x.reshape(-1, labels)
    return lambda rows: np.hstack([(rows - mean) / std, np.ones((len(rows), 1))]) @ weight


def held_out_tracks(model, excerpts, head):
    """Groups of excerpts as tracks with the log probabilities of heads that have not seen them."""
    labels, layers = json.loads(head[1]["labels"]), json.loads(head[1]["layers"])
    network = session(model / "encoder.onnx")
    single = np.concatenate([hidden_states(network, e.window(), layers)[:, 0] for e in excerpts])
    truth = np.array([labels.index(e.genre) for e in excerpts])
    groups = np.array([e.group for e in excerpts])
    tracks = []
    for part in folds(list(groups), 5):
        inside = np.isin(np.arange(len(excerpts)), part)
        logits_of = regression(single[~inside], truth[~inside], len(labels))
        temperature = fit_temperature(logits_of(single[inside]), truth[inside])
        for group in dict.fromkeys(groups[inside]):
            members = np.flatnonzero(groups == group)
            samples = np.concatenate([excerpts[n].samples for n in members])
            hidden = hidden_states(network, samples, layers)[:, 0]
            tracks.append(
                {
                    "logs": shown.log_probabilities(logits_of(hidden) / temperature),
                    "keys": [int(truth[members[0]])],
                    "group": group,
                }
            )
    return tracks


def fit_genre(model, excerpts, time_s):
    """Fits, judges and writes the genre head's constants; the time constant is the key's."""
    path = model / "genre.safetensors"
    tracks = held_out_tracks(model, excerpts, fit.read_head(path))
    constants = fit.fit(tracks, time_s)
    rows, _ = fit.nested(tracks, time_s)
    record(
        "confidence-genre",
        {
            "constants": constants,
            "tracks": len(tracks),
            "nested": fit.with_intervals(rows),
            "by chance": fit.by_chance(rows),
        },
    )
    fit.write_constants(path, constants)
    log(f"genre: {constants}")
