//! “Corner Table”: medium swing for saxophone, piano, bass and brushes, in B flat.

use super::{
    BRUSH_KIT, KICK, PEDAL_HAT, PIANO, Part, Piece, RIDE, SNARE, TENOR_SAX, UPRIGHT_BASS, drums,
    figure, notes,
};

pub(super) const PIECE: Piece = Piece {
    file: "corner-table.ogg",
    title: "Corner Table",
    genre: "jazz",
    keys: &[(0, "Bb major")],
    bars: 20,
    beats_per_bar: 4.0,
    tempo: &[(0.0, 152.0)],
    swing: 0.64,
    seed: 2,
    parts: &[SAX, COMPING, WALKING, BRUSHES],
};

const SAX: Part = notes(
    TENOR_SAX,
    [96, 54, 60],
    "@84 r:1 F4:.5 G4 Bb4 D5:1.5    | Bb4:.5 D5 F5 A5:1 G5:.5 F5 D5 | Eb5:1.5 D5:.5 C5:1 r:.5 G4
    | A4 C5 Eb5 D5 ~:1 C5:.5 A4     | @90 F5:1 D5:.5 F5 ~ A4' r:1    | r:.5 B4 D5 F5 Ab5! G5 F5 D5
    | Eb5:2 r:.5 D5 C5 Bb4          | A4 G4 F4 A4 C5 Eb5:1 D5:.5     | @94 ~:1 Bb4:.5 D5 F5 A5:1.5!
    | G5:1.5 F5:.5 Eb5 D5 Bb4 G4    | Gb4 Bb4 C5 Eb5:1 Gb5:.5 F5 Eb5 | D5:1 F5:.5 D5 Bb4 D5 G5 F5
    | @84 Eb5 D5 C5 G4 Bb4:1.5 r:.5 | r A4 C5 Eb5 G5:1! F5:.5 Eb5    | D5:1.5 Bb4:.5 ~ D5 F5 D5
    | Eb5:1 G5:.5 Eb5 C5 A4 C5 Eb5  | @90 F5:1 D5:.5 A4 Bb4 D5 F5 G5 | A5:1 Eb5:.5 C5 A4 C5 Eb5 C5
    | D5 F5 G5 F5 D5 C5 Bb4:1       | r:1 F4:.5 G4 @80 Bb4:2",
);

const COMPING: Part = figure(
    PIANO,
    [92, 80, 45],
    (60, 64),
    "Bb6 | Gm7 | Cm9 | F13 | Dm7 | G7 | Cm9 | F13 | Bbmaj9 | Ebmaj9 | Ebm6 | Dm7 Gm7
    | Cm9 | F13 | Bb6 Gm7 | Cm9 F13 | Dm7 Gm7 | Cm9 F13 | Bb6 | Bb6",
    "x--x.... | ...x..x- | .x--..x. | ...x-... | x-.X.... | ...x..x. | .x-..x-- | ...x-.x.
    | x--x.... | ...x..x- | .x--..x. | x..x-.x. | .x--..x. | ...x-..x | x-..X... | x..x-.x.
    | x-..x-.. | .x-.x-.x | x--X.... | X.....x-",
);

const WALKING: Part = notes(
    UPRIGHT_BASS,
    [112, 62, 30],
    "@88 Bb1:1 D2 F2 A2 | G2 F2 D2 Bb1 | C2 D2 Eb2 G2  | F2 Eb2 C2 A1  | D2 F2 A2 Ab2
    | G2 F2 D2 B1       | C2 Eb2 G2 Gb2 | F2 A1 C2 A1   | Bb1 D2 F2 D2  | Eb2 G2 Bb2 G2
    | Eb2 Gb2 C3 Bb2    | A2 D2 G2 D2   | C2 Eb2 G2 Gb2 | F2 Eb2 C2 A1  | Bb1 F2 G2 Bb1
    | C2 G2 F2 Eb2      | D2 F2 G2 Bb1  | C2 Eb2 F2 A1  | Bb1 D2 F2 F1  | Bb1 r Bb1:2",
);

const BRUSHES: Part = drums(
    BRUSH_KIT,
    [92, 64, 35],
    &[
        (RIDE, "x.xox.xo *18 | x.xox... | X.....x."),
        (PEDAL_HAT, "..x...x. *19 | ........"),
        (
            SNARE,
            "o..o...o | ...o..o. | .o.....o | ...o..oo | o..o...o | ...o..o. | .o.....o | x..o..oo
            | o..o...o | ...o..o. | .o.....o | ...o..oo | o..o...o | ...o..o. | .o.....o | x..o..oo
            | o..o...o | ...o..o. | x.oxo.xo | X.....x.",
        ),
        (KICK, "o....... *18 | o..o.... | x.....x."),
    ],
);
