//! A model with the heads and the map that read it.

mod published_heads;
mod user_files;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mertscope_audio::Notice;
use mertscope_model::{CalibrationError, LayerSet, Model, ModelError, catalogue, sha256};

use crate::head::{Head, HeadError, Reads};
use crate::map::{Map, MapError};
use crate::timeline::HeadConfidence;

/// Ids of the heads to use, by task; an empty id means no head.
pub type HeadChoice = BTreeMap<String, String>;

/// A model, and the heads and the map that read it: those shipped with it, and the user's own.
///
/// ```
/// use mertscope_heads::package::{HeadChoice, ModelPackage};
///
/// let package = ModelPackage::embedded()?;
/// assert_eq!(package.head("key").map(|head| head.labels.len()), Some(24));
/// // No head for the genre, the shipped ones for all other tasks.
/// let chosen = HeadChoice::from([("genre".to_owned(), String::new())]);
/// assert!(package.head_in_use("genre", &chosen).is_none());
/// assert!(package.head_in_use("key", &chosen).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ModelPackage {
    /// The model that a session runs.
    pub model: Arc<Model>,
    /// The heads shipped with it or fetched with it, then the user's own.
    pub heads: Vec<Head>,
    /// The map of its windows; `None` for a model that has no map yet.
    pub map: Option<Arc<Map>>,
    /// Warnings about fetched heads, and about the user's heads and maps, that can't be used.
    pub notices: Vec<Notice>,
    user_files: Option<user_files::LoadedUserFiles>,
}

/// Why a model can't be used with its heads and its map.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The model itself can't be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// One of its heads can't be used.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Its map can't be used.
    #[error(transparent)]
    Map(#[from] MapError),
    /// It has no head of the name that was asked for.
    #[error("The model {model} has no head “{id}”; it has {known}.")]
    NoHead {
        /// The name that was asked for.
        id: String,
        /// The model's id.
        model: String,
        /// The names of its heads.
        known: String,
    },
}

impl ModelPackage {
    /// The constants of confidence of its genre and key heads.
    #[must_use]
    pub fn confidence(&self) -> HeadConfidence {
        let of = |task| self.head(task).map(Head::confidence);
        let unfitted = HeadConfidence::default();
        HeadConfidence {
            genre: of("genre").unwrap_or(unfitted.genre),
            key: of("key").unwrap_or(unfitted.key),
        }
    }

    /// The compiled-in model, with its heads and its map.
    ///
    /// # Errors
    /// [`PackageError`], only if the build combined files that don't belong together.
    pub fn embedded() -> Result<Self, PackageError> {
        Self::of(Model::embedded()?)
    }

