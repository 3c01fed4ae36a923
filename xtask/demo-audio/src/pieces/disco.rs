//! “Mirrorball Street”: four on the floor, octave bass and strings, in G minor.

use super::{
    BRASS, CLAP, CLAVINET, CLEAN_GUITAR, CLOSED_HAT, CRASH, FINGERED_BASS, KICK, OPEN_HAT, Part,
    Piece, SNARE, STANDARD_KIT, STRINGS, drums, figure, notes,
};

pub(super) const PIECE: Piece = Piece {
    file: "mirrorball-street.mp3",
    title: "Mirrorball Street",
    genre: "disco",
    keys: &[(0, "G minor")],
    bars: 13,
    beats_per_bar: 4.0,
    tempo: &[(0.0, 126.0)],
    swing: 0.5,
    seed: 4,
    parts: &[BASS, CLAV, GUITAR, STRING_LINE, STRING_PAD, HORNS, KIT],
};

const HARMONY: &str = "Gm | Gm | Cm7 | D7 | Gm | Ebmaj7 | Cm7 | D7 | Gm | Ebmaj7 | Am7b5 | D7 | Gm";

const BASS: Part = figure(
    FINGERED_BASS,
    [94, 64, 10],
    (48, 98),
    HARMONY,
    "b.B.b.B.b.B.b.BB *3 | b.B.b.B.b.Bfb.fB | b.B.b.B.b.B.b.BB *3 | b.B.b.B.b.Bfb.fB
    | b.B.b.B.b.B.b.BB *3 | b.B.b.B.b.Bfb.fB | b-..............",
);

const CLAV: Part = figure(
    CLAVINET,
    [90, 100, 30],
    (62, 74),
    HARMONY,
    "x..x..xx..x.xx.x *12 | X...............",
);

const GUITAR: Part = figure(
    CLEAN_GUITAR,
    [90, 26, 35],
    (67, 72),
    HARMONY,
    "x.xxX.xxx.xxX.xx *12 | X...............",
);

const STRING_LINE: Part = notes(
    STRINGS,
    [100, 64, 70],
    "@88 G4+G5:3 A4+A5:.5 Bb4+Bb5      | D5+D6:4                            | C5+C6:2 Bb4+Bb5:1 A4+A5
    | A4+A5:2 D5:.25 E5 F#5 G5 A5 Bb5 C6 C#6
    | @98 D5+D6:2.5 C5+C6:.5 Bb4+Bb5 A4+A5 | G4+G5:3 A4+A5:.5 Bb4+Bb5    | C5+C6:2.5 Bb4+Bb5:.5 A4+A5 G4+G5
    | F#4+F#5:2 A4+A5                  | @104 G5+G6:2.5 F5+F6:.5 D5+D6 Bb4+Bb5
    | Eb5+Eb6:2.5 D5+D6:.5 C5+C6 G4+G5 | A4+A5:1 C5+C6 Eb5+Eb6 G5+G6
    | F#5+F#6:2 D5+D6:.25 E5+E6 F#5+F#6 A5+A6 D5+D6:1 | G5+G6:1 r:3",
);

const STRING_PAD: Part = figure(STRINGS, [80, 64, 70], (62, 70), HARMONY, "x--- *12 | x...");

const HORNS: Part = figure(
    BRASS,
    [84, 74, 45],
    (64, 88),
    HARMONY,
    "................ *4 | ..............X. | X..x............ | ..............X. | X..x..X.........
    | ..............X. | X..x............ | ..............X. | X..x..X.......X. | X...............",
);

const KIT: Part = drums(
    STANDARD_KIT,
    [118, 64, 25],
    &[
        (KICK, "X...X...X...X... *12 | X..............."),
        (
            SNARE,
            "....x.......x... *3 | ....x.......xxxx | ....x.......x... *3 | ....x..x....xxXX
            | ....x.......x... *3 | ....x.......xxxx | X...............",
        ),
        (CLAP, "....x.......x... *12 | ................"),
        (OPEN_HAT, "..X...X...X...X. *12 | ................"),
        (CLOSED_HAT, "xoxoxoxoxoxoxoxo *12 | ................"),
        (
            CRASH,
            "X............... | ................ *3 | X............... | ................ *3
            | X............... | ................ *3 | X...............",
        ),
    ],
);
