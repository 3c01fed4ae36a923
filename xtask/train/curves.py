"""Learning curves as pictures."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def draw(path, title, steps, lines):
    """Writes a PNG of several lines, {name: values}, over the steps; missing values are None."""
    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=110)
    for name, values in lines.items():
        points = [(step, value) for step, value in zip(steps, values) if value is not None]
        axes.plot(*zip(*points), marker="o", markersize=3, label=name)
    axes.set(title=title, xlabel="training step")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
