"""Finds the library of ONNX Runtime: that of the package `onnxruntime`, or the one that `ORT_DYLIB_PATH` names."""

import importlib.util
import os
import re
from pathlib import Path

from mertscope._native import InferenceError

# The names by system: libonnxruntime.so.1.24.4, libonnxruntime.1.24.4.dylib, onnxruntime.dll
_NAME = re.compile(r"libonnxruntime\.so(\.[0-9.]+)?|libonnxruntime(\.[0-9.]+)?\.dylib|onnxruntime\.dll")


def onnxruntime_library() -> Path:
    """The library that runs the models.

    The package `onnxruntime` is only located, not imported: Mertscope uses the library in it through its C interface.

    Raises:
        InferenceError: The package is not installed, or has no such library.
    """
    named = os.environ.get("ORT_DYLIB_PATH")
    if named:
        return Path(named)
    package = importlib.util.find_spec("onnxruntime")
    if package is None or not package.submodule_search_locations:
        raise InferenceError("The Python package onnxruntime is not installed; run `pip install onnxruntime`.")
    folder = Path(package.submodule_search_locations[0]) / "capi"
    found = sorted(path for path in folder.glob("*onnxruntime*") if _NAME.fullmatch(path.name))
    if not found:
        raise InferenceError(
            f"There is no library of ONNX Runtime in {folder}; install it again with "
            "`pip install --force-reinstall onnxruntime`, or name a library in ORT_DYLIB_PATH."
        )
    return found[-1]
