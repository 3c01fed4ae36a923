//! “Headwind”: two distorted guitars and a lead in thirds, in E minor.

use super::{
    CLOSED_HAT, CRASH, DISTORTED_GUITAR, KICK, OVERDRIVEN_GUITAR, PICKED_BASS, POWER_KIT, Part,
    Piece, RIDE, SNARE, drums, figure, notes,
};

pub(super) const PIECE: Piece = Piece {
    file: "headwind.ogg",
    title: "Headwind",
    genre: "rock",
    keys: &[(0, "E minor")],
    bars: 17,
    beats_per_bar: 4.0,
    tempo: &[(0.0, 148.0)],
    swing: 0.5,
    seed: 3,
    parts: &[rhythm_guitar(14), rhythm_guitar(114), LEAD, BASS, KIT],
};

const HARMONY: &str =
    "E5 | E5 | C5 | D5 | E5 | C5 | G5 | D5 | E5 | C5 | A5 | B5 | E5 | C5 | D5 B5 | C5 D5 | E5";

const fn rhythm_guitar(pan: u8) -> Part {
    figure(
        DISTORTED_GUITAR,
        [127, pan, 25],
        (40, 98),
        HARMONY,
        "X-xxX-xxX-xxX-x- *4 | X-x-X-x-X-x-X-x- *8 | X-xxX-xxX-xxX-x- *3 | X--x--x-X--x--x- | X---------------",
    )
}

const LEAD: Part = notes(
    OVERDRIVEN_GUITAR,
    [74, 64, 60],
    "r:4 *3 | r:2 @100 B4:.5 D5 E5 F#5
    | E5+G5:1 E5+G5:.5 D5+F#5 B4+E5:1 G4+B4       | C5+E5:1.5 B4+D5:.5 G4+C5:1 E4+G4
    | G4+B4:1 G4+B4:.5 A4+C5 B4+D5:1 D5+G5        | D5+F#5:1.5 C5+E5:.5 A4+D5:2
    | E5+G5:1 E5+G5:.5 F#5+A5 G5+B5:1 E5+G5       | C5+E5:.5 D5+F#5 E5+G5:1 F#5+A5 G5+B5
    | F#5+A5:1.5 E5+G5:.5 D5+F#5:1 C5+E5          | B4+D#5:2 D#5+F#5
    | @108 E5:.5 G5 B5 G5 E5 G5 B5 G5             | E5 G5 C6 G5 E5 G5 C6 G5
    | D5 F#5 A5 F#5 D#5 F#5 B5 D#6                | E6:1.5 D6 F#5:1 | E5+G5:4",
);

const BASS: Part = figure(
    PICKED_BASS,
    [100, 64, 10],
    (52, 96),
    HARMONY,
    "b.bbb.bbb.bbb.b. *4 | b.b.b.b.b.b.b.b. *8 | b.bbb.bbb.bbb.b. *3 | b..b..b.b..b..b. | b---------------",
);

const KIT: Part = drums(
    POWER_KIT,
    [108, 64, 20],
    &[
        (KICK, "X..xx...X.x.x... *4 | X...x...X.x.x... *8 | X..xx...X.x.x... *3 | X..X..X.X..X..X. | X..............."),
        (
            SNARE,
            "....X.......X... *3 | ....X.......XxXX | ....X.......X... *7 | ....X...X.X.XXXX
            | ....X.......X... *3 | X..X..X.XXXXXXXX | X...............",
        ),
        (CLOSED_HAT, "X.x.X.x.X.x.X.x. *4 | ................ *13"),
        (RIDE, "................ *4 | X.x.X.x.X.x.X.x. *11 | ................ *2"),
        (
            CRASH,
            "X............... | ................ *3 | X............... | ................ *3
            | X............... | ................ *3 | X............... *3 | X.......X....... | X...............",
        ),
    ],
);
