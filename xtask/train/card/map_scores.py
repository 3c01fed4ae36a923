"""How much of its room a map uses, and how pure the neighborhoods on it are, beside a plane of most variance."""

import json

import numpy as np
from safetensors import safe_open
from scipy.spatial import ConvexHull

from genre.styles import in_first_half
from settings import log, record

CELLS = 40
NEIGHBORS = 10


def places(path, hidden):
    """Places [windows, 2] on the map in a file, its landmarks' places, and its extent."""
    with safe_open(path, "numpy") as file:
        tensor = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (the file is no dictionary)
        labels = json.loads(file.metadata()["labels"])
    along = (hidden - tensor["mean"]) @ tensor["components"].T / tensor["scale"]
    if "reach" in tensor:
        along = along / np.sqrt(1 + (along / tensor["reach"]) ** 2)
    return along, dict(zip(labels, tensor["landmarks"])), tensor["extent"]


def by_variance(fitted_to, hidden, labels):
    """The same for the plane of most variance of `fitted_to`, with the extent of its points, as the map was before."""
    mean = fitted_to.mean(0)
    directions = np.linalg.svd(fitted_to - mean, full_matrices=False)[2][:2]
    along = (hidden - mean) @ directions.T
    landmarks = {label: along[labels == label].mean(0) for label in np.unique(labels)}
    low, high = along.min(0), along.max(0)
    margin = 0.05 * (high - low)
    return along, landmarks, np.stack([low - margin, high + margin])


def room(along, landmarks, extent):
    """Shares of the map's area under the landmarks and under the densest cells with 90 % of the music."""
    side = extent[1] - extent[0]
    unit = (along - extent[0]) / side
    corners = (np.array(list(landmarks.values())) - extent[0]) / side
    counts = np.histogram2d(*unit.T, bins=CELLS, range=[[0, 1], [0, 1]])[0].ravel()
    ranked = np.cumsum(np.sort(counts)[::-1]) / counts.sum()
    return {
        "hull": float(ConvexHull(corners).volume),
        "dense": float((np.searchsorted(ranked, 0.9) + 1) / CELLS**2),
    }


def purity(points, labels, groups):
    """The mean share of a window's nearest neighbors of other groups that have its label, each label of equal weight."""
    distances = ((points[:, None] - points[None]) ** 2).sum(2)
    distances[groups[:, None] == groups[None]] = np.inf
    nearest = np.argsort(distances, 1)[:, :NEIGHBORS]
    same = (labels[nearest] == labels[:, None]).mean(1)
    return float(np.mean([same[labels == label].mean() for label in np.unique(labels)]))


def score_map(path, half_path, hidden, sounds):
    """Measures the map in `path` and the plane of most variance on the same windows, and records both. Neighborhoods are those of
    the second half of the groups, by a map that was fitted to the first (`half_path`).
    """
    labels, groups = np.array([s.label for s in sounds]), np.array([s.group for s in sounds])
    first = np.array([in_first_half(sound) for sound in sounds])
    mine, theirs = room(*places(path, hidden)), room(*by_variance(hidden, hidden, labels))
    for figures, along in (
        (mine, places(half_path, hidden)[0]),
        (theirs, by_variance(hidden[first], hidden, labels)[0]),
    ):
        figures["purity"] = purity((along / along.std(0))[~first], labels[~first], groups[~first])
    log(f"map: {mine}; most variance: {theirs}")
    record("map-scores", {"this": mine, "variance": theirs})
