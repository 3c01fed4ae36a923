//! The receipt of an installed model, `installed.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Installed, InstalledFile, RECEIPT, StoreError, write_text};

/// The version of the format that is read and written here.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt {
    format: u32,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    source: String,
    file: Vec<ReceiptFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptFile {
    name: String,
    size: u64,
    sha256: String,
    /// Only for a file outside the model's folder, so that the folder can be moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
}

/// Reads and checks the receipt in `folder`, whose name is the model's id.
pub(super) fn read(folder: &Path) -> Result<Option<Installed>, StoreError> {
    let path = folder.join(RECEIPT);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::system("read", &path)(error)),
    };
    let wrong = |reason: String| StoreError::Receipt {
        path: path.clone(),
        reason,
    };
    let receipt: Receipt =
        toml::from_str(&text).map_err(|error| wrong(error.message().trim().to_owned()))?;
    if receipt.format != FORMAT {
        return Err(wrong(format!("its format is not {FORMAT}")));
    }
    if folder.file_name().and_then(|name| name.to_str()) != Some(&*receipt.id) {
        return Err(wrong(format!("it belongs to {}", receipt.id)));
    }
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\', ':']) && name != "..";
    let hash = |hash: &str| hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit());
    for file in &receipt.file {
        if !plain(&file.name) || !hash(&file.sha256) {
            return Err(wrong(format!(
                "“{}” is not a valid entry of a file",
                file.name
            )));
        }
    }
    let files = receipt.file.into_iter().map(|file| InstalledFile {
        path: file.path.unwrap_or_else(|| folder.join(&file.name)),
        name: file.name,
        size: file.size,
        sha256: file.sha256,
    });
    Ok(Some(Installed {
        folder: folder.to_owned(),
        id: receipt.id,
        revision: receipt.revision,
        source: receipt.source,
        files: files.collect(),
    }))
}

/// Writes the receipt of `model` into its folder.
pub(super) fn write(model: &Installed) -> Result<(), StoreError> {
    let path = model.folder.join(RECEIPT);
    let files = model.files.iter().map(|file| ReceiptFile {
        name: file.name.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        path: (file.path != model.folder.join(&file.name)).then(|| file.path.clone()),
    });
    let receipt = Receipt {
        format: FORMAT,
        id: model.id.clone(),
        revision: model.revision.clone(),
        source: model.source.clone(),
        file: files.collect(),
    };
    let text = toml::to_string(&receipt).map_err(|error| StoreError::Receipt {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    write_text(&path, &text)
}
