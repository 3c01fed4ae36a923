//! Models: what they are, where ONNX Runtime is, and how a window becomes hidden states.
//!
//! A [`Model`] is a manifest and ONNX bytes whose hashes matched; a [`Session`] runs it; the
//! encoder thread alone owns sessions, so that nothing else ever waits inside an inference or
//! touches one. Files are analysed through an [`Encoder`]; the live engine shares one thread
//! between all its streams.

pub mod catalogue;
pub mod checkpoint;
pub mod device;
mod encoder;
mod hidden;
pub(crate) mod interrupt;
mod manifest;
mod own;
pub mod runtime;
mod session;
pub mod store;
mod thread;
mod variant;

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::head::{Head, HeadError};
use crate::map::{Map, MapError};

pub use encoder::{Encoded, Encoder, Job};
pub use hidden::HiddenStates;
pub use manifest::{Graph, HeadFile, Layer, Length, Manifest, ShortInput};
pub use runtime::{Runtime, RuntimeError};
pub use session::{EncodeError, Session, SessionOptions};
pub(crate) use thread::{EncoderThread, Opened, SessionId, panic_message};
pub use variant::{GraphSource, Operators, Precision};

/// A model that is ready to be run: its manifest, its graph and its heads, all of them verified.
#[derive(Debug, Clone)]
pub struct Model {
    /// What the model is and what its graph promises.
    pub manifest: Manifest,
    /// The heads that came with it.
    pub heads: Vec<Head>,
    /// Where its windows are placed; `None` for a model that has no map yet.
    pub map: Option<Arc<Map>>,
    /// What the user should know about heads and maps of one's own that can't be used.
    pub remarks: Vec<String>,
    onnx: Cow<'static, [u8]>,
}

/// Why a model can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No built-in id and no folder has this name.
    #[error(
        "There is no model “{name}”. `mertscope models list` shows the ones there are; a model of \
         your own is named by its folder, which must hold a manifest.toml."
    )]
    Unknown {
        /// What the user asked for.
        name: String,
    },
    /// A file of the model is missing or can't be read.
    #[error("The model's file {} can't be read ({source}); fetch or copy the model again.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest can't be understood.
    #[error("The model's manifest {} is not valid: {reason}. Fetch or copy the model again.", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// A file's content is not the one that the manifest names.
    #[error(
        "{} is not the file that the model's manifest names: its SHA-256 is {actual} instead of \
         {expected}. It was truncated or swapped; fetch or copy the model again.", path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash in the manifest.
        expected: String,
        /// The hash of the file.
        actual: String,
    },
    /// One of its heads can't be used.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Its map can't be used.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// Name of the manifest in a model's folder.
const MANIFEST: &str = "manifest.toml";

/// The files of the embedded model, by name. Nothing outside this list knows which they are;
/// [`Manifest`] says what each of them is.
const EMBEDDED: &[(&str, &[u8])] = &[
    (
        MANIFEST,
        include_bytes!("../../assets/embedded/manifest.toml"),
    ),
    (
        "encoder.onnx",
        include_bytes!("../../assets/embedded/encoder.onnx"),
    ),
    (
        "genre.safetensors",
        include_bytes!("../../assets/embedded/genre.safetensors"),
    ),
    (
        "key.safetensors",
        include_bytes!("../../assets/embedded/key.safetensors"),
    ),
    (
        "map.safetensors",
        include_bytes!("../../assets/embedded/map.safetensors"),
    ),
];

