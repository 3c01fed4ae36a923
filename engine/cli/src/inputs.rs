//! Inputs: the audio files that the arguments name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mertscope_audio::decode::{DecodeError, Decoder, FORMATS, is_audio_path};

/// An input, or the reason for none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Standard,
    /// A folder that can't be searched or holds no audio: its name, and a sentence with the reason.
    Unusable(String, String),
}

impl Input {
    /// Its name in results and messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Standard => "standard input".to_owned(),
            Self::Unusable(name, _) => name.clone(),
        }
    }

    /// Opens it.
    pub(crate) fn open(&self) -> Result<Decoder, OpenError> {
        match self {
            Self::File(path) => Ok(Decoder::open(path)?),
            Self::Standard => Ok(Decoder::from_reader(io::stdin(), &self.name())?),
            Self::Unusable(_, reason) => Err(OpenError::Folder(reason.clone())),
        }
    }
}

/// Why an input can't be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The file can't be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The folder can't be searched or holds no audio.
    #[error("{0}")]
    Folder(String),
}

/// The inputs that `paths` name; a folder becomes the audio files in it, sorted by path.
pub(crate) fn find(paths: &[PathBuf]) -> Vec<Input> {
    paths
        .iter()
        .flat_map(|path| match path {
            path if path == Path::new("-") => vec![Input::Standard],
            path if path.is_dir() => folder(path),
            path => vec![Input::File(path.clone())],
        })
        .collect()
}

fn folder(path: &Path) -> Vec<Input> {
    let mut files = Vec::new();
    let name = path.display().to_string();
    if let Err(error) = search(path, &mut files) {
        let reason =
            format!("The folder {name} can't be searched ({error}); check its permissions.");
        return vec![Input::Unusable(name, reason)];
    }
    if files.is_empty() {
        let reason = format!(
            "There is no audio in the folder {name}; the command looks for {FORMATS}, by the \
             extensions of the files."
        );
        return vec![Input::Unusable(name, reason)];
    }
    files.sort();
    files.into_iter().map(Input::File).collect()
}

fn search(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // The entry's own type: links to folders are not followed, so there are no cycles.
        if entry.file_type()?.is_dir() {
            search(&path, files)?;
        } else if is_audio_path(&path) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_their_audio_in_order() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("b/c")).unwrap();
        fs::create_dir_all(path("empty")).unwrap();
        for name in ["b/c/2.FLAC", "b/1.wav", "b/cover.jpg", "a.mp3"] {
            fs::write(path(name), "").unwrap();
        }
        let found = find(&[
            path(""),
            PathBuf::from("-"),
            path("gone.wav"),
            path("empty"),
        ]);
        let files = ["a.mp3", "b/1.wav", "b/c/2.FLAC"].map(|name| Input::File(path(name)));
        assert_eq!(found[..3], files);
        assert_eq!(found[3], Input::Standard);
        assert_eq!(found[4], Input::File(path("gone.wav")));
        assert!(matches!(&found[5], Input::Unusable(_, reason) if reason.contains("no audio")));
    }
}
