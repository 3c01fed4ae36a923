//! `cargo xtask demo-audio`: makes `assets/demo` again from the scores kept in this module.
//!
//! Needed only to change the pieces; the audio is committed. Everything is deterministic for given
//! versions of FluidSynth, FluidR3 and FFmpeg. Not here: any judgement of what the model makes of
//! the audio (the tests').

mod harmony;
mod midi;
mod pieces;
mod render;
mod score;

use std::path::Path;

use anyhow::{Context, Result};

use pieces::{PIECES, Piece};

/// What `--help` prints.
pub const HELP: &str = "\
Renders the demo pieces in assets/demo again from their scores in xtask/src/demo_audio/pieces.

Usage: cargo xtask demo-audio

Only needed after a change to a score: the audio is committed. Takes fluidsynth, fluid-soundfont-gm and ffmpeg
from Debian; the same versions give the same bytes.
";

const LIST: &str = "demo.toml";

/// Renders every piece into `out_dir` and writes `demo.toml`, their list with genres and key
/// timelines, beside them.
///
/// # Errors
/// When a score does not read, or `fluidsynth`, `ffmpeg` or the soundfont is missing, fails or overruns its limits.
pub fn make(out_dir: &Path) -> Result<()> {
    std::fs::create_dir_all(out_dir)
        .with_context(|| format!("the folder {} cannot be made", out_dir.display()))?;
    for piece in PIECES {
        let path = out_dir.join(piece.file);
        let (song, length_s) = midi::file(piece)?;
        render::render(&song, length_s, &path)
            .with_context(|| format!("{} was not made", path.display()))?;
        println!("{}", path.display());
    }
    let path = out_dir.join(LIST);
    std::fs::write(&path, list())
        .with_context(|| format!("{} could not be written", path.display()))
}

/// The text of `demo.toml`: a `[[piece]]` table each.
fn list() -> String {
    let head = "# Made by `cargo xtask demo-audio` from xtask/src/demo_audio/pieces.\n\
                # `from_s`: seconds from the start of the file at which the key begins.\n";
    PIECES
        .iter()
        .map(table)
        .fold(head.to_owned(), |list, table| list + &table)
}

fn table(piece: &Piece) -> String {
    let Piece {
        file, title, genre, ..
    } = piece;
    let from_s = |bar: usize| midi::seconds_from_beat(piece, bar as f64 * piece.beats_per_bar);
    let key =
        |(bar, key): &(usize, _)| format!("{{ from_s = {:.2}, key = \"{key}\" }}", from_s(*bar));
    let keys = piece
        .keys
        .iter()
        .map(key)
        .collect::<Vec<String>>()
        .join(", ");
    format!(
        "\n[[piece]]\nfile = \"{file}\"\ntitle = \"{title}\"\ngenre = \"{genre}\"\nkeys = [{keys}]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_list_is_that_of_the_scores() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo");
        let committed = std::fs::read_to_string(folder.join(LIST)).expect("assets/demo/demo.toml");
        assert_eq!(committed, list());
        for piece in PIECES {
            assert!(folder.join(piece.file).is_file(), "{}", piece.file);
        }
    }

    #[test]
    fn every_score_reads_and_lasts_15_to_40_s() {
        for piece in PIECES {
            let (song, length_s) = midi::file(piece).expect(piece.file);
            assert!(song.starts_with(b"MThd"));
            assert!(
                (15.0..=40.0).contains(&length_s),
                "{}: {length_s} s",
                piece.file
            );
        }
    }
}
