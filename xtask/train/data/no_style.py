"""Sounds for the label "none of these", and producer's loops: what a style head must not take for a style of music.

Made here: noise, single tones, sweeps; with fluidsynth and the soundfonts of the `render` stage: single notes and lines of one
instrument, drum loops, synth loops with and without drums; with espeak-ng (nothing of its is kept): speech. Music through a
200-Hz low-pass keeps too little to be any style.

Every sound has a group. A group is one instrument, voice or kind of noise, so that a test on other groups is a test on
other sounds.
"""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import chirp, resample_poly, sawtooth

from data.augment import filtered, low_pass
from data.render import SOUNDFONTS
from settings import RATE, WINDOW, log

NONE = "none of these"
TICKS = 480
# Time from one score to the next when many are played in one run.
SLOT_S = 7.0
# General MIDI's programs, counted from 0, that play one line at a time in the loops.
SYNTHS = [38, 39, 62, 63, *range(80, 96)]
SOLO = [0, 4, 6, 11, 13, 19, 21, 24, 25, 26, 32, 33, 40, 42, 46, 52, 56, 60, 65, 68, 71, 73, 75, 104, 105, 114]
# Kick, snare, closed and open hat, clap, toms, ride, cowbell, shaker, conga in General MIDI.
DRUMS = {"kick": 36, "snare": 38, "clap": 39, "hat": 42, "open": 46, "tom": 45, "ride": 51, "bell": 56, "conga": 63}
SENTENCES = [
    "The plug-in shows what the model hears in the last five seconds of the track.",
    "Good evening. Here is the news, with the weather for the coming days at the end.",
    "Turn left at the next crossing, then go straight on for two kilometers.",
    "There was a time when nobody in this town had ever seen the sea.",
    "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve.",
]
VOICES = [
    "en-us",
    "en-gb",
    "de",
    "fr-fr",
    "es",
    "it",
    "pl",
    "pt-br",
    "nl",
    "sv",
    "en-us+f2",
    "en-gb+m3",
    "de+f4",
    "fr-fr+m5",
]


@dataclass
class Sound:
    """One window of sound; `kind` is for the tables, `group` for the folds."""

    name: str
    kind: str
    label: str
    group: str
    samples: np.ndarray


def noises(random):
    """White, pink, brown and speech-shaped noise, steady and in bursts."""
    slopes = {"white": 0, "pink": -10, "brown": -20, "blue": 10}
    for name, slope in slopes.items():
        for number in range(8):
            noise = filtered(
                random.normal(0, 0.1, WINDOW), lambda f, slope=slope: slope * np.log10(np.maximum(f, 20) / 1000)
            )
            if number % 2:
                bursts = random.exponential(1, random.integers(5, 60))
                noise = noise * np.interp(np.linspace(0, 1, WINDOW), np.linspace(0, 1, len(bursts)), bursts)
            yield Sound(f"{name}{number}", "noise", NONE, f"noise {name}", noise)


def tones(random):
    """Steady and pulsing tones of several wave forms, and sweeps up and down."""
    t = np.arange(WINDOW) / RATE
    forms = {
        "sine": np.sin,
        "saw": sawtooth,
        "square": lambda x: np.sign(np.sin(x)),
        "triangle": lambda x: sawtooth(x, 0.5),
    }
    for name, form in forms.items():
        for number in range(8):
            tone = form(2 * np.pi * 55 * 2 ** random.uniform(0, 5) * t)
            if number % 2:
                tone = tone * (0.5 + 0.5 * np.sin(2 * np.pi * random.uniform(0.3, 6) * t))
            yield Sound(f"{name}{number}", "single tone", NONE, f"tone {name}", tone)
            low, high = 2 ** random.uniform(4.5, 8), 2 ** random.uniform(10, 12.9)
            ends = (low, high) if number % 3 else (high, low)
            sweep = chirp(
                np.mod(t, WINDOW / RATE / (1 + number % 4)),
                ends[0],
                WINDOW / RATE / (1 + number % 4),
                ends[1],
                "logarithmic",
            )
            yield Sound(f"sweep-{name}{number}", "sweep", NONE, f"sweep {name}", form(np.pi * sweep))


