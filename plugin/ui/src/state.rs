//! The state that a project keeps beside the parameters: one JSON object, versioned, at most 2 MB.
//!
//! The object is kept as the raw text of its fields, so that unknown and unchanged fields are saved as they
//! were loaded, byte for byte. Used by the host's main thread and the editor, never by the audio callback.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use mertscope_export::osc;
use mertscope_heads::few_shot::saved::SavedExamples;
use mertscope_heads::reference::Reference;
use mertscope_model::device::Choice;
use mertscope_model::{DEFAULT_MOST_ERR, Model, Precision, lock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::parameters::DEFAULT_CPU_SHARE;

/// The version that this plugin writes. Of a higher one, the fields that are understood are loaded.
const VERSION: u32 = 1;

/// Largest object that is accepted, in bytes of JSON.
pub(crate) const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Name of the field that holds [`VERSION`].
const VERSION_FIELD: &str = "version";

/// A field of the object: its name and its type.
pub trait StateField: Serialize + DeserializeOwned {
    /// The field's name.
    const NAME: &'static str;
}

/// The model that the project was made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChoice {
    /// Its id in the catalogue, or its folder.
    pub id: String,
    /// SHA-256 of its graph in hexadecimal, so that a swapped file is noticed.
    pub sha256: Option<String>,
    /// Length of its windows in seconds; `None` for the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_s: Option<f64>,
}

impl StateField for ModelChoice {
    const NAME: &'static str = "model";
}

impl ModelChoice {
    /// The model that is compiled in. Reads its manifest from memory, not the model.
    fn embedded() -> Option<Self> {
        static EMBEDDED: OnceLock<Option<ModelChoice>> = OnceLock::new();
        let read = || {
            let manifest = Model::embedded_manifest().ok()?;
            Some(Self {
                sha256: Some(manifest.sha256().to_owned()),
                id: manifest.id,
                window_s: None,
            })
        };
        EMBEDDED.get_or_init(read).clone()
    }
}

/// Ids of the heads in use, by task; an empty id switches the task off. A task without an id uses the head
/// that came with the model, or else the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadChoice(pub BTreeMap<String, String>);

impl StateField for HeadChoice {
    const NAME: &'static str = "heads";
}

/// The references of this instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedReferences(pub Vec<Reference>);

impl StateField for SavedReferences {
    const NAME: &'static str = "references";
}

/// The references that are compared, A and B, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comparison {
    /// The one that the timeline compares with; the first reference when no reference has this id.
    pub a: String,
    /// The one beside it; none when no reference has this id.
    pub b: String,
}

impl StateField for Comparison {
    const NAME: &'static str = "comparison";
}

impl StateField for SavedExamples {
    const NAME: &'static str = "lessons";
}

/// The engine's settings for this instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineChoice {
    /// Share of one processor core that analysis may take, 0 to 1.
    pub cpu_share: f32,
    /// Whether an offline render waits for the analysis instead of leaving gaps.
    pub exact_offline: bool,
    /// Whether nothing is heard while the host's transport stands.
    pub follow_transport: bool,
    /// Whether the history is cleared each time the transport starts.
    pub reset_on_start: bool,
    /// The device that the model runs on.
    pub device: Choice,
    /// The address of the server that was used last, kept for when it is chosen again; empty without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_server: String,
    /// The arithmetic of a checkpoint's graph; `None` for the one that suits the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// The most [`err`](mertscope_model::err) of an 8-bit form that runs without being asked for; 0 for none.
    pub most_err: f32,
}

impl Default for EngineChoice {
    fn default() -> Self {
        Self {
            cpu_share: DEFAULT_CPU_SHARE,
            exact_offline: false,
            follow_transport: false,
            reset_on_start: false,
            device: Choice::Auto,
            last_server: String::new(),
            precision: None,
            most_err: DEFAULT_MOST_ERR,
        }
    }
}

impl StateField for EngineChoice {
    const NAME: &'static str = "engine";
}

/// Whether and where results are sent as OSC messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OscChoice {
    /// Whether they are sent.
    pub enabled: bool,
    /// The receiver's address and port, as [`mertscope_export::osc::parse`] reads it.
    pub address: String,
    /// The name of the instance in the messages; empty for a number.
    pub name: String,
}

impl Default for OscChoice {
    fn default() -> Self {
        Self {
            enabled: false,
            address: osc::DEFAULT.to_owned(),
            name: String::new(),
        }
    }
}

impl StateField for OscChoice {
    const NAME: &'static str = "osc";
}

/// Whether results are written to a file. A project's state, not a parameter: hosts hide parameters that
/// can't be automated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogChoice {
    /// Whether they are written.
    pub enabled: bool,
}

impl StateField for LogChoice {
    const NAME: &'static str = "log";
}

/// Size of the editor's window, in logical points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowSize {
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl StateField for WindowSize {
    const NAME: &'static str = "window";
}

/// The object itself: raw JSON by field name, in the order of the names.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct RawState(BTreeMap<String, Box<RawValue>>);

impl Default for RawState {
    /// The object of a new instance: the version, and the embedded model.
    fn default() -> Self {
        let mut saved = Self(BTreeMap::new());
        if let Ok(version) = serde_json::value::to_raw_value(&VERSION) {
            saved.0.insert(VERSION_FIELD.to_owned(), version);
        }
        if let Some(model) = ModelChoice::embedded() {
            saved.set(&model);
        }
        saved
    }
}

