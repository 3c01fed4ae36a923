//! The list of addresses that a drag carries.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use percent_encoding::percent_decode;

/// The paths in a list of the type `text/uri-list` (RFC 2483, section 5): one address per line, comments begin
/// with `#`. Addresses that name no file are left out.
pub(super) fn paths(list: &[u8]) -> Vec<PathBuf> {
    let lines = list.split(|byte| matches!(byte, b'\r' | b'\n' | 0));
    lines.filter_map(path).collect()
}

/// The path in an address `file:///path`, `file://computer/path` or `file:/path` (RFC 8089).
fn path(address: &[u8]) -> Option<PathBuf> {
    let (scheme, rest) = address.split_at_checked(b"file:".len())?;
    if !scheme.eq_ignore_ascii_case(b"file:") {
        return None;
    }
    // The name of this computer, or of one whose files are not here: then there is no such file, and the
    // reader of the file says so.
    let path = match rest.strip_prefix(b"//") {
        Some(named) => &named[named.iter().position(|byte| *byte == b'/')?..],
        None => rest,
    };
    if !path.starts_with(b"/") {
        return None;
    }
    let bytes: Vec<u8> = percent_decode(path).collect();
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_among_other_addresses() {
        let list = b"# from a browser\r\nfile:///music/My%20mix%20%231.wav\r\nhttps://example.org/a.wav\r\n\
                     FILE://studio/b.wav\nfile:/c.wav\r\nfile://no-path\r\nfile:relative\r\n\r\nfile";
        let found = paths(list);
        assert_eq!(
            found,
            ["/music/My mix #1.wav", "/b.wav", "/c.wav"].map(PathBuf::from)
        );
        assert!(paths(b"").is_empty());
    }

    #[test]
    fn names_keep_every_byte() {
        let [name] = &paths(b"file:///caf%E9%0A%25%zz.wav\0")[..] else {
            panic!("one file");
        };
        let bytes = OsString::from(name.clone()).into_vec();
        assert_eq!(bytes, b"/caf\xe9\n%%zz.wav");
    }
}