def variable(number):
    """A number as MIDI files write it."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(0x80 | number & 0x7F)
    return bytes(reversed(parts))


def midi(events):
    """A MIDI file of one track at 120 beats per minute, from events (seconds, status, data ...)."""
    track, now = b"", 0
    for at_s, *data in sorted(events, key=lambda event: event[0]):
        tick = int(at_s * 2 * TICKS)
        track += variable(tick - now) + bytes(data)
        now = tick
    track += variable(TICKS * 4) + b"\xff\x2f\x00"
    head = b"MThd" + bytes([0, 0, 0, 6, 0, 0, 0, 1]) + TICKS.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


def played(scores, soundfont):
    """One window of each score (events in ticks, beats per minute), all played by fluidsynth in one run, since loading a
    soundfont takes longer than playing.
    """
    # All sound off before each score and after the last, so that nothing is heard in the next; fluidsynth does not end
    # while a note sounds.
    slots = range(len(scores) + 1)
    events = [(number * SLOT_S, 0xB0 | channel, 120, 0) for number in slots for channel in (0, 9)]
    for number, (score, tempo) in enumerate(scores):
        for tick, *data in score:
            at_s = tick / TICKS * 60 / tempo
            if at_s < SLOT_S - 1:
                events.append((number * SLOT_S + 0.1 + at_s, *data))
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder, "loops.mid"), Path(folder, "loops.wav")
        score.write_bytes(midi(events))
        options = ["-ni", "-q", "-o", "synth.dynamic-sample-loading=1", "-r", "32000", "-g", "0.5"]
        subprocess.run(
            ["fluidsynth", *options, "-F", wave, soundfont, score], check=True, capture_output=True, timeout=900
        )
        samples, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    samples = resample_poly(samples.mean(1), 1, 2)
    starts = (int((number * SLOT_S + 0.1) * RATE) for number in range(len(scores)))
    return [np.resize(samples[start : start + WINDOW], WINDOW) for start in starts]


def note(tick, length, pitch, velocity, channel=0):
    return [(tick, 0x90 | channel, pitch, velocity), (tick + length, 0x80 | channel, pitch, 0)]


def beat(random, bars):
    """A drum pattern of one bar, repeated: four on the floor or broken."""
    step, events = TICKS // 4, []
    floor = random.random() < 0.5
    pattern = {"kick": {0, 4, 8, 12} if floor else {0, *random.choice(16, 3)}, "snare": {4, 12}}
    pattern["hat"] = set(range(0, 16, random.choice([1, 2, 4])))
    for name in random.choice(list(DRUMS)[2:], 2, replace=False):
        pattern[name] = set(random.choice(16, random.integers(1, 5)))
    for bar in range(bars):
        for name, steps in pattern.items():
            for at in steps:
                events += note(int(bar * 16 + at) * step, step // 2, DRUMS[name], int(random.integers(70, 120)), 9)
    return events


def line(random, program, bars, kind):
    """A repeated line of one program: a riff on a scale, a held chord, single notes or a scale."""
    scale = [0, 2, 3, 5, 7, 8, 10] if random.random() < 0.6 else [0, 2, 4, 5, 7, 9, 11]
    root = int(random.integers(36, 60))
    pitch = lambda degree: root + 12 * (degree // 7) + scale[degree % 7]
    events, step = [(0, 0xC0, program)], TICKS // 4
    riff = [int(random.integers(0, 8)) for _ in range(8)]
    for bar in range(bars):
        start = bar * 16 * step
        if kind == "riff":
            for n, degree in enumerate(riff):
                events += note(start + 2 * n * step, int(1.6 * step), pitch(degree), int(random.integers(70, 115)))
        elif kind == "chord":
            for degree in (0, 2, 4):
                events += note(start, 15 * step, pitch(degree + riff[bar % 4]), 90)
        elif kind == "scale":
            for n in range(8):
                events += note(start + 2 * n * step, 2 * step, pitch(n if bar % 2 == 0 else 7 - n), 90)
        else:
            events += note(start, int(random.choice([4, 8, 16])) * step - 10, pitch(riff[0]), 95)
    return events


def instruments(random):
    """Single notes, scales and riffs of one instrument; drum loops; synth loops alone and with drums."""
    wanted = []
    for program in SOLO:
        for kind in ("note", "scale", "riff"):
            score = line(random, program, 4, kind)
            wanted.append((f"solo{program}-{kind}", "single instrument", NONE, f"solo {program}", score))
    for number in range(60):
        wanted.append((f"drums{number}", "drum loop", NONE, f"drums {number // 5}", beat(random, 4)))
    for program in SYNTHS:
        for kind in ("riff", "chord"):
            alone, group = line(random, program, 4, kind), f"synth {program}"
            wanted.append((f"synth{program}-{kind}", "synth loop", NONE, group, alone))
            both = alone + beat(random, 4)
            wanted.append((f"synthbeat{program}-{kind}", "synth loop with drums", "electronic", group, both))
    for number, soundfont in enumerate(SOUNDFONTS):
        mine = wanted[number :: len(SOUNDFONTS)]
        scores = [(score, random.integers(80, 165)) for *_, score in mine]
        for (*described, _), samples in zip(mine, played(scores, soundfont)):
            yield Sound(*described, samples)


def swept(samples, edge_hz, q):
    """A resonant low-pass (state-variable filter) whose edge, an array in Hz, moves."""
    low = band = 0.0
    out = np.empty_like(samples)
    for n, f in enumerate(2 * np.sin(np.pi * np.minimum(edge_hz, RATE / 6) / RATE)):
        low += f * band
        band += f * (samples[n] - low - q * band)
        out[n] = low
    return out


def synth_loop(random, form, kind):
    """A loop of one bar as a software synthesizer plays it: two detuned oscillators, a moving filter, decaying notes."""
    step = int(RATE * 60 / random.integers(85, 150) / 4)
    pitches = (
        45
        + int(random.integers(0, 12))
        + np.array([0, 3, 7, 12, 15, 19] if random.random() < 0.6 else [0, 4, 7, 12, 16, 19])
    )
    bar, t = np.zeros(16 * step), np.arange(step * 16) / RATE
    on = range(0, 16, 1 if kind == "arpeggio" else 8) if kind != "bass" else sorted({0, *random.choice(16, 6)})
    for at in on:
        chosen = pitches[:3] if kind == "pad" else [int(random.choice(pitches)) - (12 if kind == "bass" else 0)]
        decay = np.exp(-t[: len(bar) - at * step] / (1.5 if kind == "pad" else 0.15))
        for pitch in chosen:
            frequency = 440 * 2 ** ((pitch - 69) / 12)
            for detune in (0.997, 1.003):
                bar[at * step :] += decay * form(2 * np.pi * frequency * detune * t[: len(decay)])
    edge = 500 * 2 ** (random.uniform(0, 2) + 1.5 * np.sin(2 * np.pi * np.arange(len(bar)) / len(bar)))
    return swept(bar / np.abs(bar).max(), edge, random.uniform(0.3, 1.2)), step


def synth_beat(random, step):
    """One bar of a drum machine of 16 steps: a falling sine, bursts of noise."""
    bar, t = np.zeros(16 * step), np.arange(4 * step) / RATE
    kick = np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-t * 25)))) * np.exp(-t * 12)
    hiss = random.normal(0, 1, len(t))
    clap, hat = (hiss * np.exp(-t * decay) * gain for decay, gain in ((30, 0.5), (90, 0.25)))
    floor = random.random() < 0.6
    for sound, steps in ((kick, {0, 4, 8, 12} if floor else {0, 6, 10}), (clap, {4, 12}), (hat, set(range(2, 16, 4)))):
        for at in steps:
            end = min(len(bar), at * step + len(sound))
            bar[at * step : end] += sound[: end - at * step]
    return bar


def synth_loops(seed=2):
    """Loops of a synthesizer and a drum machine made here."""
    random = np.random.default_rng(seed)
    forms = {"saw": sawtooth, "square": lambda x: np.sign(np.sin(x)), "triangle": lambda x: sawtooth(x, 0.5)}
    forms["fm"] = lambda x: np.sin(x + 1.5 * np.sin(2 * x))
    for name, form in forms.items():
        for kind in ("arpeggio", "bass", "pad"):
            for number in range(5):
                alone, step = synth_loop(random, form, kind)
                both = 0.5 * alone / (np.abs(alone).max() + 1e-9) + 0.6 * synth_beat(random, step)
                group, described = f"own synth {name}", f"{name}-{kind}{number}"
                yield Sound(f"own-{described}", "synth loop", NONE, group, np.resize(alone, WINDOW))
                mixed = np.resize(both, WINDOW)
                yield Sound(f"ownbeat-{described}", "synth loop with drums", "electronic", group, mixed)


def speech(random, root):
    """Sentences in several languages and voices; `root` is where espeak-ng's packages are unpacked."""
    libraries = next(Path(root).glob("usr/lib/*/espeak-ng-data")).parent
    environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
    for voice in VOICES:
        for number, sentence in enumerate(SENTENCES):
            with tempfile.NamedTemporaryFile(suffix=".wav") as wave:
                options = ["--path", libraries, "-v", voice, "-s", str(random.integers(120, 200)), "-w", wave.name]
                subprocess.run(
                    [Path(root, "usr/bin/espeak-ng"), *options, sentence], env=environment, check=True, timeout=60
                )
                samples, rate = soundfile.read(wave.name, dtype="float32")
            samples = resample_poly(samples, RATE, rate)
            yield Sound(f"speech-{voice}{number}", "speech", NONE, f"speech {voice}", np.resize(samples, WINDOW))


def unpacked_espeak(folder):
    """Unpacks espeak-ng and its libraries into `folder`, without installing them."""
    packages = ["espeak-ng", "espeak-ng-data", "libespeak-ng1", "libpcaudio0", "libsonic0"]
    subprocess.run(["apt-get", "download", "-qq", *packages], cwd=folder, check=True, capture_output=True)
    for archive in Path(folder).glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, Path(folder, "root")], check=True)
    return Path(folder, "root")


def filtered_music(windows):
    """Music (name, group, samples) through a low-pass at 200 Hz, which leaves a rumble of every style."""
    for number, (name, group, samples) in enumerate(windows):
        edge = (200, 200, 150, 120)[number % 4]
        yield Sound(f"{name}-low", "music below 200 Hz", NONE, group, low_pass(samples, edge, 10.0))


def all_sounds(seed=0):
    """Every sound but the filtered music, in a fixed order."""
    random = np.random.default_rng(seed)
    found = [*noises(random), *tones(random), *instruments(random), *synth_loops()]
    with tempfile.TemporaryDirectory() as folder:
        try:
            found += speech(random, unpacked_espeak(folder))
        except (subprocess.SubprocessError, OSError, StopIteration) as error:
            log(f"no speech: {error}")
    return found
