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
mod graph;
mod hidden;
pub(crate) mod interrupt;
mod manifest;
mod own;
mod published;
pub mod runtime;
mod session;
pub mod store;
pub(crate) mod thread;
mod variant;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use self::checkpoint::CheckpointError;
use self::store::StoreError;
use crate::head::{Head, HeadError, Reads};
use crate::map::{Map, MapError};

use published::Published;

pub use encoder::{Encoded, Encoder, Job};
pub use graph::GraphError;
pub(crate) use graph::forget as forget_graphs;
pub use hidden::HiddenStates;
pub use manifest::{Graph, Layer, Length, Manifest, PartFile, ShortInput};
pub use runtime::{Runtime, RuntimeError};
pub use session::{EncodeError, Session, SessionOptions};
pub(crate) use thread::{EncoderThread, Opened, SessionId, Sessions, panic_message};
pub use variant::{GraphSource, LayerSet, Operators, Precision};

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
    own: Option<own::Own>,
    weights: Weights,
}

/// What a model's graph comes from.
#[derive(Debug, Clone)]
enum Weights {
    /// It is there: an ONNX file's bytes, and those of its fragment with frames.
    Onnx {
        graph: Arc<Cow<'static, [u8]>>,
        fragment: Option<Arc<Cow<'static, [u8]>>>,
    },
    /// It is made of a published checkpoint.
    Published(Published),
}