impl<'de> Deserialize<'de> for RawState {
    /// Reads any JSON object of at most `MAX_BYTES`; after an error the present state is unchanged.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let bytes: usize = fields
            .iter()
            .map(|(name, value)| name.len() + value.get().len())
            .sum();
        if bytes > MAX_BYTES {
            return Err(serde::de::Error::custom(format!(
                "The saved state has {bytes} bytes; at most {MAX_BYTES} are accepted, so it was \
                 ignored. Save the project again with this version."
            )));
        }
        // An object from before a field existed gets the field of a new object.
        for (name, value) in Self::default().0 {
            fields.entry(name).or_insert(value);
        }
        Ok(Self(fields))
    }
}

impl RawState {
    /// The field of this type; `None` when it is absent or can't be understood.
    #[must_use]
    pub fn get<F: StateField>(&self) -> Option<F> {
        serde_json::from_str(self.0.get(F::NAME)?.get()).ok()
    }

    /// Writes a field; nothing changes when the field is equal already, or when the object would become
    /// larger than `MAX_BYTES`.
    pub fn set<F: StateField + PartialEq>(&mut self, field: &F) {
        if self.get::<F>().as_ref() == Some(field) {
            return;
        }
        let Ok(value) = serde_json::value::to_raw_value(field) else {
            return;
        };
        let others: usize = self
            .0
            .iter()
            .filter(|(name, _)| *name != F::NAME)
            .map(|(name, value)| name.len() + value.get().len())
            .sum();
        if others + F::NAME.len() + value.get().len() <= MAX_BYTES {
            self.0.insert(F::NAME.to_owned(), value);
        }
    }
}

/// Called after a project was loaded.
type Loaded = Box<dyn Fn() + Send + Sync>;

/// The object, shared by the host's main thread and the editor.
#[derive(Default)]
pub struct PluginState {
    saved: Mutex<RawState>,
    changed: AtomicBool,
    loaded: OnceLock<Loaded>,
}

impl PluginState {
    /// The field of this type.
    #[must_use]
    pub fn get<F: StateField>(&self) -> Option<F> {
        self.lock().get()
    }

    /// Writes a field.
    pub fn set<F: StateField + PartialEq>(&self, field: &F) {
        self.changed.store(true, Ordering::Relaxed);
        self.lock().set(field);
    }

    /// Whether nothing was written or loaded since the instance was made.
    #[must_use]
    pub(crate) fn is_new(&self) -> bool {
        !self.changed.load(Ordering::Relaxed)
    }

    /// Calls `loaded` after each loading of a project; only the first call of this function counts.
    pub fn on_load(&self, loaded: Loaded) {
        self.loaded.get_or_init(|| loaded);
    }

    /// Replaces the object by the one of a loaded project.
    pub fn load(&self, saved: RawState) {
        self.changed.store(true, Ordering::Relaxed);
        *self.lock() = saved;
        if let Some(loaded) = self.loaded.get() {
            loaded();
        }
    }

    /// Passes the whole object to `inspect`.
    pub fn read<R>(&self, inspect: impl FnOnce(&RawState) -> R) -> R {
        inspect(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, RawState> {
        // Each change is one insertion, so a panic leaves the object whole.
        lock(&self.saved)
    }
}

impl fmt::Debug for PluginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PluginState").field(&self.saved).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(text: &str) -> RawState {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn unknown_fields_are_kept_byte_for_byte() {
        let text = r#"{"future":{"b":[1e400,0.1000000000000000055,18446744073709551616],"a":"\u00e9"},"model":{"id":"x","sha256":null,"more":1},"version":7,"window":{"width":640,"height":480,"screen":2}}"#;
        let mut object = saved(text);
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
        let window = WindowSize {
            width: 640,
            height: 480,
        };
        assert_eq!(object.get(), Some(window));
        object.set(&window);
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
        object.set(&WindowSize {
            width: 641,
            height: 480,
        });
        assert_eq!(object.get::<WindowSize>().unwrap().width, 641);
        assert!(
            serde_json::to_string(&object)
                .unwrap()
                .contains("18446744073709551616")
        );
    }

    #[test]
    fn older_objects_and_half_filled_fields_load() {
        let object = saved(r#"{"engine":{"exact_offline":true}}"#);
        let engine: EngineChoice = object.get().unwrap();
        assert!(engine.exact_offline && (engine.cpu_share - 0.5).abs() < f32::EPSILON);
        assert_eq!(object.get::<ModelChoice>(), ModelChoice::embedded());
        assert!(
            serde_json::to_string(&object)
                .unwrap()
                .contains(r#""version":1"#)
        );
    }

    #[test]
    fn a_field_of_another_shape_counts_as_absent_and_is_kept() {
        let text = r#"{"model":null,"version":1,"window":"large"}"#;
        let object = saved(text);
        assert_eq!(object.get::<WindowSize>(), None);
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
    }

    #[test]
    fn objects_that_are_too_large_or_no_objects_are_refused() {
        let large = format!(r#"{{"taught":"{}"}}"#, "x".repeat(MAX_BYTES));
        let error = serde_json::from_str::<RawState>(&large).unwrap_err();
        assert!(error.to_string().contains("at most"), "{error}");
        for nonsense in [
            "",
            "[]",
            "null",
            "{\"a\":",
            "{\"a\":1}x",
            &"[".repeat(10_000),
        ] {
            assert!(serde_json::from_str::<RawState>(nonsense).is_err());
        }
        let mut object = RawState::default();
        let id = "x".repeat(MAX_BYTES);
        object.set(&ModelChoice {
            id,
            sha256: None,
            window_s: None,
        });
        assert_eq!(object.get::<ModelChoice>(), ModelChoice::embedded());
    }
}