impl Model {
    /// The model that is compiled in; it needs no file and no network.
    ///
    /// # Errors
    /// Only if the build put together files that don't belong together.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::assemble(Path::new("(embedded)"), |path, name| {
            EMBEDDED
                .iter()
                .find(|(file, _)| *file == name)
                .map(|(_, bytes)| Cow::Borrowed(*bytes))
                .ok_or_else(|| ModelError::Unreadable {
                    path: path.to_owned(),
                    source: std::io::ErrorKind::NotFound.into(),
                })
        })
    }

    /// The embedded model's manifest alone: reads its text and hashes nothing, so that a saved
    /// state can name the model without loading it.
    ///
    /// # Errors
    /// Only if the build put together files that don't belong together.
    pub fn embedded_manifest() -> Result<Manifest, ModelError> {
        let text = EMBEDDED
            .iter()
            .find(|(file, _)| *file == MANIFEST)
            .map_or(&[][..], |(_, bytes)| bytes);
        Manifest::parse(text).map_err(|reason| ModelError::Manifest {
            path: Path::new("(embedded)").join(MANIFEST),
            reason,
        })
    }

    /// The model in `folder`, which holds a `manifest.toml` and the files it names.
    ///
    /// # Errors
    /// [`ModelError`], when a file is missing, is not what the manifest says, or makes no sense.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        Self::assemble(folder, |path, _| {
            fs::read(path)
                .map(Cow::Owned)
                .map_err(|source| ModelError::Unreadable {
                    path: path.to_owned(),
                    source,
                })
        })
    }

    /// The model with this id or in this folder; the embedded one when nothing is asked for. With
    /// it come the heads and the map that were fitted or imported here.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] for a name that is neither, and what [`Model::open`] says.
    pub fn find(name: Option<&str>) -> Result<Self, ModelError> {
        let embedded = Self::embedded()?;
        let model = match name {
            None => embedded,
            Some(name) if name == embedded.manifest.id => embedded,
            Some(folder) if Path::new(folder).join(MANIFEST).is_file() => {
                Self::open(Path::new(folder))?
            }
            Some(name) => {
                return Err(ModelError::Unknown {
                    name: name.to_owned(),
                });
            }
        };
        Ok(model.with_own())
    }

    fn assemble(
        folder: &Path,
        read: impl Fn(&Path, &str) -> Result<Cow<'static, [u8]>, ModelError>,
    ) -> Result<Self, ModelError> {
        let path = folder.join(MANIFEST);
        let manifest =
            Manifest::parse(&read(&path, MANIFEST)?).map_err(|reason| ModelError::Manifest {
                path: path.clone(),
                reason,
            })?;
        let verified = |name: &str, expected: &str| {
            let path = folder.join(name);
            let bytes = read(&path, name)?;
            let actual = sha256(&bytes);
            if actual == expected {
                Ok(bytes)
            } else {
                let expected = expected.to_owned();
                Err(ModelError::Hash {
                    path,
                    expected,
                    actual,
                })
            }
        };
        let onnx = verified(&manifest.graph.file, &manifest.graph.sha256)?;
        let heads = manifest
            .heads
            .iter()
            .map(|file| {
                let bytes = verified(&file.file, &file.sha256)?;
                let head = Head::parse(&bytes, &folder.join(&file.file))?;
                head.check(&manifest)?;
                Ok(head)
            })
            .collect::<Result<_, ModelError>>()?;
        let map = match &manifest.map {
            None => None,
            Some(file) => {
                let bytes = verified(&file.file, &file.sha256)?;
                let map = Map::parse(&bytes, &folder.join(&file.file), &manifest)?;
                Some(Arc::new(map))
            }
        };
        Ok(Self {
            manifest,
            heads,
            map,
            remarks: Vec::new(),
            onnx,
        })
    }

    /// The SHA-256 that names the model's weights, hexadecimal. Heads, saved projects and shared
    /// sessions know a model by it.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.manifest.sha256()
    }

    /// The graph's bytes in ONNX format.
    #[must_use]
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// The graph in these operators and this arithmetic; the error is a phrase. A model that comes
    /// as ONNX has one graph that serves all.
    pub(crate) fn graph(
        &self,
        _operators: Operators,
        _precision: Precision,
    ) -> Result<GraphSource<'_>, String> {
        Ok(GraphSource::Memory(&self.onnx))
    }

    /// The head for `task`, if the model came with one.
    #[must_use]
    pub fn head(&self, task: &str) -> Option<&Head> {
        self.heads.iter().find(|head| head.task == task)
    }

    /// The heads of tasks that the product itself knows nothing of: all but genre and key.
    pub fn further_heads(&self) -> impl Iterator<Item = &Head> {
        self.heads
            .iter()
            .filter(|head| !["genre", "key"].contains(&head.task.as_str()))
    }
}

/// Hexadecimal SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// `bytes` as two lower-case digits each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_whole_and_has_both_heads() {
        let model = Model::embedded().unwrap();
        assert_eq!(model.head("key").unwrap().labels.len(), 24);
        assert_eq!(model.head("genre").unwrap().labels.len(), 10);
        assert_eq!(sha256(model.onnx()), model.sha256());
        assert_eq!(Model::embedded_manifest().unwrap(), model.manifest);
        assert_eq!(
            Model::find(Some(&model.manifest.id)).unwrap().manifest.id,
            model.manifest.id
        );
    }

    #[test]
    fn an_unknown_model_is_named() {
        let error = Model::find(Some("MERT-v9")).unwrap_err().to_string();
        assert!(
            error.contains("MERT-v9") && error.contains("models list"),
            "{error}"
        );
    }

    #[test]
    fn a_swapped_truncated_or_missing_file_is_named_and_never_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        for (name, bytes) in EMBEDDED {
            write(name, bytes);
        }
        assert!(Model::open(folder.path()).is_ok());
        for name in ["encoder.onnx", "key.safetensors", "map.safetensors"] {
            let bytes = EMBEDDED.iter().find(|(file, _)| *file == name).unwrap().1;
            write(name, &bytes[..bytes.len() / 2]);
            let error = Model::open(folder.path()).unwrap_err();
            assert!(matches!(error, ModelError::Hash { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
            fs::remove_file(folder.path().join(name)).unwrap();
            let error = Model::open(folder.path()).unwrap_err();
            assert!(matches!(error, ModelError::Unreadable { .. }), "{error}");
            write(name, bytes);
        }
        write(MANIFEST, b"id = 3");
        let error = Model::open(folder.path()).unwrap_err();
        assert!(matches!(error, ModelError::Manifest { .. }), "{error}");
    }
}
