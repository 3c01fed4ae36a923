//! The audio files in a folder and in the folders inside it, and what is passed over there.
//!
//! Hidden files and folders are passed over, and so are those that systems keep on a disk for themselves. A link to
//! a folder is followed unless that folder is searched anyway, so each folder is searched once and a loop ends.
//! Nothing is opened: a pipe in a folder would wait for a writer for ever.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use mertscope_audio::decode::is_audio_path;
use walkdir::WalkDir;

/// Formats of music and video that [`Decoder`](mertscope_audio::decode::Decoder) does not read: extensions in lower
/// case, and their names.
const OTHER_FORMATS: [(&[&str], &str); 23] = [
    (&["aa", "aax"], "Audible"),
    (&["ac3", "ec3", "eac3"], "AC-3"),
    (&["amr", "awb"], "AMR"),
    (&["ape"], "Monkey's Audio"),
    (&["au", "snd"], "AU"),
    (&["avi"], "AVI"),
    (&["dsf", "dff"], "DSD"),
    (&["dts", "dtshd"], "DTS"),
    (&["flv"], "Flash video"),
    (&["m4p"], "protected AAC"),
    (&["mlp", "thd"], "MLP"),
    (&["mpc", "mp+", "mpp"], "Musepack"),
    (&["mpg", "mpeg", "vob", "m2ts", "mts"], "MPEG video"),
    (&["ofr", "ofs"], "OptimFROG"),
    (&["ra", "rm"], "RealAudio"),
    (&["shn"], "Shorten"),
    (&["spx"], "Speex"),
    (&["tak"], "TAK"),
    (&["tta"], "True Audio"),
    (&["voc"], "Creative Voice"),
    (&["wma", "asf"], "WMA"),
    (&["wmv"], "Windows Media video"),
    (&["wv"], "WavPack"),
];

/// Folders that a system keeps on a disk for itself, such as its trash; the others have hidden names.
const SYSTEM_FOLDERS: [&str; 3] = ["$RECYCLE.BIN", "System Volume Information", "lost+found"];

/// The content of a folder.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Files with the extension of a format that can be read.
    pub(super) audio: Vec<PathBuf>,
    /// Folders and files that can't be looked at, each with a sentence that names it.
    pub(super) unreadable: Vec<(PathBuf, String)>,
    /// Pipes, sockets and devices with the name of an audio file.
    pub(super) special: Vec<PathBuf>,
    /// How many files there are in each format that can't be read, by the format's name.
    pub(super) other_formats: BTreeMap<&'static str, usize>,
}

/// Searches the folder `root`, which is searched even if its own name is hidden.
pub(super) fn search(root: &Path) -> Content {
    let mut search = Search {
        content: Content::default(),
        visited: HashSet::new(),
        links: VecDeque::from([root.to_owned()]),
    };
    // A folder's own path is preferred to that of a link, so links wait until the folders around them are searched.
    while let Some(link) = search.links.pop_front() {
        search.walk(&link);
    }
    search.content
}

struct Search {
    content: Content,
    /// Searched folders, by their paths without links.
    visited: HashSet<PathBuf>,
    /// Links to folders that were found and not followed yet.
    links: VecDeque<PathBuf>,
}

impl Search {
    /// Searches `root`, which may be a link, and the folders inside it.
    fn walk(&mut self, root: &Path) {
        let real_root = match dunce::canonicalize(root) {
            Ok(path) => path,
            Err(error) => return self.fail(root, &error),
        };
        if !self.visited.insert(real_root.clone()) {
            return;
        }
        let mut entries = WalkDir::new(root).min_depth(1).into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    if let Some(error) = error.io_error() {
                        self.fail(&path, error);
                    }
                    continue;
                }
            };
            let name = entry.file_name().to_string_lossy();
            let is_passed_over = name.starts_with('.') || SYSTEM_FOLDERS.contains(&&*name);
            let path = entry.path();
            if entry.file_type().is_dir() {
                // Inside `root` there are no links on the way, so this is the folder's path without links.
                let inside = path.strip_prefix(root).unwrap_or(path);
                if is_passed_over || !self.visited.insert(real_root.join(inside)) {
                    entries.skip_current_dir();
                }
            } else if !is_passed_over {
                self.file(path, entry.file_type());
            }
        }
    }

    /// Takes a file, or what a link leads to.
    fn file(&mut self, path: &Path, kind: fs::FileType) {
        let target = if kind.is_symlink() {
            fs::metadata(path).map(|metadata| metadata.file_type())
        } else {
            Ok(kind)
        };
        match target {
            Ok(kind) if kind.is_dir() => self.links.push_back(path.to_owned()),
            // A link that leads nowhere counts as audio by its name; opening it tells what is wrong.
            Ok(kind) if !kind.is_file() => {
                if is_audio_path(path) {
                    self.content.special.push(path.to_owned());
                }
            }
            Ok(_) | Err(_) if is_audio_path(path) => self.content.audio.push(path.to_owned()),
            Ok(_) => {
                if let Some(format) = other_format(path) {
                    *self.content.other_formats.entry(format).or_default() += 1;
                }
            }
            Err(_) => {}
        }
    }

    fn fail(&mut self, path: &Path, error: &io::Error) {
        let name = path.display();
        let remedy = match error.kind() {
            ErrorKind::InvalidFilename => "its path is too long for this system; move it up",
            _ => "check its permissions",
        };
        let sentence =
            format!("The folder {name} can't be searched ({error}) and was left out; {remedy}.");
        self.content.unreadable.push((path.to_owned(), sentence));
    }
}

