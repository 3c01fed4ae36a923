//! Arguments of `mertscope tag`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mertscope_music::{Key, Mode, Notation};

use super::ModelArguments;

/// The notation of a key in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TagNotation {
    /// Three characters at most, as ID3 defines: F#m, Bb
    Id3,
    /// The wheel of Mixed In Key: 11A, 6B
    Camelot,
}

impl TagNotation {
    /// The key as a tag's text.
    pub(crate) fn text(self, key: Key) -> String {
        match self {
            Self::Camelot => key.to_text(Notation::Camelot),
            Self::Id3 => {
                let minor = if key.mode() == Mode::Minor { "m" } else { "" };
                format!("{}{minor}", key.tonic_name())
            }
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct TagArguments {
    /// Audio files and folders; with --undo the files to undo [default: the last run's]
    #[arg(required_unless_present = "undo", value_name = "FILE|FOLDER")]
    pub inputs: Vec<PathBuf>,
    /// Notation of the key
    #[arg(long, value_enum, default_value_t = TagNotation::Id3)]
    pub notation: TagNotation,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Replace a key that a file has already
    #[arg(long)]
    pub overwrite: bool,
    /// Take back what the last run wrote, where nobody has changed it since
    #[arg(long, conflicts_with_all = ["overwrite", "dry_run", "rekordbox", "m3u"])]
    pub undo: bool,
    /// Write the files and their keys as a collection that rekordbox imports
    #[arg(long, value_name = "OUT.xml", value_parser = xml)]
    pub rekordbox: Option<PathBuf>,
    /// Write a playlist in which neighbors have compatible keys
    #[arg(long, value_name = "OUT.m3u8", value_parser = m3u)]
    pub m3u: Option<PathBuf>,
    /// The record of what was written, for --undo [default: mertscope/tags.jsonl in your data folder]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub model: ModelArguments,
}

fn xml(text: &str) -> Result<PathBuf, String> {
    super::with_extension(text, &["xml"])
}

fn m3u(text: &str) -> Result<PathBuf, String> {
    super::with_extension(text, &["m3u", "m3u8"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_tag_has_three_characters_at_most() {
        let text = |tonic, mode| TagNotation::Id3.text(Key::new(tonic, mode));
        assert_eq!(text(6, Mode::Minor), "F#m");
        assert_eq!(text(10, Mode::Minor), "Bbm");
        assert_eq!(text(0, Mode::Major), "C");
        assert!(Key::all().all(|key| TagNotation::Id3.text(key).len() <= 3));
        assert_eq!(TagNotation::Camelot.text(Key::new(6, Mode::Minor)), "11A");
    }
}
