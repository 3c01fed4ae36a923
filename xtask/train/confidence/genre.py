"""Fits the constants of confidence of both heads that answer for the genre, on music of a known genre: hidden states of the
graph, logits of heads that were fitted without the music of a fold.

For the head `genre`, neighboring excerpts of one genre are joined. Neighbors often come from one record, but seldom from one
song, so their windows err less alike than those of a song: read these figures as optimistic. The head `styles` is judged on
these and on forty seconds of each file of free music with a style.
"""

import json
from collections import defaultdict

import numpy as np
from scipy.optimize import minimize

from calibration import fit_temperature, softmax
from confidence import judge, shown
from confidence.fit import fit
from confidence.head_file import read_head, write_constants
from confidence.tracks import hidden_states
from data.excerpts import folds
from data.music import held_out, load_music
from data.no_style import Sound
from genre.styles import music_windows, styles, training_sounds
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


def held_out_tracks(model, singles, songs, head):
    """The sounds `songs` as tracks with the log probabilities of heads that were fitted to the windows `singles` without their
    groups. A group that is in no window counts as one of the first fold.
    """
    labels, layers = json.loads(head[1]["labels"]), json.loads(head[1]["layers"])
    network = session(model / "encoder.onnx")
    features = np.concatenate([hidden_states(network, one.samples, layers)[:, 0] for one in singles])
    truth = np.array([labels.index(one.label) for one in singles])
    groups = np.array([one.group for one in singles])
    parts = folds(list(groups), 5)
    fold_of = {group: number for number, part in enumerate(parts) for group in groups[part]}
    tracks = []
    for number, part in enumerate(parts):
        inside = np.isin(np.arange(len(singles)), part)
        logits_of = regression(features[~inside], truth[~inside], len(labels))
        temperature = fit_temperature(logits_of(features[inside]), truth[inside])
        for song in songs:
            if fold_of.get(song.group, 0) == number:
                hidden = hidden_states(network, song.samples, layers)[:, 0]
                logs = shown.log_probabilities(logits_of(hidden) / temperature)
                tracks.append({"logs": logs, "keys": [labels.index(song.label)], "group": song.group})
    return tracks


def joined(excerpts):
    """Each group of excerpts as one sound."""
    members = defaultdict(list)
    for excerpt in excerpts:
        members[excerpt.group].append(excerpt)
    return [
        Sound(group, "joined", of[0].genre, group, np.concatenate([one.samples for one in of]))
        for group, of in members.items()
    ]


def free_songs():
    """Forty seconds of each file of free music with a style."""
    known, (blocks, paths, packages, _) = styles(), load_music()
    numbers = defaultdict(list)
    for number, (path, package) in enumerate(zip(paths, packages)):
        if (package, path) in known:
            numbers[package, path].append(number)
    return [
        Sound(path, "free music", known[package, path][0], package, np.concatenate(blocks[of[:2]]) / np.float32(32767))
        for (package, path), of in numbers.items()
    ]


def fit_genre(model, excerpts, time_s):
    """Fits, judges and writes the constants of the head `genre`."""
    singles = [Sound(one.file, "GTZAN", one.genre, one.group, one.window()) for one in excerpts]
    fit_head(model, "genre", singles, joined(excerpts), time_s)


def fit_styles(model, excerpts, time_s):
    """Fits, judges and writes the constants of the head `styles`."""
    music = [sound for sound, of, _ in music_windows() if not held_out(of)]
    fit_head(model, "styles", training_sounds(excerpts, music), [*joined(excerpts), *free_songs()], time_s)


def fit_head(model, name, singles, songs, time_s):
    """The same for a head whose time constant is the key's."""
    path = model / f"{name}.safetensors"
    tracks = held_out_tracks(model, singles, songs, read_head(path))
    constants = fit(tracks, time_s)
    rows, _, _ = judge.nested(tracks, lambda outside: fit(outside, time_s))
    record(
        f"confidence-{name}",
        {
            "constants": constants,
            "tracks": len(tracks),
            "nested": judge.with_intervals(rows),
            "by chance": judge.by_chance(rows),
        },
    )
    write_constants(path, constants)
    log(f"{name}: {constants}")
