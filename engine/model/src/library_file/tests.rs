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

/// A library for Windows that needs others: the old header, the signature, x86-64, the optional header,
/// and one section with the table of imports, mapped at 4096.
fn windows_library(needed: &[&str]) -> Vec<u8> {
    const MAPPED_AT: u32 = 4096;
    // A descriptor has 20 bytes; one of zeros ends the table.
    let mut section = vec![0; 20 * (needed.len() + 1)];
    for (place, name) in needed.iter().enumerate() {
        let name_at = MAPPED_AT + section.len() as u32;
        // The list of functions: empty.
        section[place * 20] = 16;
        section[place * 20 + 12..place * 20 + 16].copy_from_slice(&name_at.to_le_bytes());
        section.extend_from_slice(name.as_bytes());
        section.push(0);
    }
    section.resize(512, 0);
    let mut library = vec![0; 512];
    library[..2].copy_from_slice(b"MZ");
    library[60] = 64;
    library[64..71].copy_from_slice(b"PE\0\0\x64\x86\x01");
    library[84..88].copy_from_slice(&[240, 0, 0x22, 0x20]);
    let optional = &mut library[88..];
    optional[..2].copy_from_slice(&[0x0b, 0x02]);
    optional[108] = 16;
    optional[120..124].copy_from_slice(&MAPPED_AT.to_le_bytes());
    optional[124..128].copy_from_slice(&512u32.to_le_bytes());
    let header = &mut optional[240..];
    header[..6].copy_from_slice(b".idata");
    for (at, value) in [(8, 512), (12, MAPPED_AT), (16, 512), (20, 512)] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    library.extend(section);
    library
}

#[test]
fn the_remedy_for_a_missing_visual_cpp_runtime_is_its_installer() {
    let remedy = |name: &str| remedy(&["other.dll".to_owned(), name.to_owned()]);
    for name in ["MSVCP140.dll", "VCRUNTIME140_1.dll", "msvcp140_1.dll"] {
        assert!(
            remedy(name).contains("Visual C++ Redistributable"),
            "{name}"
        );
    }
    for name in ["libcudart.so.13", "cudnn64_9.dll"] {
        let remedy = remedy(name);
        assert!(remedy.contains("CUDA 13") && !remedy.contains("Visual C++"));
    }
}

#[test]
fn libraries_that_a_library_for_windows_needs_are_found_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("onnxruntime.dll");
    let needed = [
        "KERNEL32.dll",
        "beside.dll",
        "GONE140.dll",
        "api-ms-win-gone-l1.dll",
    ];
    std::fs::write(&path, windows_library(&needed)).unwrap();
    std::fs::write(
        folder.path().join("beside.dll"),
        windows_library(&["deep.dll"]),
    )
    .unwrap();
    let missing = missing(&path, Loader::Mertscope);
    if cfg!(windows) {
        assert_eq!(missing, ["GONE140.dll", "deep.dll"]);
    } else {
        // A library for another system is refused before.
        assert!(missing.is_empty(), "{missing:?}");
    }
    let file = std::fs::read(&path).unwrap();
    let file = object::read::pe::PeFile64::parse(&*file).unwrap();
    let names = file.import_libraries().unwrap().flatten();
    let names: Vec<_> = names.map(|library| library.name().to_vec()).collect();
    assert_eq!(names, needed.map(|name| name.as_bytes().to_vec()));
}

#[test]
fn libraries_of_other_systems_are_told() {
    // A library for macOS: 64 bits, x86-64, a dynamic library without commands.
    let mut apple = vec![0; 64];
    apple[..8].copy_from_slice(&[0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1]);
    apple[12] = 6;
    for (bytes, system, is_own) in [
        (windows_library(&[]), "Windows", cfg!(windows)),
        (apple, "macOS", cfg!(target_os = "macos")),
    ] {
        if !is_own {
            let reason = reason(&bytes);
            assert!(reason.contains(system), "{reason}");
        }
    }
}
