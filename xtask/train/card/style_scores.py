"""How good the style head is outside GTZAN, beside the genre head: on free music and on sounds of no style.

Every figure is about packages and kinds of sound that the measured head was not fitted on: the head is fitted anew in
five folds of groups, with the installed head's kind of objective, since the installed head itself has seen most of the music.
"""

from collections import defaultdict

import numpy as np
import torch

from calibration import calibration_error, fit_temperature, softmax
from card.measure import read_head
from data.excerpts import folds
from genre.styles import GTZAN_FROM_STYLE, NONE
from settings import log, record, session

PENALTY = 0.03
LAYER = 6


def hidden_of(encoder, sounds):
    """The style layer of each sound, [sounds, 256]."""
    network = session(encoder)
    waveform = lambda sound: sound.samples[None].astype(np.float32)
    return np.stack([network.run(["hidden"], {"waveform": waveform(sound)})[0][LAYER] for sound in sounds])


def fitted(hidden, labels, count):
    """A multinomial logistic regression; returns a function from hidden states to logits."""
    mean, std = hidden.mean(0), hidden.std(0) + 1e-6
    x, y = torch.tensor((hidden - mean) / std, dtype=torch.float32), torch.tensor(labels)
    weight = torch.zeros(count, x.shape[1], requires_grad=True)
    bias = torch.zeros(count, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=150, history_size=10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(x @ weight.T + bias, y) + PENALTY / 2 * (weight**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    matrix, offset = weight.detach().numpy(), bias.detach().numpy()
    return lambda rows: (rows - mean) / std @ matrix.T + offset


def held_out_probabilities(hidden, labels, groups, is_fitted_on, count):
    """Probabilities of every row from a head of other groups; each fold's temperature comes from the other folds."""
    parts = folds(groups, 5)
    logits = np.zeros((len(labels), count), np.float32)
    for part in parts:
        inside = np.isin(np.arange(len(labels)), part, invert=True) & is_fitted_on
        logits[part] = fitted(hidden[inside], labels[inside], count)(hidden[part])
    probabilities = np.zeros_like(logits)
    for part in parts:
        others = np.isin(np.arange(len(labels)), part, invert=True)
        probabilities[part] = softmax(logits[part] / fit_temperature(logits[others], labels[others]))
    return probabilities


def chance_error(probabilities, repeats=200, seed=0):
    """The calibration error that chance alone gives answers which are right exactly as often as they say."""
    random, top = np.random.default_rng(seed), probabilities.max(1)
    wrong = (probabilities.argmax(1) + 1) % probabilities.shape[1]
    draws = (np.where(random.random(len(top)) < top, probabilities.argmax(1), wrong) for _ in range(repeats))
    return float(np.mean([calibration_error(probabilities, truth) for truth in draws]))


def by_file(probabilities, files):
    """The mean of each file's rows, in the order of the files' first rows: (files, [files, labels])."""
    names = list(dict.fromkeys(files))
    files = np.asarray(files)
    return names, np.stack([probabilities[files == name].mean(0) for name in names])


def compare(names, styles_of, probabilities, labels, gtzan, gtzan_labels, source_of):
    """Right answers of both heads per source of the labels, and where GTZAN has the style at all."""
    rows = defaultdict(lambda: [0, 0, 0, 0, 0])
    for name, mine, its in zip(names, probabilities, gtzan):
        style = styles_of[name]
        right = labels[mine.argmax()] == style
        known = GTZAN_FROM_STYLE[style]
        its_right = gtzan_labels[its.argmax()] == known
        for key in (source_of[name], "all", style):
            row = rows[key]
            row[0] += 1
            row[1] += right
            row[2] += its_right
            if known:
                row[3] += right
                row[4] += 1
    names_of = (
        "files",
        "styles right",
        "genre right",
        "styles right where GTZAN has the style",
        "files of GTZAN's styles",
    )
    return {key: dict(zip(names_of, map(int, row))) for key, row in rows.items()}


def score_styles(model, training, music):
    """Measures both heads and records the figures; `training` are the sounds of the style head, `music` the windows of
    `genre.styles.music_windows`."""
    windows = [sound for sound, _, _ in music]
    sounds = training + windows
    hidden = hidden_of(model / "encoder.onnx", sounds)
    labels = sorted({sound.label for sound in sounds})
    truth = np.array([labels.index(sound.label) for sound in sounds])
    # The windows of free music that are fitted on are among `training`.
    is_fitted_on = np.arange(len(sounds)) < len(training)
    probabilities = held_out_probabilities(hidden, truth, [s.group for s in sounds], is_fitted_on, len(labels))
    _, mean, std, weight, bias, temperature = read_head(model / "genre.safetensors")
    gtzan = softmax(((hidden - mean) / std @ weight.T + bias) / temperature)
    gtzan_labels = [label for label, known in GTZAN_FROM_STYLE.items() if known]
    first = len(training)
    files = [path for _, path, _ in music]
    is_music = [sound.label != NONE for sound in windows]
    names, mine = by_file(probabilities[first:][is_music], [f for f, keep in zip(files, is_music) if keep])
    _, its = by_file(gtzan[first:][is_music], [f for f, keep in zip(files, is_music) if keep])
    styles_of = {path: sound.label for sound, path, _ in music}
    source_of = {path: source for _, path, source in music}
    kinds = defaultdict(list)
    for sound, p, g in zip(sounds, probabilities, gtzan):
        if sound.kind not in ("GTZAN", "free music"):
            top = labels[p.argmax()]
            answers = (top == NONE, top == "electronic", top == "classical", gtzan_labels[g.argmax()] == "classical")
            kinds[sound.kind].append(answers)
    figures = {
        "labels": labels,
        "free music": compare(names, styles_of, mine, labels, its, gtzan_labels, source_of),
        "sounds": {kind: [len(rows), *map(float, np.mean(rows, 0))] for kind, rows in kinds.items()},
        "calibration error, files of free music": calibration_error(
            mine, np.array([labels.index(styles_of[name]) for name in names])
        ),
        "by chance": chance_error(mine),
    }
    log(f"styles outside GTZAN: {figures}")
    record("style-scores", figures)
    return figures
