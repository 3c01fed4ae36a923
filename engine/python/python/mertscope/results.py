"""Results: the fields of `mertscope analyze --json`, with the same names and figures.

`docs/results.md` says how to read the probabilities.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Tuning:
    """The deviation from A = 440 Hz."""

    cents: float
    """Cents above 440 Hz, negative below."""
    certainty: float
    """From 0, no tuning is heard, to 1."""
    clear: bool
    """Whether it is certain enough to be shown."""


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a whole file."""

    best: str
    """The most probable key."""
    label: str | None
    """The key, when it is sure enough to be named."""
    pair: list[str] | None
    """The two keys between which the answer stands, when it is tentative."""
    camelot: str
    """The most probable key in Camelot's notation."""
    probability: float
    """The probability of the best key."""
    runner_up: tuple[str, float]
    """The second key, with its probability."""


@dataclass(frozen=True, slots=True)
class Modulation:
    """A change from one named key to another."""

    at_s: float
    """When the new key is named, in seconds."""
    key_before: str
    """The key before."""
    key_after: str
    """The new key."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a whole file."""

    genre: list[tuple[str, float]]
    """Genres with their probabilities, most probable first."""
    genre_label: str | None
    """The genre, when it is sure enough to be named."""
    key: Key | None
    """The key; `None` when the model has no key head."""
    modulations: list[Modulation]
    """The changes of the named key, in order."""
    tuning: Tuning | None
    """The tuning; `None` when the model has no tuning head."""

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> "Summary":
        def pair(share: dict[str, Any]) -> tuple[str, float]:
            return share["label"], share["probability"]

        key, tuning = data["key"], data.get("tuning")
        return cls(
            genre=[pair(share) for share in data["genre"]],
            genre_label=data["genre_label"],
            key=Key(**{**key, "runner_up": pair(key["runner_up"])}) if key else None,
            modulations=[Modulation(m["at_s"], m["from"], m["to"]) for m in data["modulations"]],
            tuning=Tuning(**tuning) if tuning else None,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """One window and its result. Without a result, `status` says why."""

    start_s: float
    """Its start in seconds of audio."""
    end_s: float
    """Its end in seconds of audio."""
    status: str
    """`ok`, `silent`, `gap`, `invalid` or `failed`."""
    genre: dict[str, float] | None
    """The window's own genre probabilities, by label."""
    key: dict[str, float] | None
    """The window's own key probabilities, by label."""
    genre_smoothed: dict[str, float] | None
    """Genre over the audio up to the window's end."""
    key_smoothed: dict[str, float] | None
    """Key over the audio up to the window's end."""
    key_label: str | None
    """The key, when it is sure enough to be named."""
    key_pair: list[str] | None
    """The two keys between which the answer stands, when it is tentative."""
    tuning: Tuning | None = None
    """The window's own tuning."""
    tuning_smoothed: Tuning | None = None
    """The tuning over the audio up to the window's end."""
    further: dict[str, dict[str, float]] = field(default_factory=dict)
    """Answers of further heads, by the head's name."""
    map: tuple[float, float] | None = None
    """The window's point on the model's map."""
    ribbons: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Answers of heads that read frames, by the head's name: `step_s`, and `answers` step by step."""

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> "Window":
        tunings = {name: Tuning(**data[name]) for name in ("tuning", "tuning_smoothed") if data.get(name)}
        place = data.get("map")
        return cls(**{**data, **tunings, "map": (place[0], place[1]) if place else None})


@dataclass(frozen=True, slots=True)
class Analysis:
    """The results of one file or array."""

    file: str
    """The file as it was named, or the name of the samples."""
    duration_s: float
    """Its length in seconds."""
    notes: list[str]
    """Sentences about the audio that a reader of the results should know."""
    summary: Summary | None
    """The summary; `None` when no window was analyzed, as for silence."""
    timeline: list[Window]
    """The windows in order."""
    _line: str = field(repr=False)

    @classmethod
    def _from_line(cls, line: str) -> "Analysis":
        data = json.loads(line)
        summary = data["summary"]
        return cls(
            file=data["file"],
            duration_s=data["duration_s"],
            notes=data.get("notes", []),
            summary=Summary._from_dict(summary) if summary else None,
            timeline=[Window._from_dict(window) for window in data["timeline"]],
            _line=line,
        )

    @property
    def key(self) -> str | None:
        """The key of the whole file, when it is sure enough to be named."""
        return self.summary.key.label if self.summary and self.summary.key else None

    @property
    def genre(self) -> str | None:
        """The genre of the whole file, when it is sure enough to be named."""
        return self.summary.genre_label if self.summary else None

    def to_json(self) -> str:
        """The line that `mertscope analyze --jsonl` writes for the file (`assets/schema/analyze.schema.json`)."""
        return self._line

    def to_dict(self) -> dict[str, Any]:
        """The same as nested dictionaries and lists, with model, heads, device and hop."""
        data: dict[str, Any] = json.loads(self._line)
        return data

    def array(self, what: str = "key_smoothed") -> npt.NDArray[np.float64]:
        """Probabilities over time, `[windows, labels]`; NaN where a window has no result.

        Args:
            what: `key`, `genre`, `key_smoothed` or `genre_smoothed`. The labels are those of `labels(what)`.
        """
        labels = self.labels(what)
        rows = [getattr(window, what) or {} for window in self.timeline]
        return np.array([[row.get(label, np.nan) for label in labels] for row in rows]).reshape(-1, len(labels))

    def labels(self, what: str = "key_smoothed") -> list[str]:
        """The labels of `array(what)`, in the order of the head's output."""
        if what not in ("key", "genre", "key_smoothed", "genre_smoothed"):
            raise ValueError(f"There is no array “{what}”; give key, genre, key_smoothed or genre_smoothed.")
        task = what.removesuffix("_smoothed")
        heads = self.to_dict()["heads"]
        return next((list(head["labels"]) for head in heads if head["task"] == task), [])
