use super::*;

/// The reason against a file with these bytes.
fn reason(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libonnxruntime.so");
    std::fs::write(&path, bytes).unwrap();
    check(&path).unwrap_err()
}

#[test]
fn what_is_no_library_is_told_by_its_kind() {
    for (bytes, words) in [
        (&b""[..], "it is empty"),
        (b"not a library", "no shared library"),
        (b"<!DOCTYPE html><p>404", "a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "LFS pointer",
        ),
        (b"PK\x03\x04", "an archive"),
        (b"\x1f\x8b\x08", "an archive"),
        (b"!<arch>\n", "a static library"),
        (b"\x7fELF", "no shared library"),
        (b"\x7fELF\x02\x01\x01", "truncated or damaged"),
    ] {
        let mut bytes = bytes.to_vec();
        if (1..32).contains(&bytes.len()) {
            bytes.resize(32, 0);
        }
        assert!(
            reason(&bytes).contains(words),
            "{words}: {}",
            reason(&bytes)
        );
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(check(folder.path()).unwrap_err().contains("not a file"));
}

#[test]
fn libraries_of_other_systems_are_told() {
    // A library for Windows: the old header, the signature, x86-64, no sections, the optional header.
    let mut windows = vec![0; 64 + 4 + 20 + 240];
    windows[..2].copy_from_slice(b"MZ");
    windows[60] = 64;
    windows[64..70].copy_from_slice(b"PE\0\0\x64\x86");
    windows[84..88].copy_from_slice(&[240, 0, 0x22, 0x20]);
    windows[88..90].copy_from_slice(&[0x0b, 0x02]);
    windows[88 + 108] = 16;
    // A library for macOS: 64 bits, x86-64, a dynamic library without commands.
    let mut apple = vec![0; 64];
    apple[..8].copy_from_slice(&[0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1]);
    apple[12] = 6;
    for (bytes, system, here) in [
        (windows, "Windows", cfg!(windows)),
        (apple, "macOS", cfg!(target_os = "macos")),
    ] {
        let reason = reason(&bytes);
        assert!(here || reason.contains(system), "{reason}");
    }
}
