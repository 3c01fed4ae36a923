//! The verification of an installed model against its receipt, byte for byte.

use std::fs::File;
use std::ops::ControlFlow;

use super::{Installed, StoreError};
use crate::hash::hash_file;

impl Installed {
    /// Hashes every file and compares it with the receipt. `progress` gets the length of each piece in
    /// bytes, and may end the verification.
    ///
    /// # Errors
    /// [`StoreError::Gone`] and [`StoreError::Changed`] name the first file that is missing or has other
    /// content;
    /// [`StoreError::Stopped`] when `progress` ended it.
    pub fn verify(
        &self,
        mut progress: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for file in &self.files {
            let gone = |reason: String| StoreError::Gone {
                id: self.id.clone(),
                path: file.path.clone(),
                reason,
            };
            let hash = File::open(&file.path).and_then(|read| hash_file(read, &mut progress));
            match hash {
                Err(error) => return Err(gone(error.to_string())),
                Ok(None) => return Err(StoreError::Stopped),
                Ok(Some(hash)) if hash == file.sha256 => {}
                Ok(Some(actual)) => {
                    return Err(StoreError::changed(&self.id, file, &actual));
                }
            }
        }
        Ok(())
    }
}
