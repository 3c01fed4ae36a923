//! Renders the demo pieces of `assets/demo` from the scores in this crate. `cargo xtask demo-audio`
//! runs it.
//!
//! It is needed only after a change to a piece: the audio is committed. The same versions of
//! FluidSynth, FluidR3 and FFmpeg give the same bytes. Not here: any judgment of what the model
//! predicts for the audio, which is the tests'.

mod harmony;
mod midi;
mod pieces;
mod render;
mod score;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use pieces::{PIECES, Piece};

/// Renders the demo pieces from their scores and writes demo.toml, the list of them
#[derive(Parser)]
struct Arguments {
    /// The folder to write to
    folder: PathBuf,
}

/// The list of the pieces, with genres and key timelines.
const LIST: &str = "demo.toml";

fn main() -> ExitCode {
    match render_all(&Arguments::parse().folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Renders every piece into `folder` and writes [`LIST`] beside them.
fn render_all(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    for piece in PIECES {
        let path = folder.join(piece.file);
        let (song, length_s) = midi::file(piece)?;
        render::render(&song, length_s, &path)
            .with_context(|| format!("{} was not made", path.display()))?;
        println!("{}", path.display());
    }
    let path = folder.join(LIST);
    std::fs::write(&path, list())
        .with_context(|| format!("{} could not be written", path.display()))
}

/// The text of [`LIST`]: a `[[piece]]` table per piece.
fn list() -> String {
    let head = "# Made by `cargo xtask demo-audio` from xtask/demo-audio/src/pieces.\n\
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
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/demo");
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