/// The name of the format that the extension stands for, if it is one of music that can't be read.
fn other_format(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_lowercase();
    OTHER_FORMATS
        .iter()
        .find(|(extensions, _)| extensions.contains(&&*extension))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for name in files {
                let path = folder.path(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn content(&self) -> Content {
            search(self.0.path())
        }

        /// The audio found, by the paths inside the folder, sorted.
        fn audio(&self) -> Vec<String> {
            let content = self.content();
            assert!(content.unreadable.is_empty(), "{content:?}");
            let inside = |path: PathBuf| {
                let path = path.strip_prefix(self.0.path()).unwrap().to_owned();
                let name = path.into_os_string().into_string().unwrap();
                name.replace(std::path::MAIN_SEPARATOR, "/")
            };
            let mut audio: Vec<String> = content.audio.into_iter().map(inside).collect();
            audio.sort();
            audio
        }
    }

    #[test]
    fn hidden_and_system_files_are_passed_over() {
        let folder = Folder::with(&[
            "song.wav",
            "._song.wav",
            ".hidden.flac",
            ".Trashes/501/old.mp3",
            "$RECYCLE.BIN/old.mp3",
            "a.b/..double.wav",
            "a.b/take.1.wav",
        ]);
        assert_eq!(folder.audio(), ["a.b/take.1.wav", "song.wav"]);
        // A hidden folder that the user names is meant.
        let content = search(&folder.path(".Trashes"));
        assert_eq!(content.audio, [folder.path(".Trashes/501/old.mp3")]);
    }

    #[test]
    fn other_formats_of_music_are_counted_and_the_rest_is_not() {
        let folder = Folder::with(&[
            "1.wma",
            "2.WMA",
            "b/3.asf",
            "4.wv",
            "cover.jpg",
            "notes.txt",
            "list.m3u",
            "noextension",
        ]);
        let content = folder.content();
        assert_eq!(
            content.other_formats,
            BTreeMap::from([("WMA", 3), ("WavPack", 1)])
        );
        assert!(content.audio.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_are_followed_once_and_loops_end() {
        use std::os::unix::fs::symlink;
        let elsewhere = Folder::with(&["albums/1.wav", "albums/live/2.wav"]);
        let folder = Folder::with(&["z/own.wav", "y/3.wav"]);
        symlink(elsewhere.path("albums"), folder.path("a first")).unwrap();
        symlink(elsewhere.path("albums"), folder.path("b again")).unwrap();
        symlink(folder.path("z"), folder.path("a link to z")).unwrap();
        symlink(folder.path(""), folder.path("z/loop")).unwrap();
        symlink("self", folder.path("self")).unwrap();
        symlink(elsewhere.path("albums/1.wav"), folder.path("one.wav")).unwrap();
        symlink("nowhere", folder.path("gone.wav")).unwrap();
        symlink("nowhere", folder.path("gone")).unwrap();
        assert_eq!(
            folder.audio(),
            [
                "a first/1.wav",
                "a first/live/2.wav",
                "gone.wav",
                "one.wav",
                "y/3.wav",
                "z/own.wav"
            ]
        );
        // A link may itself be named, and two links may lead into each other's folders.
        symlink(folder.path(""), elsewhere.path("albums/back")).unwrap();
        assert_eq!(search(&folder.path("a first")).audio.len(), 6);
        assert_eq!(folder.audio().len(), 6);
    }

    #[cfg(unix)]
    #[test]
    fn sockets_and_devices_are_no_files() {
        use std::os::unix::{fs::symlink, net::UnixListener};
        let folder = Folder::with(&["song.wav"]);
        let _listener = UnixListener::bind(folder.path("socket.wav")).unwrap();
        let _other = UnixListener::bind(folder.path("socket")).unwrap();
        symlink("/dev/zero", folder.path("zero.mp3")).unwrap();
        let mut content = folder.content();
        content.special.sort();
        assert_eq!(
            content.special,
            [folder.path("socket.wav"), folder.path("zero.mp3")]
        );
        assert_eq!(content.audio, [folder.path("song.wav")]);
    }

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let folder = Folder::with(&[]);
        let content = search(&folder.path("gone"));
        let [(path, sentence)] = &content.unreadable[..] else {
            panic!("{content:?}");
        };
        assert_eq!(*path, folder.path("gone"));
        assert!(sentence.contains("gone"), "{sentence}");
    }
}
