"""Chord progressions and melodies in a known key, as text for MMA.

A key is tonic + 12 * minor, with the tonic in semitones above C. The key is certain; everything else varies: cadences,
vamps, blues, power chords, borrowed chords, and a melody that stays in the scale.
"""

FLATS = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
MMA_NOTES = ["c", "d&", "d", "e&", "e", "f", "g&", "g", "a&", "a", "b&", "b"]

# (semitones above the tonic):(chord quality) per bar; one space-separated pattern per line.
MAJOR = """
0: 7: 9:m 5:
0: 5: 7: 0:
0: 9:m 5: 7:
0: 9:m 2:m 7:7
0: 4:m 5: 7:
0: 5: 0: 7:
0: 0: 5: 0:
0: 7: 7:7 0:
5: 0: 7:7 0:
0: 10: 5: 0:
0: 2:m 5: 0:
0: 0:7 5: 5:m
0:M7 9:m7 2:m7 7:7
2:m7 7:7 0:M7 0:6
4:m7 9:7 2:m7 7:7
0:M7 5:M7 0:M7 5:M7
0:6 1:dim7 2:m7 7:7
0: 2:7 5: 0:
0: 3: 5: 0:
0: 8: 10: 0:
0: 7:m 5: 0:
0:7 0:7 5:7 0:7
0:7 5:7 0:7 7:7
0:7 0:7 0:7 0:7
0:5 0:5 5:5 7:5
0:5 10:5 5:5 0:5
0: 0: 0: 0:
0: 5: 0: 5:
0:sus4 0: 5: 0:
9:m 5: 0: 7:
5: 7: 0: 0:
"""
MINOR = """
0:m 8: 3: 10:
0:m 10: 8: 10:
0:m 5:m 7:m 0:m
0:m 8: 5:m 7:7
0:m 10: 8: 7:7
0:m 5:m 0:m 7:7
0:m 0:m 8: 10:
0:m 5:m 10: 3:
0:m7 5:m7 0:m7 7:m7
0:m7 5:7 0:m7 5:7
0:m7 5:m7 10:7 3:M7
0:m 7:7 0:m 0:m
2:m7b5 7:7b9 0:m7 0:m6
0:m7 8:M7 2:m7b5 7:7
0:m 3: 5: 8:
0:m 0:m 0:m 0:m
0:m7 0:m7 0:m7 0:m7
0:m7 0:m7 5:m7 0:m7
0:5 0:5 3:5 5:5
0:5 8:5 10:5 0:5
0:5 1:5 0:5 10:5
0:5 0:5 0:5 0:5
0:m 8: 10: 0:m
0:m 3: 10: 5:
8: 10: 0:m 0:m
0:m 2:dim 7: 0:m
0:m7 5:m7 0:m7 0:m7
"""
BLUES = "0:7 {}:7 0:7 0:7 5:7 5:7 0:7 0:7 7:7 5:7 0:7 {}:7"
MINOR_BLUES = "0:m7 0:m7 0:m7 0:m7 5:m7 5:m7 0:m7 0:m7 8:7 7:7 0:m7 7:7"

SCALES = {
    False: [[0, 2, 4, 5, 7, 9, 11], [0, 2, 4, 7, 9], [0, 2, 4, 5, 7, 9, 10]],
    True: [[0, 2, 3, 5, 7, 8, 10], [0, 3, 5, 7, 10], [0, 2, 3, 5, 7, 9, 10], [0, 2, 3, 5, 7, 8, 11]],
}


def progression(key, genre, random):
    """Sixteen bars or more: a list of (root above C, quality)."""
    tonic, minor = key % 12, key >= 12
    if genre == "blues" and random.random() < 0.7:
        text = MINOR_BLUES if minor else BLUES.format(random.choice([0, 5]), random.choice([0, 7]))
    else:
        patterns = (MINOR if minor else MAJOR).strip().splitlines()
        chosen = [random.choice(patterns) for _ in range(random.choice([1, 2, 2, 3]))]
        text = " ".join(random.choice(chosen) for _ in range(5))
    pairs = [item.split(":") for item in text.split()]
    return [((tonic + int(step)) % 12, quality) for step, quality in pairs]


def melody_bars(key, random):
    """An endless melody in the key's scale: a generator of bars in MMA notation."""
    scale = random.choice(SCALES[key >= 12])
    at, octave = random.randrange(len(scale)), 0
    while True:
        rhythm = random.choice(
            [[4, 4, 4, 4], [8, 8, 4, 4, 4], [2, 4, 4], [2, 2], [4, 8, 8, 2], [8] * 8, [1], [4, 2, 4]]
        )
        notes = []
        for length in rhythm:
            at += random.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3])
            octave = max(-1, min(1, at // len(scale)))
            at = octave * len(scale) + at % len(scale)
            pitch = (key % 12 + scale[at % len(scale)]) % 12
            rest = random.random() < 0.12
            notes.append(
                f"{length}r" if rest else f"{length}{MMA_NOTES[pitch]}{'+' * octave if octave > 0 else '-' * -octave}"
            )
        yield "{" + ";".join(notes) + ";}"


def song(key, genre, groove, tempo, lead, translate, seconds, random):
    """The text of an MMA file that lasts at least `seconds` in four-four time."""
    bars = int(seconds * tempo / 240) + 2
    lines = [f"Tempo {tempo}", *translate, f"Groove {groove}"]
    melody = melody_bars(key, random) if lead else None
    if lead:
        lines += [f"Solo Voice {lead}", "Solo Volume mf", f"Solo Octave {random.choice([4, 5, 5, 6])}"]
    for bar, (root, quality) in enumerate(progression(key, genre, random)[:bars], 1):
        tail = f" {next(melody)}" if melody and random.random() < 0.85 else ""
        lines.append(f"{bar} {FLATS[root]}{quality}{tail}")
    return "\n".join(lines) + "\n"
