//! SHA-256 of bytes and files, as hexadecimal text.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Hexadecimal SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Hexadecimal SHA-256 of all of `parts`, for keys that may forget nothing: the derived text names
/// every field, so that a new one joins by itself, and equal texts mean equal parts.
pub(crate) fn sha256_of_parts(parts: &impl Debug) -> String {
    sha256(format!("{parts:?}").as_bytes())
}

/// `bytes` as two lower-case hexadecimal digits each.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hexadecimal SHA-256 of a file, read piece by piece.
pub fn hash_of_file(path: &Path) -> io::Result<String> {
    let hash = hash_file(File::open(path)?, |_| ControlFlow::Continue(()))?;
    // Without progress nothing ends it early.
    Ok(hash.unwrap_or_default())
}

/// Hexadecimal SHA-256 of all of `file`; `progress` gets the length of each piece in bytes, and
/// `None` is returned when it breaks.
pub fn hash_file(
    mut file: File,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> io::Result<Option<String>> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(Some(hexadecimal(&hash.finalize())));
        }
        hash.update(&piece[..count]);
        if progress(count as u64).is_break() {
            return Ok(None);
        }
    }
}
