//! SHA-256 of bytes and files, as hexadecimal text.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::store;

/// Hexadecimal SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// `bytes` as two lower-case digits each.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hexadecimal SHA-256 of a file, read piece by piece.
pub fn hash_of_file(path: &Path) -> io::Result<String> {
    let hash = store::hash_file(fs::File::open(path)?, |_| ControlFlow::Continue(()))?;
    // Nothing ends it early.
    Ok(hash.unwrap_or_default())
}
