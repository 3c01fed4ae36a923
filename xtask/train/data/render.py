"""Renders accompaniments in an exactly known key: MMA writes MIDI, fluidsynth plays it.

Only soundfonts under the MIT license are used. Writes `render/NNNN.npz`: `audio`, int16 [songs, 384000] (24 s at 16
kHz), and `keys`, tonic + 12 * minor.
"""

import csv
import subprocess
import tempfile
from pathlib import Path
from random import Random

import numpy as np
import soundfile
from scipy.signal import resample_poly

from data import harmony
from settings import RATE, WORK, log

SECONDS = 24
SONGS_A_FILE = 20
SOUNDFONTS = ["/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf2/MuseScore_General_Full.sf2"]
MINOR_SHARE = {
    "blues": 0.3,
    "country": 0.1,
    "disco": 0.6,
    "hiphop": 0.8,
    "jazz": 0.4,
    "metal": 0.85,
    "pop": 0.35,
    "reggae": 0.5,
}
TEMPO = {"jazz": (80, 220), "metal": (100, 190), "hiphop": (75, 105), "reggae": (62, 90), "disco": (105, 132)}
LEADS = [
    "Flute",
    "Clarinet",
    "TenorSax",
    "AltoSax",
    "Trumpet",
    "Violin",
    "Harmonica",
    "Oboe",
    "SynthVox",
    "ChoirAahs",
    "VoiceOohs",
    "SawWave",
    "SquareWave",
    "NylonGuitar",
    "JazzGuitar",
    "OverdriveGuitar",
    "DistortionGuitar",
    "Piano1",
    "EPiano",
    "Vibraphone",
    "MutedTrumpet",
    "Trombone",
    "Cello",
]
CHORDS = [
    "Piano1",
    "Piano2",
    "EPiano",
    "Organ1",
    "Organ2",
    "Organ3",
    "NylonGuitar",
    "SteelGuitar",
    "CleanGuitar",
    "JazzGuitar",
    "OverdriveGuitar",
    "DistortionGuitar",
    "Strings",
    "SynthStrings1",
    "BrassSection",
    "SynthBrass1",
    "ChoirAahs",
    "WarmPad",
    "PolySynth",
    "Accordion",
    "Harpsichord",
    "Clavinet",
]
BASSES = ["AcousticBass", "FingeredBass", "PickedBass", "FretlessBass", "SlapBass1", "SynthBass1", "SynthBass2"]


def translation(random):
    """MMA's table that swaps instruments, so that a groove gets many timbres."""
    pairs = [f"{old}={random.choice(CHORDS)}" for old in CHORDS if random.random() < 0.5]
    pairs += [f"{old}={random.choice(BASSES)}" for old in BASSES if random.random() < 0.5]
    return ["VoiceTr " + " ".join(pairs)] if pairs else []


def render(number, grooves, seconds=SECONDS):
    """One song of `seconds` as (float32 audio, key), or None when a tool rejects it. `number` and `seconds` alone determine it."""
    random = Random(number)
    row = random.choice(grooves)
    genre = row["gtzan_genre"]
    key = random.randrange(12) + 12 * (random.random() < MINOR_SHARE.get(genre, 0.4))
    lead = random.choice(LEADS) if random.random() < 0.6 else None
    text = harmony.song(
        key,
        genre,
        f"{row['file'].removesuffix('.mma')}:{row['groove']}",
        random.randint(*TEMPO.get(genre, (75, 155))),
        lead,
        translation(random) if random.random() < 0.7 else [],
        seconds,
        random,
    )
    with tempfile.TemporaryDirectory() as folder:
        source, midi, wave = (Path(folder, f"song.{suffix}") for suffix in ("mma", "mid", "wav"))
        source.write_text(text, encoding="utf-8")
        try:
            subprocess.run(["mma", source, "-f", midi], check=True, capture_output=True, timeout=300)
            subprocess.run(
                [
                    "fluidsynth",
                    "-ni",
                    "-q",
                    "-o",
                    "synth.dynamic-sample-loading=1",
                    "-F",
                    wave,
                    "-r",
                    "24000",
                    "-g",
                    "0.5",
                    "-R",
                    random.choice("01"),
                    random.choice(SOUNDFONTS),
                    midi,
                ],
                check=True,
                capture_output=True,
                timeout=300,
            )
        except subprocess.SubprocessError as error:
            message = getattr(error, "stdout", b"") or b""
            log(f"song {number} ({row['groove']}): {message[-160:].decode(errors='replace').strip()!r}")
            return None
        samples, _ = soundfile.read(wave, frames=seconds * 24000, dtype="float32", always_2d=True)
    samples = resample_poly(samples.mean(1), 2, 3)
    if len(samples) < 10 * RATE or np.abs(samples).max() < 1e-3:
        return None
    samples = np.resize(samples, seconds * RATE)
    return samples / np.abs(samples).max(), key


def render_all(songs):
    """Renders `songs` songs into files of twenty; existing files stay."""
    folder = WORK / "render"
    folder.mkdir(parents=True, exist_ok=True)
    grooves = list(csv.DictReader(Path(__file__).with_name("grooves.csv").open(encoding="utf-8")))
    for first in range(0, songs, SONGS_A_FILE):
        path = folder / f"{first // SONGS_A_FILE:04d}.npz"
        if path.exists():
            continue
        made = [song for number in range(first, first + SONGS_A_FILE) if (song := render(number, grooves))]
        np.savez(
            path,
            audio=np.stack([np.int16(audio * 32767) for audio, _ in made]),
            keys=np.array([key for _, key in made]),
        )
        log(f"{path.name}: {len(made)} songs")
