"""Progress: a function of the caller, or a bar such as tqdm's."""

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable


@runtime_checkable
class ProgressBar(Protocol):
    """A bar with tqdm's interface."""

    total: float | None
    n: float

    def update(self, n: float) -> object:
        """Moves it on by `n`."""


Progress: TypeAlias = Callable[[float, float | None], object] | ProgressBar | None
"""Called after each window with the seconds that are done and, when known, all of them; or a bar like `tqdm(unit="s")`."""


def callback(progress: Progress) -> Callable[[float, float | None], object] | None:
    """A function for the compiled part."""
    if progress is None or not isinstance(progress, ProgressBar):
        return progress
    bar = progress
    start = bar.n

    def step(done: float, total: float | None) -> None:
        if total is not None:
            bar.total = start + total
        bar.update(start + done - bar.n)

    return step
