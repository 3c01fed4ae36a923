//! Inputs: the audio files that the arguments name.

mod folder;
mod list;

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};

use mertscope_audio::decode::{DecodeError, Decoder, FORMATS};

use folder::Content;

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

/// The inputs of a command.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The inputs in the order of the arguments; those of a folder sorted by path.
    pub list: Vec<Input>,
    /// Sentences on what was passed over in folders and is no failure.
    pub remarks: Vec<String>,
}

/// The input that is not a folder.
pub(crate) fn single(path: &Path) -> Input {
    if path == Path::new("-") {
        Input::Standard
    } else {
        Input::File(path.to_owned())
    }
}

/// The inputs that `paths` name; a folder becomes the audio files in it and in the folders inside it.
pub(crate) fn find(paths: &[PathBuf]) -> Inputs {
    let mut inputs = Inputs::default();
    for path in paths {
        if path != Path::new("-") && path.is_dir() {
            inputs.add_folder(path);
        } else {
            inputs.list.push(single(path));
        }
    }
    inputs
}

/// The inputs that `paths` name, and then those that the list at `list` names, if one is given.
///
/// # Errors
/// When the list can't be read, or names nothing.
pub(crate) fn find_listed(paths: &[PathBuf], list: Option<&Path>) -> anyhow::Result<Inputs> {
    let mut all = paths.to_vec();
    if let Some(list) = list {
        all.extend(list::read(list)?);
    }
    Ok(find(&all))
}

impl Inputs {
    fn add_folder(&mut self, path: &Path) {
        let content = folder::search(path);
        self.remarks.extend(remarks(path, &content));
        let Content {
            audio, unreadable, ..
        } = content;
        if audio.is_empty() && unreadable.is_empty() {
            let name = path.display().to_string();
            let reason = format!(
                "There is no audio in the folder {name}; the command looks for {FORMATS}, by the \
                 extensions of the files."
            );
            self.list.push(Input::Unusable(name, reason));
            return;
        }
        let files = audio
            .into_iter()
            .map(|path| (path.clone(), Input::File(path)));
        let folders = unreadable.into_iter().map(|(path, reason)| {
            let name = path.display().to_string();
            (path, Input::Unusable(name, reason))
        });
        let mut all: Vec<(PathBuf, Input)> = files.chain(folders).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        self.list.extend(all.into_iter().map(|(_, input)| input));
    }
}

/// Sentences on what was passed over in the folder `path`.
fn remarks(path: &Path, content: &Content) -> Vec<String> {
    let mut special: Vec<&PathBuf> = content.special.iter().collect();
    special.sort();
    let special = special.into_iter().map(|path| {
        let name = path.display();
        format!("{name} was passed over: it is no file but a pipe, a socket or a device.")
    });
    special.chain(other_formats(path, content)).collect()
}

/// A sentence on the files in other formats, the most frequent first.
fn other_formats(path: &Path, content: &Content) -> Option<String> {
    let mut formats: Vec<(&&str, &usize)> = content.other_formats.iter().collect();
    formats.sort_by_key(|(_, count)| Reverse(**count));
    let total: usize = formats.iter().map(|(_, count)| **count).sum();
    let files = match total {
        0 => return None,
        1 => "1 file in another format was".to_owned(),
        many => format!("{many} files in other formats were"),
    };
    let listed: Vec<String> = formats
        .iter()
        .map(|(format, count)| format!("{count} {format}"))
        .collect();
    let (folder, listed) = (path.display(), listed.join(", "));
    Some(format!("{folder}: {files} left out ({listed})."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn folders_become_their_audio_in_order() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("b/c")).unwrap();
        fs::create_dir_all(path("empty")).unwrap();
        for name in ["b/c/2.FLAC", "b/1.wav", "b/cover.jpg", "a.mp3"] {
            fs::write(path(name), "").unwrap();
        }
        let arguments = [
            path(""),
            PathBuf::from("-"),
            path("gone.wav"),
            path("empty"),
        ];
        let found = find(&arguments).list;
        let files = ["a.mp3", "b/1.wav", "b/c/2.FLAC"].map(|name| Input::File(path(name)));
        assert_eq!(found[..3], files);
        assert_eq!(found[3], Input::Standard);
        assert_eq!(found[4], Input::File(path("gone.wav")));
        assert!(matches!(&found[5], Input::Unusable(_, reason) if reason.contains("no audio")));
    }

    #[test]
    fn other_formats_are_told_in_one_line_the_most_frequent_first() {
        let count = |formats: &[(&'static str, usize)]| {
            let content = Content {
                other_formats: formats.iter().copied().collect(),
                ..Content::default()
            };
            other_formats(Path::new("Music"), &content)
        };
        assert_eq!(count(&[]), None);
        assert_eq!(
            count(&[("WMA", 1)]).unwrap(),
            "Music: 1 file in another format was left out (1 WMA)."
        );
        assert_eq!(
            count(&[("DSD", 1), ("Musepack", 4), ("WMA", 2)]).unwrap(),
            "Music: 7 files in other formats were left out (4 Musepack, 2 WMA, 1 DSD)."
        );
    }
}
