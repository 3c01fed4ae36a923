//! Shards: which run of several does which file.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use mertscope_model::sha256;

/// One of several runs that share the files among them.
///
/// ```
/// use mertscope_parts::Shard;
///
/// let shards: Vec<Shard> = (0..3).map(|index| Shard { index, count: 3 }).collect();
/// let holding = shards.iter().filter(|shard| shard.holds("albums/1/song.flac"));
/// assert_eq!(holding.count(), 1);
/// assert_eq!("2/3".parse(), Ok(shards[2]));
/// assert!("3/3".parse::<Shard>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 0.
    pub index: u32,
    /// The number of shards, at least 1.
    pub count: u32,
}

impl Shard {
    /// The one shard of a run that does all files.
    pub const ALL: Self = Self { index: 0, count: 1 };

    /// Whether the shard does the file at `path`, which is relative to the root of all shards, with `/` between its
    /// parts: the first eight bytes of the path's SHA-256, as a big-endian number, modulo the number of shards.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        let digest = sha256(path.as_bytes());
        // The digest is hexadecimal and longer than 16 digits.
        let number = u64::from_str_radix(&digest[..16], 16).unwrap_or_default();
        number % u64::from(self.count.max(1)) == u64::from(self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            Some((index.trim().parse().ok()?, count.trim().parse().ok()?))
        });
        let Some((index, count)) = numbers else {
            return Err("give the shard and the number of shards, such as 0/16".to_owned());
        };
        if count == 0 {
            return Err("there must be at least one shard, as in 0/1".to_owned());
        }
        if index >= count {
            return Err(format!(
                "the shards of {count} are 0 to {}: they count from 0",
                count - 1
            ));
        }
        Ok(Self { index, count })
    }
}

/// The path of `file` inside `root` as parts name it: with `/` between its parts, and bytes that are no UTF-8 as `\xFF`;
/// `None` when the file is not inside. Nothing is read: links stay as they are.
#[must_use]
pub fn relative_path(file: &Path, root: &Path) -> Option<String> {
    let (file, root) = (plain(file)?, plain(root)?);
    let inside = file.strip_prefix(&root).ok()?;
    let parts: Vec<String> = inside.iter().map(text).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The absolute path without `.` and `..`.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in std::path::absolute(path).ok()?.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    Some(plain)
}

fn text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_balanced_and_each_file_has_one() {
        const FILES: usize = 10_000;
        let mut counts = [0; 7];
        for file in 0..FILES {
            let path = format!("artist {}/track {file}.mp3", file % 97);
            let holding: Vec<u32> = (0..7)
                .filter(|index| {
                    let shard = Shard {
                        index: *index,
                        count: 7,
                    };
                    shard.holds(&path)
                })
                .collect();
            let [one] = holding[..] else {
                panic!("{path}: {holding:?}");
            };
            counts[one as usize] += 1;
        }
        // Five standard deviations of a fair draw.
        let mean = FILES as f64 / 7.0;
        let most = 5.0 * (mean * 6.0 / 7.0).sqrt();
        assert!(
            counts.iter().all(|n| (f64::from(*n) - mean).abs() < most),
            "{counts:?}"
        );
    }

    /// Another language gives the same: `int(hashlib.sha256(b"a/b.flac").hexdigest()[:16], 16) % 16`.
    #[test]
    fn a_files_shard_is_the_documented_one() {
        let path = "a/b.flac";
        let index = (0..16).find(|index| {
            Shard {
                index: *index,
                count: 16,
            }
            .holds(path)
        });
        assert_eq!(index, Some(EXPECTED));
    }

    /// By Python's hashlib.
    const EXPECTED: u32 = 11;

    #[test]
    fn a_shard_out_of_range_is_refused() {
        for (wrong, words) in [
            ("4/4", "0 to 3"),
            ("0/0", "at least one"),
            ("-1/4", "such as"),
            ("1", "such as"),
            ("1/2/3", "such as"),
            ("", "such as"),
        ] {
            let error = wrong.parse::<Shard>().unwrap_err();
            assert!(error.contains(words), "{wrong}: {error}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_root_however_they_are_written() {
        for (file, root, inside) in [
            ("Music/a/b.wav", "Music", Some("a/b.wav")),
            ("Music/./x/../a/b.wav", "./Music/", Some("a/b.wav")),
            ("Other/b.wav", "Music", None),
            ("Musicals/b.wav", "Music", None),
            ("Music", "Music", None),
        ] {
            let found = relative_path(Path::new(file), Path::new(root));
            assert_eq!(found.as_deref(), inside, "{file}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_stay_apart() {
        use std::os::unix::ffi::OsStrExt;
        let name = |bytes| {
            relative_path(
                &Path::new("m").join(OsStr::from_bytes(bytes)),
                Path::new("m"),
            )
        };
        assert_eq!(name(b"a\xff.wav").as_deref(), Some("a\\xFF.wav"));
        assert_ne!(name(b"a\xfe.wav"), name(b"a\xff.wav"));
    }
}
