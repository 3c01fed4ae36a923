"""The model's folder in the engine's format: graph, heads, map, manifest, card and licenses; and its installation in
`assets/`.
"""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import onnx

from data.music import LIST
from export.frames import FRAME_SAMPLES
from layers import LAYERS, WIDTH
from settings import ASSETS, RATE, WINDOW, WORK, record

ID = "embedded-v3"
MODEL = WORK / "model"
# The stages' figures of the installed model.
FIGURES = Path(__file__).with_name("figures.json")
# The first head of a task answers for it unless a user chooses another.
HEADS = ("styles", "genre", "key", "tags-msd", "tags-mtt", "tuning")
LICENSE = "musicnn-derived weights under the ISC licence; trained partly on GPL and CC-BY-SA audio (unsettled), see CARD.md"  # spelling as stored


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(folder, graph="encoder.onnx"):
    """Describes the files that are in the folder; called again after a head or the map was added."""
    model = onnx.load(folder / graph, load_external_data=False)
    (waveform,), (hidden,) = model.graph.input, model.graph.output
    lines = [
        "# The model that is compiled into Mertscope, as `cargo xtask train` wrote it. To replace it, replace the files of",
        "# this folder: no code knows more about it than what stands here.",
        "format = 1",
        f'id = "{ID}"',
        f'version = "{ID.rsplit("v", 1)[1]}"',
        f'title = "Embedded v{ID.rsplit("v", 1)[1]}: musicnn-derived timbre, pitch-equivariant key"',
        f'licence = "{LICENSE}"',  # spelling as stored
        "",
        f"sample_rate_hz = {RATE}",
        f"window_samples = {WINDOW}",
        f"width = {WIDTH}",
        "normalise = false",  # spelling as stored
        "",
        "[graph]",
        f'file = "{graph}"',
        f'sha256 = "{sha256(folder / graph)}"',
        f'input = "{waveform.name}"',
        f'pooled = ["{hidden.name}"]',
        'length = "fixed"',
        'short_input = "loop"',
        "layers_mixable = false",
    ]
    fragment = folder / "frames.onnx"
    if fragment.exists():
        (frames,) = onnx.load(fragment).graph.output
        lines += [
            f'frames = ["{frames.name}"]',
            f"frame_samples = {FRAME_SAMPLES}",
            "",
            "[graph.fragment]",
            f'file = "{fragment.name}"',
            f'sha256 = "{sha256(fragment)}"',
        ]
    lines.append("")
    for name, meaning in LAYERS:
        lines += ["[[layers]]", f'name = "{name}"', f'meaning = "{meaning}"']
    lines.append("")
    for head in HEADS:
        path = folder / f"{head}.safetensors"
        if path.exists():
            lines += ["[[heads]]", f'file = "{path.name}"', f'sha256 = "{sha256(path)}"']
    landmarks = folder / "map.safetensors"
    if landmarks.exists():
        lines += ["", "[map]", f'file = "{landmarks.name}"', f'sha256 = "{sha256(landmarks)}"']
    (folder / "manifest.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_licenses(folder):
    """Writes musicnn's notice from its own package, and the list of the music in use, with license and copyright holder."""
    licenses = folder / "licences"
    licenses.mkdir(exist_ok=True)
    shutil.copy(WORK / "teacher" / "musicnn-ISC.md", licenses)
    used = {path.stem for path in (WORK / "music").glob("*.npz")}
    with (
        LIST.open(encoding="utf-8") as source,
        (licenses / "debian_music_used.csv").open("w", newline="", encoding="utf-8") as target,
    ):
        writer = csv.writer(target, lineterminator="\n")
        for i, row in enumerate(csv.reader(source)):
            if i == 0 or row[0] in used:
                writer.writerow(row)


def start_model(encoder):
    """Makes a new model folder with the graph and its frames alone; returns it and the graph's hash."""
    shutil.rmtree(MODEL, ignore_errors=True)
    MODEL.mkdir(parents=True)
    shutil.copy(encoder, MODEL / "encoder.onnx")
    shutil.copy(encoder.with_name("frames.onnx"), MODEL)
    write_manifest(MODEL)
    return MODEL, sha256(MODEL / "encoder.onnx")


def recall_figures():
    """Records the installed model's figures, for the card."""
    for name, figures in json.loads(FIGURES.read_text(encoding="utf-8")).items():
        record(name, figures)


def reopen_installed():
    """Makes the model folder of the installed model, so that single heads of it can be fitted again, with its figures."""
    shutil.rmtree(MODEL, ignore_errors=True)
    shutil.copytree(ASSETS, MODEL)
    recall_figures()
    return MODEL


def from_installed():
    """Begins with the installed model's files when the stage `heads` has not made any."""
    if not (MODEL / "key.safetensors").exists():
        reopen_installed()


def install(folder=MODEL):
    """Replaces `assets/embedded` by the finished folder."""
    files = [
        "manifest.toml",
        "encoder.onnx",
        "frames.onnx",
        *(f"{head}.safetensors" for head in HEADS),
        "CARD.md",
        "licences",
    ]
    missing = [name for name in files if not (folder / name).exists()]
    if missing:
        raise SystemExit(f"{folder} lacks {', '.join(missing)}; run the stages that make them first.")
    # safetensors writes files that only their owner can read.
    for path in folder.glob("*.safetensors"):
        path.chmod(0o644)
    shutil.rmtree(ASSETS)
    shutil.copytree(folder, ASSETS)
    kept = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((WORK / "figures").glob("*.json"))
    }
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
