"""The style head: styles of today's music, and "none of these", fitted by the `mertscope` command beside the genre head.

Its music: the labeled excerpts with their genres, clean and augmented; free music with a known style (`data/styles.csv`), of
which the pipeline's held-out files take no part; and everything of `data/no_style.py`. One package, three neighboring excerpts or
one kind of sound are one group, so that every reported figure is about other packages and other sounds.
"""

import csv
import json
import zlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile

from data import no_style
from data.music import held_out, load_music
from data.no_style import NONE, Sound
from genre.head import mertscope, view
from settings import RATE, WINDOW, WORK, log, record

STYLES = Path(__file__).parents[1] / "data" / "styles.csv"
# Windows of free music per style, so that electronic music does not outweigh all else.
WINDOWS_PER_STYLE = 160
# Augmented versions of each excerpt, beside the clean one.
VIEWS = 1
# From the styles to GTZAN's genres. Where there is none, any of GTZAN's answers is wrong. Folk is left out: of its 14 files none
# was told when its package was left out.
GTZAN_FROM_STYLE = {
    "ambient": None,
    "electronic": None,
    NONE: None,
    **{
        name: name
        for name in ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
    },
}
DESCRIPTION = (
    "{excerpts} excerpts of 2 to 3 s of GTZAN (tracks 10 and up; their audio carries no license, which is legally unsettled), "
    "{files} files of free music, {sounds} sounds of no style"
)


def styles():
    """{(package, path): (style, source)} of free music in a style that the head has."""
    with STYLES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(r["package"], r["path"]): (r["style"], r["source"]) for r in rows if r["style"] in GTZAN_FROM_STYLE}


def music_windows():
    """[(sound, path, source)] of all free music with a style: the middle of each 20-s block."""
    known, (blocks, paths, packages, _) = styles(), load_music()
    found, start, count = [], 7 * RATE, defaultdict(int)
    for block, path, package in zip(blocks, paths, packages):
        style, source = known.get((package, path), (None, None))
        if style is not None:
            count[path] += 1
            samples = block[start : start + WINDOW] / np.float32(32767)
            name = f"{package}-{Path(path).stem}-{count[path]}"
            found.append((Sound(name, "free music", style, package, samples), path, source))
    return found


def loops(windows, seed=1):
    """Producer's loops: one to two seconds of electronic music, repeated."""
    random = np.random.default_rng(seed)
    for sound in windows:
        length = int(RATE * random.choice([1.0, 1.5, 1.875, 2.0]))
        at = int(random.integers(0, WINDOW - length))
        samples = np.resize(sound.samples[at : at + length], WINDOW)
        yield Sound(f"{sound.name}-loop", "loop of electronic music", "electronic", sound.group, samples)


def training_sounds(excerpts, music):
    """All sounds to fit on; `music` are the windows of free music that are not held out."""
    random, sounds, by_style = np.random.default_rng(0), [], defaultdict(list)
    for excerpt in excerpts:
        for number in range(VIEWS + 1):
            samples = view(excerpt, number, random)
            sounds.append(Sound(f"{excerpt.file}.{number}", "GTZAN", excerpt.genre, excerpt.group, samples))
    for sound in music:
        by_style[sound.label].append(sound)
    for of_style in by_style.values():
        step = max(1, len(of_style) / WINDOWS_PER_STYLE)
        sounds += [of_style[int(n * step)] for n in range(min(len(of_style), WINDOWS_PER_STYLE))]
    sounds += loops(by_style["electronic"][::4])
    filtered = [(e.file, e.group, e.window()) for e in excerpts[::4]] + [
        (s.name, s.group, s.samples) for s in music[::8]
    ]
    sounds += no_style.filtered_music(filtered)
    return sounds + no_style.all_sounds()


def write_sounds(sounds, folder):
    """Writes all sounds as WAV files with their table; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "labels.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "style", "group", "kind"])
        for sound in sounds:
            name = f"{sound.name.replace('/', '_')}.wav"
            peak = np.abs(sound.samples).max() + 1e-9
            soundfile.write(folder / name, sound.samples / peak * 0.9, RATE, subtype="PCM_16")
            writer.writerow([name, sound.label, sound.group, sound.kind])
    return table


def train_style_head(model, path, excerpts):
    """Fits the head to the model in the folder `model`; returns the sounds it was fitted on and all music with a style."""
    music = music_windows()
    known = [(sound, of) for sound, of, _ in music if not held_out(of)]
    sounds = training_sounds(excerpts, [sound for sound, _ in known])
    described = DESCRIPTION.format(
        excerpts=len(excerpts),
        files=len({of for _, of in known}),
        sounds=sum(sound.label == NONE for sound in sounds),
    )
    arguments = [
        "--layers",
        "6",
        "--task",
        "genre",
        "--label-column",
        "style",
        "--group-column",
        "group",
        "--model",
        model,
    ]
    texts = ["--describe", described, "--licence", "see CARD.md"]
    table = write_sounds(sounds, WORK / "styles")
    shown = mertscope("heads", "train", "--data", table, *arguments, *texts, "--out", path, "--json")
    log(f"styles: {shown}")
    record("styles", json.loads(shown))
    return sounds, music


def map_sounds(sounds):
    """The music among the sounds, each style by at most `WINDOWS_PER_STYLE` windows."""
    shown, count = [], defaultdict(int)
    for sound in sounds:
        if sound.label != NONE and not sound.kind.startswith("synth"):
            count[sound.label] += 1
            if count[sound.label] <= WINDOWS_PER_STYLE:
                shown.append(sound)
    return shown


def in_first_half(sound):
    """Whether a sound is in one of two halves; the group alone decides."""
    return zlib.crc32(sound.group.encode()) % 2 == 0


def fit_map(model, path, sounds):
    """Fits a map to some sounds, with their styles as landmarks."""
    table = write_sounds(sounds, WORK / path.stem)
    described = "excerpts of GTZAN and free music"
    arguments = ["--label-column", "style", "--layer", "6", "--model", model, "--out", path, "--describe", described]
    log(mertscope("map", "fit", "--data", table, *arguments))