    /// The model in `folder`, see [`Model::open`], with the heads and the map that its manifest names.
    ///
    /// # Errors
    /// [`PackageError`], when a file is missing, has another SHA-256 than the manifest says, or is
    /// invalid.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        Self::of(Model::open(folder)?)
    }

    /// The model with this id or in this folder, see [`Model::find`], with the heads that were published for it and
    /// fetched with it, and with the heads and the map that the user fitted or imported.
    ///
    /// # Errors
    /// [`PackageError`], as for [`Model::find`] and [`ModelPackage::open`].
    pub fn find(name: Option<&str>) -> Result<Self, PackageError> {
        // The catalogue is compiled in: a broken one counts as empty, as for the model.
        let entry = name.and_then(|name| catalogue::find(name).ok().flatten());
        Ok(Self::of(Model::find(name)?)?.with_user_files(entry))
    }

    /// `model` with the heads and the map that its manifest names.
    fn of(model: Model) -> Result<Self, PackageError> {
        let mut heads = Vec::with_capacity(model.manifest.heads.len());
        for part in &model.manifest.heads {
            let (path, bytes) = model.part(part)?;
            let head = Head::parse(&bytes, &path)?;
            head.check(&model.manifest)?;
            heads.push(head);
        }
        let mut map = None;
        if let Some(part) = &model.manifest.map {
            let (path, bytes) = model.part(part)?;
            map = Some(Arc::new(Map::parse(&bytes, &path, &model.manifest)?));
        }
        Ok(Self {
            model: Arc::new(model),
            heads,
            map,
            notices: Vec::new(),
            user_files: None,
        })
    }

    /// The SHA-256 that names the model's weights, see [`Model::sha256`].
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.model.sha256()
    }

    /// The same package with windows of another length in seconds, see [`Model::with_window_s`].
    ///
    /// # Errors
    /// [`ModelError::Window`] for a length that the model does not accept.
    pub fn with_window_s(mut self, window_s: f64) -> Result<Self, ModelError> {
        self.model = Arc::new(Arc::unwrap_or_clone(self.model).with_window_s(window_s)?);
        Ok(self)
    }

    /// The same package, with the model's 8-bit graphs calibrated on the audio in `folder`, see
    /// [`Model::with_calibration`].
    ///
    /// # Errors
    /// [`CalibrationError`], when the folder's audio can't calibrate the model.
    pub fn with_calibration(mut self, folder: &Path) -> Result<Self, CalibrationError> {
        self.model = Arc::new(Arc::unwrap_or_clone(self.model).with_calibration(folder)?);
        Ok(self)
    }

    /// The same package, with the model's graphs cached in `folder`, see [`Model::with_graphs_in`].
    #[must_use]
    pub fn with_graphs_in(mut self, folder: &Path) -> Self {
        self.model = Arc::new(Arc::unwrap_or_clone(self.model).with_graphs_in(folder));
        self
    }

    /// The same package in which the head of this name answers for its task, instead of the first head of the task.
    ///
    /// # Errors
    /// [`PackageError::NoHead`], when it has no head of this name.
    pub fn with_head(mut self, id: &str) -> Result<Self, PackageError> {
        let Some(named) = self.heads.iter().position(|head| head.id() == id) else {
            return Err(PackageError::NoHead {
                id: id.to_owned(),
                model: self.model.manifest.id.clone(),
                known: self
                    .heads
                    .iter()
                    .map(Head::id)
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        };
        let task = &self.heads[named].task;
        let first = self.heads.iter().position(|head| head.task == *task);
        self.heads.swap(first.unwrap_or(named), named);
        Ok(self)
    }

    /// The hidden states that its heads and its map read; all of them without either.
    #[must_use]
    pub fn layers_in_use(&self) -> LayerSet {
        let heads = self.heads.iter().flat_map(|head| head.input.indices());
        let map = self.map.as_ref().map(|map| map.layer);
        LayerSet::of(heads.chain(map), self.model.manifest.layers.len())
    }

    /// Whether one of its heads reads frames.
    #[must_use]
    pub fn frames_in_use(&self) -> bool {
        self.heads.iter().any(|head| head.reads == Reads::Frames)
    }

    /// The first head for `task`: the shipped one, if there is one.
    #[must_use]
    pub fn head(&self, task: &str) -> Option<&Head> {
        self.heads.iter().find(|head| head.task == task)
    }

    /// The bytes of the file of one of its heads.
    ///
    /// # Errors
    /// [`ModelError::Unreadable`] and [`ModelError::Hash`], when the file is missing or has changed.
    pub fn head_bytes(&self, head: &Head) -> Result<Cow<'static, [u8]>, ModelError> {
        let parts = self.model.manifest.heads.iter();
        let mut of_model = parts.filter(|part| part.sha256 == head.sha256);
        if let Some(part) = of_model.next() {
            return Ok(self.model.part(part)?.1);
        }
        if let Some(bytes) = self.published_bytes(head) {
            return Ok(Cow::Owned(bytes));
        }
        let path = head.path();
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

    /// The head in use for `task`: the head that `chosen` names, or none if it names an empty id.
    /// Without a usable choice it is the first: the shipped one, if there is one.
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

    /// The heads in use for all tasks but genre, key and tuning, one per task.
    #[must_use]
    pub fn further_heads(&self, chosen: &HeadChoice) -> Vec<&Head> {
        let mut tasks: Vec<&str> = Vec::new();
        for head in &self.heads {
            let task = head.task.as_str();
            if !["genre", "key", "tuning"].contains(&task) && !tasks.contains(&task) {
                tasks.push(task);
            }
        }
        let in_use = tasks.iter();
        in_use
            .filter_map(|task| self.head_in_use(task, chosen))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_has_both_heads_and_a_map() {
        let package = ModelPackage::embedded().unwrap();
        assert_eq!(package.head("key").unwrap().labels.len(), 24);
        // Styles answer for the genre; GTZAN's ten genres can be chosen instead.
        let first = package.head("genre").unwrap();
        assert_eq!(first.id(), "styles");
        assert!(first.labels.iter().any(|label| label == "none of these"));
        let gtzan = HeadChoice::from([("genre".to_owned(), "genre".to_owned())]);
        let chosen = package.head_in_use("genre", &gtzan).unwrap();
        assert_eq!(chosen.labels.len(), 10);
        assert!(package.map.is_some());
    }

    #[test]
    fn a_head_that_is_named_answers_for_its_task() {
        let package = || ModelPackage::embedded().unwrap();
        let none = HeadChoice::new();
        for id in ["genre", "styles"] {
            let package = package().with_head(id).unwrap();
            let in_use = package.head_in_use("genre", &none).map(Head::id);
            assert_eq!(in_use, Some(id));
            assert_eq!(package.head_in_use("key", &none).map(Head::id), Some("key"));
        }
        let error = package().with_head("mood").unwrap_err().to_string();
        assert!(
            error.contains("“mood”") && error.contains("genre, "),
            "{error}"
        );
    }

    #[test]
    fn a_swapped_truncated_or_missing_head_or_map_is_named_and_never_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/embedded");
        let manifest = Model::embedded_manifest().unwrap();
        let parts = manifest.heads.iter().chain(&manifest.map);
        let parts: Vec<&str> = parts.map(|part| part.file.as_str()).collect();
        let graphs = ["manifest.toml", "encoder.onnx", "frames.onnx"];
        for name in parts.iter().chain(&graphs) {
            fs::copy(embedded.join(name), folder.path().join(name)).unwrap();
        }
        assert!(ModelPackage::open(folder.path()).is_ok());
        for name in parts {
            let bytes = fs::read(embedded.join(name)).unwrap();
            let path = folder.path().join(name);
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            let error = ModelPackage::open(folder.path()).unwrap_err();
            let is_hash = matches!(error, PackageError::Model(ModelError::Hash { .. }));
            assert!(is_hash && error.to_string().contains(name), "{error}");
            fs::remove_file(&path).unwrap();
            let error = ModelPackage::open(folder.path()).unwrap_err();
            let unreadable = matches!(error, PackageError::Model(ModelError::Unreadable { .. }));
            assert!(unreadable, "{error}");
            fs::write(&path, &bytes).unwrap();
        }
    }
}
