//! Files that stand in the place of large ones: a download often ends with one of them instead of the
//! file, under the file's name.

use std::fmt;

/// What is there instead of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// A web page: the address of a page was saved, or a login was asked for.
    WebPage,
    /// The pointer that a Git repository holds for a large file.
    LfsPointer,
}

/// The first line of a pointer, by the specification of Git LFS.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Recognizes a stand-in by a file's first bytes.
pub(crate) fn of(start: &[u8]) -> Option<StandIn> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = start.trim_ascii_start();
    let starts_with = |tag: &str| {
        let head = text.get(..tag.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()))
    };
    if text.starts_with(LFS_POINTER) {
        Some(StandIn::LfsPointer)
    } else if ["<!doctype html", "<html", "<head", "<!--"]
        .into_iter()
        .any(starts_with)
    {
        Some(StandIn::WebPage)
    } else {
        None
    }
}

impl StandIn {
    /// How to get the file itself, a phrase.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::WebPage => "save the file itself, by the download button of its page",
            Self::LfsPointer => "`git lfs pull` in the repository gets the file itself",
        }
    }
}

impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebPage => "a web page",
            Self::LfsPointer => "a Git LFS pointer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_pointers_are_told_from_files() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
        assert_eq!(of(pointer), Some(StandIn::LfsPointer));
        for page in [&b"\n<!DOCTYPE html>"[..], b"\xef\xbb\xbf<HTML lang=en>"] {
            assert_eq!(of(page), Some(StandIn::WebPage));
        }
        for file in [
            &b""[..],
            b"{}",
            b"PK\x03\x04",
            b"\x7fELF",
            b"version = 1",
            b"<?xml",
        ] {
            assert_eq!(of(file), None, "{file:?}");
        }
    }
}
