"""Streams: audio that comes block by block."""

from __future__ import annotations

import numpy.typing as npt

from mertscope import _native
from mertscope.analyzer import Analyzer
from mertscope.audio import interleaved, whole_rate
from mertscope.results import Analysis, Window


class Stream:
    """Analyzes blocks of audio as they come: the results are those of a file of the same samples, however it is cut.

    `push` waits for the model, so call it on a thread that may wait, not in an audio callback.
    """

    def __init__(self, rate: float, analyzer: Analyzer | None = None, *, name: str = "stream") -> None:
        """Opens a stream.

        Args:
            rate: Samples per second in each channel, in Hz.
            analyzer: The model and the settings; `Analyzer()` when `None`. Streams may share one.
            name: The stream's name in messages and results.
        """
        self._native = _native.Stream((analyzer or Analyzer())._native, whole_rate(rate), name)

    def push(self, block: npt.ArrayLike) -> list[Window]:
        """Takes the next block, `[frames]` or `[channels, frames]`.

        Returns:
            The windows that end in it; often none, as the first one takes a whole window of audio.
        """
        return Analysis._from_line(self._native.push(*interleaved(block))).timeline

    def finish(self) -> Analysis:
        """Ends the stream.

        Returns:
            The summary of all of it; its timeline holds the windows that no `push` has returned.
        """
        return Analysis._from_line(self._native.finish())
