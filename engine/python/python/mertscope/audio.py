"""Audio as callers give it: a path, or samples with their rate."""

import os
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.floating[Any]]
"""Samples at full scale ±1: `[frames]`, or `[channels, frames]`."""
Audio: TypeAlias = str | os.PathLike[str] | tuple[Samples, float]
"""The path of an audio file, or samples and their rate in Hz."""

_MOST_CHANNELS = 256


def interleaved(samples: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], int]:
    """Samples as one row of 32-bit floats, frame by frame, and the number of channels.

    Raises:
        TypeError: They are not floating-point numbers.
        ValueError: They have another shape than `[frames]` or `[channels, frames]`.
    """
    array = np.asarray(samples)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(
            f"The samples are {array.dtype}; give floating-point samples with full scale ±1, "
            "for 16-bit integers samples / 32768."
        )
    if array.ndim == 1:
        return np.ascontiguousarray(array, dtype=np.float32), 1
    if array.ndim != 2:
        raise ValueError(f"The samples have the shape {array.shape}; give [frames] or [channels, frames].")
    channels = array.shape[0]
    if not 1 <= channels <= _MOST_CHANNELS:
        raise ValueError(
            f"The samples have the shape {array.shape}, which would be {channels} channels; channels come first, "
            "as librosa and torchaudio give them. Transpose what soundfile has read: samples.T"
        )
    return np.ascontiguousarray(array.T, dtype=np.float32).reshape(-1), channels


def whole_rate(rate: float) -> int:
    """A rate in Hz as a whole number.

    Raises:
        ValueError: It is no whole number of Hz from 1,000 to 1,536,000.
    """
    if not float(rate).is_integer() or not 1_000 <= rate <= 1_536_000:
        raise ValueError(f"The rate is {rate} Hz; give a whole number from 1000 to 1536000.")
    return int(rate)


def native(audio: Audio, name: str | None) -> str | tuple[npt.NDArray[np.float32], int, int, str]:
    """Audio in the form that the compiled part takes."""
    if isinstance(audio, str | os.PathLike):
        return os.fspath(audio)
    if not isinstance(audio, tuple) or len(audio) != 2:
        raise TypeError(
            f"The audio is {type(audio).__name__}; give a path, or a tuple of samples and their rate in Hz."
        )
    samples, rate = audio
    row, channels = interleaved(samples)
    return row, channels, whole_rate(rate), name or "samples"
