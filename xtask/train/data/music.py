"""Gets free music from Debian packages and cuts it into 20-second blocks.

`music.csv` lists the files with license and copyright holder. Packages are unpacked, never installed, and deleted after
their files are decoded. `openmpt123` renders tracker modules.

Writes one `music/PACKAGE.npz` per package: `blocks`, int16 [blocks, 320000] at 16 kHz, and the `paths` they come from.
One file in twelve is held out: no stage trains on it, and the distillation is measured on it.
"""

import csv
import subprocess
import tempfile
import zlib
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from settings import RATE, WORK, log

BLOCK = 20 * RATE
BLOCKS_A_FILE = 4
TRACKER = {".mod", ".xm", ".it", ".s3m"}
LIST = Path(__file__).with_name("music.csv")


def held_out(path):
    """Whether a file is held out of training; its name alone decides."""
    return zlib.crc32(path.encode()) % 12 == 0


def rendered_module(path, folder):
    """Renders a tracker module to a WAV file of at most two minutes."""
    wave = Path(folder, "module.wav")
    subprocess.run(
        [
            "openmpt123",
            "--batch",
            "--quiet",
            "--end-time",
            "120",
            "--samplerate",
            "32000",
            "--output",
            wave,
            "--force",
            path,
        ],
        check=True,
        timeout=120,
        capture_output=True,
    )
    return wave


def cut(path):
    """Yields at most four blocks of 20 s, evenly spread over a file, as int16 with the peak at full scale, without silent blocks."""
    with soundfile.SoundFile(path) as file:
        length = 20 * file.samplerate
        count = min(BLOCKS_A_FILE, file.frames // length)
        divisor = np.gcd(file.samplerate, RATE)
        for at in np.linspace(0, file.frames - length, count + 2)[1:-1]:
            file.seek(int(at))
            samples = file.read(length, dtype="float32", always_2d=True).mean(1)
            samples = resample_poly(samples, RATE // divisor, file.samplerate // divisor)[:BLOCK]
            if len(samples) == BLOCK and np.sqrt((samples**2).mean()) > 1e-3:
                yield np.int16(samples / np.abs(samples).max() * 32767)


def package_blocks(package, paths, folder):
    """Downloads one package and yields (path, block) for the requested files."""
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True, capture_output=True)
    archive = next(Path(folder).glob("*.deb"))
    subprocess.run(["dpkg", "-x", archive.name, "root"], cwd=folder, check=True)
    archive.unlink()
    for path in paths:
        try:
            source = Path(folder, "root", path)
            if source.suffix.lower() in TRACKER:
                source = rendered_module(source, folder)
            blocks = list(cut(source))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            log(f"skipped {package}:{path}: {error}")
            continue
        for block in blocks:
            yield path, block


def get_music(packages=None):
    """Fills `music/`; packages that are already there are not downloaded again."""
    folder = WORK / "music"
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for row in csv.DictReader(LIST.open(encoding="utf-8")):
        if packages is None or row["package"] in packages:
            files.setdefault(row["package"], []).append(row["path"])
    for package, paths in files.items():
        part = folder / f"{package}.npz"
        if part.exists():
            continue
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            try:
                found = list(package_blocks(package, paths, temporary))
            except (subprocess.SubprocessError, StopIteration) as error:
                log(f"skipped package {package}: {error}")
                continue
        if found:
            np.savez(part, paths=[path for path, _ in found], blocks=np.stack([block for _, block in found]))
            log(f"{package}: {len(found)} blocks from {len(paths)} files")
    return folder


def held_out_blocks():
    """Yields the blocks of files that are held out, int16 [320000], with one package in memory at a time."""
    for part in sorted((WORK / "music").glob("*.npz")):
        data = np.load(part)
        kept = np.array([held_out(path) for path in data["paths"]])
        if kept.any():
            yield from data["blocks"][kept]


def load_music():
    """Loads all blocks: int16 [blocks, 320000], their paths, their packages, and whether each is held out."""
    blocks, paths, packages = [], [], []
    for part in sorted((WORK / "music").glob("*.npz")):
        data = np.load(part)
        blocks.append(data["blocks"])
        paths += list(data["paths"])
        packages += [part.stem] * len(data["paths"])
    return np.concatenate(blocks), paths, packages, np.array([held_out(path) for path in paths])
