"""The card's section on confidence, and its picture: accuracy where named against the share named."""

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot

from settings import recorded

PICTURE = "risk-coverage.svg"

TEXT = """## Confidence

The figures shown beside keys and genres are calibrated on music in which windows follow each other (`confidence/` in the
pipeline): {songs} rendered songs of 40 s that no training saw, keys exact, and {music} files of free music that no training
saw, with the key on which two of three of essentia's profiles agree, which leaves out the hard ones. Each figure is nested: five
folds, the constants fitted on the other four; in brackets the 95 % interval from resampled songs and packages.

| key | all | rendered songs | free music |
|---|---|---|---|
{key}

The mean calibration error of true figures on as many independent answers: {chance_live:.3f} live, {chance_file:.3f} per file.
A change of key between two songs ({joins} joins) is named within the following 20 s in {followed} cases, after {delay} s in
the median of these.

![Share right against share named](../pictures/{picture})

A key is shown by the mean of the log probabilities and, added to it, its **context**: linear in that mean and in how the newest
window differs from it, the same for all tonics, fitted in the same folds. Trials of it and of others are in `xtask/train/README.md`.
The constants in use, of all tracks: {constants}. In the folds the time constant was {times}, the live scale {scales}.

| heads fitted without the music that they are judged on | genre: {tracks} joined neighbors of the excerpts | styles: these and forty seconds each of {songs_with_style} files of free music |
|---|---|---|
{genre}

Neighbors err less alike than the windows of one song, so the genre's figures are optimistic. No key is named for noise and held
notes of all octaves; the pipeline raises the limits until that holds.
"""


def cell(figure):
    value, low, high = figure
    return "–" if np.isnan(value) else f"{value:.3f} ({low:.3f}–{high:.3f})"


def confidence_section():
    """The section's text, of recorded figures."""
    key, genre, styles = (recorded(f"confidence-{name}") for name in ("key", "genre", "styles"))
    nested = key["nested"]
    kinds = [nested["all"], nested["songs"], nested["music"]]
    rows = [f"| {name} | {' | '.join(cell(kind[name]) for kind in kinds)} |" for name in nested["all"]]
    waits = [wait for wait in key["delays"] if wait is not None]
    folded = key["folds"]
    constants = key["constants"]
    parts = [f"time constant {constants['time_s']} s"]
    for part in ("live", "file"):
        of = constants[part]
        parts.append(f"{part}: scale {of['scale']}, named from {of['named']}, a pair from {of['pair']}")
    return TEXT.format(
        songs=key["counts"]["songs"],
        music=key["counts"]["music"],
        key="\n".join(rows),
        chance_live=key["by chance"][0],
        chance_file=key["by chance"][1],
        joins=len(key["delays"]),
        followed=len(waits),
        delay=f"{np.median(waits):.0f}" if waits else "–",
        picture=PICTURE,
        constants="; ".join(parts),
        times=", ".join(str(fold["time_s"]) for fold in folded),
        scales=", ".join(str(fold["live"]["scale"]) for fold in folded),
        tracks=genre["tracks"],
        songs_with_style=styles["tracks"] - genre["tracks"],
        genre="\n".join(
            f"| {name} | {cell(of)} | {cell(styles['nested'][name])} |" for name, of in genre["nested"].items()
        ),
    )


def draw_picture(path):
    """Draws the risk-coverage curves of the nested figures."""
    key = recorded("confidence-key")
    matplotlib.rcParams["svg.hashsalt"] = "mertscope"
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for (name, (named, right)), part in zip(key["curve"].items(), ("live", "file")):
        (line,) = axes.plot(named, right, label=name)
        nested = key["nested"]["all"]
        at = nested[f"{part}: share named"][0], nested[f"{part}: right where named"][0]
        axes.plot(*at, marker="o", markersize=8, color=line.get_color())
    axes.axhline(0.8, color="gray", linewidth=0.8, linestyle="--")
    axes.set(xlabel="share named, the most probable first", ylabel="share right of these", ylim=(0, 1), xlim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
