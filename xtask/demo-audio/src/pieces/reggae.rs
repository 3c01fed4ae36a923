//! “Slow Harbour”: one-drop with an off-beat skank and a vibraphone, in G major.

use super::{
    CLOSED_HAT, CRASH, FINGERED_BASS, KICK, MUTED_GUITAR, ORGAN, Part, Piece, STANDARD_KIT, STICK,
    VIBRAPHONE, drums, figure, notes,
};

pub(super) const PIECE: Piece = Piece {
    file: "slow-harbour.flac",
    title: "Slow Harbour",
    genre: "reggae",
    keys: &[(0, "G major")],
    bars: 6,
    beats_per_bar: 4.0,
    tempo: &[(0.0, 84.0)],
    swing: 0.56,
    seed: 5,
    parts: &[BASS, SKANK, BUBBLE, VIBES, KIT],
};

const HARMONY: &str = "G C | G D | G C | Am D | G D | G";

const BASS: Part = notes(
    FINGERED_BASS,
    [120, 64, 10],
    "@100 G1:1 B1:.5 D2 C2:1 E2:.5 C2 | G1:1 B1:.5 D2 D2:1 C2:.5 A1 | G1:1 B1:.5 D2 C2:1 E2:.5 G2
    | A1:1 C2:.5 E2 D2:1 C2:.5 A1     | G1:1 B1:.5 D2 D2:1 B1:.5 A1 | G1:2 r",
);

const SKANK: Part = figure(
    MUTED_GUITAR,
    [112, 76, 40],
    (67, 88),
    HARMONY,
    "..x...x...x...x. *5 | x...............",
);

const BUBBLE: Part = figure(
    ORGAN,
    [62, 50, 50],
    (64, 74),
    HARMONY,
    ".xx..xx..xx..xx. *5 | x-------........",
);

const VIBES: Part = notes(
    VIBRAPHONE,
    [90, 64, 75],
    "@88 r:1 D5:.5 E5 G5:1 E5  | D5:1.5 B4:.5 A4:2            | r:.5 D5 E5 G5 ~ A5 G5 E5
    | A5:1.5 G5:.5 F#5:1 D5    | B5:1 A5:.5 G5 F#5:1 A5       | G5+B5:2 r",
);

const KIT: Part = drums(
    STANDARD_KIT,
    [112, 64, 30],
    &[
        (KICK, "........X....... *5 | X..............."),
        (
            STICK,
            "........X....... | ........X.....xx | ........X....... | ........X..x..xx | ........X....... | X...............",
        ),
        (CLOSED_HAT, "x.xox.xox.xox.xo *5 | ................"),
        (
            CRASH,
            "X............... | ................ *3 | X............... | X...............",
        ),
    ],
);
