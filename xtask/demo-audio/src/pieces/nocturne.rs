//! “Two Rooms”: piano over strings. A minor for eight bars, then a G7 takes the theme to C minor.

use super::{CELLO, PIANO, Part, Piece, STRINGS, figure, notes};

pub(super) const PIECE: Piece = Piece {
    file: "two-rooms.ogg",
    title: "Two Rooms",
    genre: "classical",
    keys: &[(0, "A minor"), (8, "C minor")],
    bars: 16,
    beats_per_bar: 4.0,
    tempo: &[
        (0.0, 108.0),
        (7.5, 96.0),
        (8.0, 110.0),
        (14.0, 102.0),
        (14.5, 88.0),
        (15.0, 76.0),
    ],
    swing: 0.5,
    seed: 1,
    parts: &[LEFT_HAND, RIGHT_HAND, VIOLINS, CELLOS],
};

const HARMONY: &str =
    "Am | Dm | E7 | Am | F | Bm7b5 | E7 | Am G7 | Cm | Fm | G7 | Cm | Ab | Dm7b5 | Cm G7 | Cm";

const LEFT_HAND: Part = Part {
    pedal: true,
    ..figure(
        PIANO,
        [100, 58, 70],
        (55, 54),
        HARMONY,
        "b1234321 *7 | b123b131 | b1234321 *5 | b1234321 | b123b123 | b-1-2-x-------",
    )
};

const RIGHT_HAND: Part = notes(
    PIANO,
    [108, 68, 70],
    "@80 E5:1.5 A4:.5 C5:1 E5     | F5:2 D5:1 A4:.5 D5           | @74 G#4:1 B4 E5 D5
    | C5:2 B4:.5 A4 B4 C5         | @84 A4:1 C5 F5:1.5 E5:.5     | D5:1.5 F5:.5 @88 A5:1 G5:.5 F5
    | @80 E5:1 D5:.5 C5 B4:1 G#4  | A4:1.5 C5:.5 @72 B4 D5 F5 D5
    | @92 Eb5+G5:1.5 C5:.5 Eb5:1 Eb5+G5 | F5+Ab5:2 F5:1 C5:.5 F5 | @84 B4+D5:1 G4+D5 F5+G5 F5
    | G4+Eb5:2 D5:.5 C5 D5 Eb5    | @98 C5+Ab5:1 Eb5 Ab5+C6:1.5 Bb5:.5
    | @92 Ab5:1.5 G5:.5 F5:1 Ab4+D5 | @82 G5:1 Eb5:.5 C5 @72 D5:1 B4 | @64 Eb4+C5:2 C4+G4+C5",
);

const VIOLINS: Part = figure(
    STRINGS,
    [84, 50, 80],
    (60, 56),
    HARMONY,
    "x--- *7 | x-x- | x--- *6 | x-x- | x---",
);

const CELLOS: Part = figure(
    CELLO,
    [92, 84, 80],
    (48, 62),
    HARMONY,
    "B--- *7 | B-B- | B--- *6 | B-B- | B---",
);