/// Why a model can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No built-in id and no folder has this name.
    #[error(
        "There is no model “{name}”. `mertscope models list` shows the ones there are; a model of \
         your own is named by its folder, which must hold a manifest.toml, or a config.json with \
         the weights of a published checkpoint."
    )]
    Unknown {
        /// What the user asked for.
        name: String,
    },
    /// It is in the catalogue, but not here.
    #[error("The model {id} is not installed. `mertscope models fetch {id}` gets it.")]
    NotInstalled {
        /// Its id.
        id: String,
    },
    /// It doesn't take windows of that length.
    #[error(
        "The model {id} does not take windows of {window_s} s. Leave the length out for its own, \
         {own_s} s; models of free length take others of up to 120 s."
    )]
    Window {
        /// Its id.
        id: String,
        /// Its own length in seconds.
        own_s: f64,
        /// The length asked for.
        window_s: f64,
    },
    /// The folder of a checkpoint holds no weights.
    #[error(
        "The folder {} has a config.json but no weights; put pytorch_model.bin or \
         model.safetensors beside it.", folder.display()
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// The checkpoint can't be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What is installed can't be told.
    #[error(transparent)]
    Store(#[from] StoreError),
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

/// Ids of the heads to be used, by task; an empty one for none.
pub type HeadChoice = BTreeMap<String, String>;

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
        "frames.onnx",
        include_bytes!("../../assets/embedded/frames.onnx"),
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
        "tags-msd.safetensors",
        include_bytes!("../../assets/embedded/tags-msd.safetensors"),
    ),
    (
        "tags-mtt.safetensors",
        include_bytes!("../../assets/embedded/tags-mtt.safetensors"),
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

    /// The model in `folder`, which holds a `manifest.toml` and the files it names, or a published
    /// checkpoint: `config.json` and the weights.
    ///
    /// # Errors
    /// [`ModelError`], when a file is missing, is not what the manifest says, or makes no sense.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        if !folder.join(MANIFEST).exists() && folder.join(checkpoint::CONFIG).is_file() {
            return published::open(folder);
        }
        Self::assemble(folder, |path, _| {
            fs::read(path)
                .map(Cow::Owned)
                .map_err(|source| ModelError::Unreadable {
                    path: path.to_owned(),
                    source,
                })
        })
    }

    /// The model with this id or in this folder; the embedded one when nothing is asked for. An id
    /// of the catalogue is the model that is installed under it. With it come the heads and the map
    /// that were fitted or imported here.
    ///
    /// # Errors
    /// [`ModelError::NotInstalled`] for one of the catalogue that isn't, [`ModelError::Unknown`]
    /// for a name that is nothing, and what [`Model::open`] says.
    pub fn find(name: Option<&str>) -> Result<Self, ModelError> {
        Ok(Self::named(name)?.with_own())
    }

    fn named(name: Option<&str>) -> Result<Self, ModelError> {
        let Some(name) = name else {
            return Self::embedded();
        };
        if Self::embedded_manifest()?.id == name {
            return Self::embedded();
        }
        // The catalogue is compiled in: it is whole, or nothing of it is there.
        if let Ok(Some(entry)) = catalogue::find(name) {
            return match store::installed(&entry.id)? {
                Some(installed) => published::installed(entry, &installed),
                None => Err(ModelError::NotInstalled {
                    id: entry.id.clone(),
                }),
            };
        }
        let folder = Path::new(name);
        if [MANIFEST, checkpoint::CONFIG]
            .iter()
            .any(|file| folder.join(file).is_file())
        {
            return Self::open(folder);
        }
        Err(ModelError::Unknown {
            name: name.to_owned(),
        })
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
        let graph = verified(&manifest.graph.file, &manifest.graph.sha256)?;
        let fragment = manifest.graph.fragment.as_ref();
        let fragment = fragment
            .map(|file| verified(&file.file, &file.sha256))
            .transpose()?;
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
            own: None,
            weights: Weights::Onnx {
                graph: Arc::new(graph),
                fragment: fragment.map(Arc::new),
            },
        })
    }

    /// The SHA-256 that names the model's weights, hexadecimal. Heads, saved projects and shared
    /// sessions know a model by it.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.manifest.sha256()
    }

    /// The hidden states that its heads and its map read; all of them without either.
    #[must_use]
    pub fn layers_in_use(&self) -> LayerSet {
        let heads = self.heads.iter().flat_map(|head| head.input.indices());
        let map = self.map.as_ref().map(|map| map.layer);
        LayerSet::of(heads.chain(map), self.manifest.layers.len())
    }

    /// Whether one of its heads reads frames.
    #[must_use]
    pub fn frames_in_use(&self) -> bool {
        self.heads.iter().any(|head| head.reads == Reads::Frames)
    }

    /// The same model with windows of another length in seconds: music2vec was trained on 30 s, and
    /// answers sooner on 5.
    ///
    /// # Errors
    /// [`ModelError::Window`] for a length that it doesn't take.
    pub fn with_window_s(mut self, window_s: f64) -> Result<Self, ModelError> {
        let manifest = &mut self.manifest;
        let own_s = manifest.window_s();
        if (window_s - own_s).abs() < 1e-9 {
            return Ok(self);
        }
        if !manifest.takes_window_s(window_s) {
            return Err(ModelError::Window {
                id: manifest.id.clone(),
                own_s,
                window_s,
            });
        }
        let samples = (window_s * f64::from(manifest.sample_rate_hz)).round();
        manifest.window_samples = samples as usize;
        // Its own length is one of the others now.
        let others = &mut manifest.other_windows_s;
        others.retain(|other_s| (other_s - window_s).abs() > 1e-9);
        others.push(own_s);
        Ok(self)
    }

    /// The same model, with the graphs that are made of its checkpoint kept in `folder` instead of
    /// the user's cache.
    #[must_use]
    pub fn with_graphs_in(mut self, folder: &Path) -> Self {
        if let Weights::Published(published) = &mut self.weights {
            published.keep_graphs_in(folder.to_owned());
        }
        self
    }

    /// Bytes of its graph, or of the weights that its graphs are made of.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.weights {
            Weights::Onnx { graph, fragment } => {
                let fragment = fragment.as_ref().map_or(0, |bytes| bytes.len());
                (graph.len() + fragment) as u64
            }
            Weights::Published(published) => published.bytes(),
        }
    }

    /// The arithmetic that is used when this is asked for, or when nothing is and the device would
    /// have that: a model that comes as ONNX has its own.
    pub(crate) fn precision(&self, asked: Option<Precision>, device: Precision) -> Precision {
        match &self.weights {
            Weights::Onnx { .. } => Precision::Fp32,
            Weights::Published(_) => asked.unwrap_or(device),
        }
    }

    /// Whether the graph that gives frames gives the window as a whole beside them: one that is made
    /// of a checkpoint gives either.
    pub(crate) fn gives_both(&self) -> bool {
        let graph = &self.manifest.graph;
        let both = !graph.pooled.is_empty() && !graph.frames.is_empty();
        both && matches!(self.weights, Weights::Onnx { .. })
    }

    /// The graph in these operators and this arithmetic, with at least the hidden states `layers`. A
    /// model that comes as ONNX has one graph that serves all, or one that a fragment adds frames to.
    ///
    /// # Errors
    /// [`GraphError`].
    pub(crate) fn graph(
        &self,
        operators: Operators,
        precision: Precision,
        frames: bool,
        layers: &LayerSet,
    ) -> Result<GraphSource<'_>, GraphError> {
        match &self.weights {
            Weights::Onnx { graph, fragment } => Ok(GraphSource::Memory(match fragment {
                // Protobuf merges messages that follow each other; see `Graph::fragment`.
                Some(fragment) if frames => Cow::Owned([&graph[..], &fragment[..]].concat()),
                _ => Cow::Borrowed(&graph[..]),
            })),
            Weights::Published(published) => published.graph(operators, precision, frames, layers),
        }
    }

    /// The head for `task`, if the model came with one.
    #[must_use]
    pub fn head(&self, task: &str) -> Option<&Head> {
        self.heads.iter().find(|head| head.task == task)
    }

    /// The bytes of one of its heads' files.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`] and [`ModelError::Hash`], when the file is gone or was changed.
    pub fn head_bytes(&self, head: &Head) -> Result<Cow<'static, [u8]>, ModelError> {
        let path = head.path();
        let file = path.file_name().and_then(|file| file.to_str());
        let embedded = EMBEDDED
            .iter()
            .find(|(name, bytes)| Some(*name) == file && sha256(bytes) == head.sha256);
        if let Some((_, bytes)) = embedded {
            return Ok(Cow::Borrowed(bytes));
        }
        let bytes = fs::read(path).map_err(|source| ModelError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let actual = sha256(&bytes);
        if actual != head.sha256 {
            return Err(ModelError::Hash {
                path: path.to_owned(),
                expected: head.sha256.clone(),
                actual,
            });
        }
        Ok(Cow::Owned(bytes))
    }

    /// The head in use for `task`: the one that `chosen` names, or none if it names none; else the
    /// first, which is the one that came with the model if one did.
    #[must_use]
    pub fn head_in_use(&self, task: &str, chosen: &HeadChoice) -> Option<&Head> {
        let of_task = || self.heads.iter().filter(|head| head.task == task);
        let id = chosen.get(task);
        if id.is_some_and(String::is_empty) {
            return None;
        }
        let named = id.and_then(|id| of_task().find(|head| head.id() == id));
        named.or_else(|| of_task().next())
    }

    /// The heads in use of tasks that the product itself knows nothing of, one a task: all but
    /// genre and key.
    #[must_use]
    pub fn further_heads(&self, chosen: &HeadChoice) -> Vec<&Head> {
        let mut tasks: Vec<&str> = Vec::new();
        for head in &self.heads {
            let task = head.task.as_str();
            if !["genre", "key"].contains(&task) && !tasks.contains(&task) {
                tasks.push(task);
            }
        }
        let in_use = tasks.iter();
        in_use
            .filter_map(|task| self.head_in_use(task, chosen))
            .collect()
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

/// Hexadecimal SHA-256 of a file, read piece by piece.
pub(crate) fn hash_of_file(path: &Path) -> io::Result<String> {
    let hash = store::hash_file(fs::File::open(path)?, |_| ControlFlow::Continue(()))?;
    // Nothing ends it early.
    Ok(hash.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_whole_and_has_both_heads() {
        let model = Model::embedded().unwrap();
        assert_eq!(model.head("key").unwrap().labels.len(), 24);
        assert_eq!(model.head("genre").unwrap().labels.len(), 10);
        let onnx = EMBEDDED
            .iter()
            .find(|(file, _)| *file == model.manifest.graph.file);
        assert_eq!(sha256(onnx.unwrap().1), model.sha256());
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
        for name in [
            "encoder.onnx",
            "frames.onnx",
            "key.safetensors",
            "map.safetensors",
        ] {
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
