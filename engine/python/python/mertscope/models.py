"""The published models: list, fetch, import, verify and remove them, as `mertscope models` does.

What is installed here every program of Mertscope finds, and the other way round.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from mertscope import _native
from mertscope.progress import Progress, callback


@dataclass(frozen=True, slots=True)
class Model:
    """A published model with its state on this machine."""

    id: str
    """Its name for `Analyzer(model=…)`."""
    title: str
    """Its name in words."""
    license: str
    """The license under which its authors publish it."""
    license_url: str
    """The license's text."""
    agreed: bool
    """Whether this user agreed to that license."""
    state: str
    """`absent`, `partial` (a fetch was stopped), `installed` or `broken`."""
    folder: str | None
    """The folder of an installed model."""
    bytes: int
    """The size of its files; approximate until it is installed."""
    problem: str | None
    """Why a broken model can't be used."""


def available() -> list[Model]:
    """All published models that Mertscope knows; the embedded one needs no installation."""
    return [Model(**model) for model in json.loads(_native.list_models())]


def installed() -> list[Model]:
    """The models that are installed on this machine."""
    return [model for model in available() if model.state == "installed"]


def fetch(id: str, *, accept_license: str | None = None, progress: Progress = None) -> str:
    """Fetches a model from the hub, or from the hub's cache on this machine; a stopped fetch is resumed.

    Args:
        id: The model.
        accept_license: The name of its license, as your agreement to it; needed once.
        progress: Called with the bytes that are done and all of them; or a bar.

    Raises:
        HubError: It can't be had, or its license was not agreed to.
    """
    return _change("fetch", id, None, accept_license, progress)


def import_folder(
    path: str | os.PathLike[str],
    *,
    id: str | None = None,
    accept_license: str | None = None,
    progress: Progress = None,
) -> str:
    """Imports a model from a folder, without a network; returns its id, by default that of the folder's name."""
    return _change("import", id, os.fspath(path), accept_license, progress)


def verify(id: str, *, progress: Progress = None) -> None:
    """Checks that a model's files are still those that were installed, byte for byte.

    Raises:
        HubError: They are not.
    """
    _change("verify", id, None, None, progress)


def remove(id: str) -> None:
    """Removes a model; files in the hub's own cache stay."""
    _change("remove", id, None, None, None)


def _change(action: str, id: str | None, path: str | None, accept_license: str | None, progress: Progress) -> str:
    order: _native._Order = {"action": action, "id": id, "path": path, "accept_license": accept_license}
    return _native.change_model(order, callback(progress))
