"""Genre, key and embeddings of music from MERT-like models, over time: files, arrays and streams.

>>> import mertscope
>>> analyzer = mertscope.Analyzer()
>>> analysis = analyzer.analyze("song.flac")
>>> analysis.key
'A minor'
"""

from importlib.metadata import version

from mertscope import heads, models
from mertscope._native import (
    AudioError,
    HeadError,
    HubError,
    InferenceError,
    MertscopeError,
    ModelError,
)
from mertscope.analyzer import Analyzer
from mertscope.description import HeadInfo, ModelInfo
from mertscope.onnxruntime_library import onnxruntime_library
from mertscope.results import Analysis, Key, Modulation, Summary, Tuning, Window
from mertscope.stream import Stream

__version__ = version("mertscope")

__all__ = [
    "Analysis",
    "Analyzer",
    "AudioError",
    "HeadError",
    "HeadInfo",
    "HubError",
    "InferenceError",
    "Key",
    "MertscopeError",
    "ModelError",
    "ModelInfo",
    "Modulation",
    "Stream",
    "Summary",
    "Tuning",
    "Window",
    "__version__",
    "heads",
    "models",
    "onnxruntime_library",
]
