//! The description that all rows of a part share: the kind of result, the model, its heads, the settings, and who wrote it.

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use mertscope_export::AnalysisRun;
use serde_json::{Map, Value, json};

/// The key of [`PartRun`] in a part's metadata.
pub(crate) const METADATA_KEY: &str = "mertscope";

/// Version of the columns and of this description; it grows when a reader of the last one would misunderstand the next.
const FORMAT: u64 = 1;

/// The kind of result in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One row per file; see [`analysis`](crate::analysis).
    Analysis,
    /// One row per vector; see [`embedding`](crate::embedding).
    Embedding,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Embedding => "embedding",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Analysis, Self::Embedding]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// The description of a run that each of its parts carries as JSON under the metadata key `mertscope`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartRun {
    /// The kind of result.
    pub kind: Kind,
    /// The model's id.
    pub model_id: String,
    /// SHA-256 of the model's file.
    pub model_sha256: String,
    /// The heads, with their labels.
    pub heads: Value,
    /// All that shapes the results and is not the model or a head: times, pooling, layers, arithmetic.
    pub settings: Map<String, Value>,
    /// Who wrote it: versions and the device. Parts of one result may differ in it.
    pub written_by: Map<String, Value>,
}

impl PartRun {
    /// The description of an analysis.
    #[must_use]
    pub fn analysis(run: &AnalysisRun, smoothing: bool) -> Self {
        let heads: Vec<Value> = run
            .heads
            .iter()
            .chain(&run.further)
            .map(|head| json!(head))
            .collect();
        let settings = json!({
            "window_s": run.window_s,
            "hop_s": run.hop_s,
            "smoothing": smoothing,
            "precision": run.precision,
        });
        Self {
            kind: Kind::Analysis,
            model_id: run.model_id.clone(),
            model_sha256: run.model_sha256.clone(),
            heads: Value::Array(heads),
            settings: object(settings),
            written_by: written_by(&run.onnxruntime, &run.device),
        }
    }

    /// The description of hidden states of the model with this id and SHA-256.
    #[must_use]
    pub fn embedding(model: (&str, &str), settings: Map<String, Value>, by: (&str, &str)) -> Self {
        let (onnxruntime, device) = by;
        Self {
            kind: Kind::Embedding,
            model_id: model.0.to_owned(),
            model_sha256: model.1.to_owned(),
            heads: Value::Array(Vec::new()),
            settings,
            written_by: written_by(onnxruntime, device),
        }
    }

    /// The columns of `schema` with this description in their metadata.
    #[must_use]
    pub(crate) fn described(&self, schema: &Schema) -> SchemaRef {
        let mut metadata = schema.metadata().clone();
        metadata.insert(METADATA_KEY.to_owned(), self.to_json());
        Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
    }

    /// The text for a part's metadata.
    #[must_use]
    pub(crate) fn to_json(&self) -> String {
        json!({
            "format": FORMAT,
            "kind": self.kind.name(),
            "model": {"id": self.model_id, "sha256": self.model_sha256},
            "heads": self.heads,
            "settings": self.settings,
            "written_by": self.written_by,
        })
        .to_string()
    }

    /// Reads it back from the text in a part's metadata.
    ///
    /// # Errors
    /// A sentence's end on what is wrong.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|_| "its description is damaged".to_owned())?;
        match value["format"].as_u64() {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(format!(
                    "its format is {other}, this version knows {FORMAT}"
                ));
            }
            None => return Err("its description is damaged".to_owned()),
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let read = || {
            Some(Self {
                kind: Kind::from_name(value["kind"].as_str()?)?,
                model_id: text(&value["model"]["id"])?,
                model_sha256: text(&value["model"]["sha256"])?,
                heads: value["heads"].clone(),
                settings: value["settings"].as_object()?.clone(),
                written_by: value["written_by"].as_object()?.clone(),
            })
        };
        read().ok_or_else(|| "its description is damaged".to_owned())
    }

    /// What keeps the results of `self` and `other` from standing in one table, as `is of …, not of …`; `None` when
    /// nothing does.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.kind != other.kind {
            let (mine, other) = (self.kind.name(), other.kind.name());
            return Some(format!("holds results of the kind {mine}, not {other}"));
        }
        if (&self.model_id, &self.model_sha256) != (&other.model_id, &other.model_sha256) {
            return Some(format!(
                "is of the model {}, not of {}",
                short(&self.model_id, &self.model_sha256),
                short(&other.model_id, &other.model_sha256)
            ));
        }
        if self.heads != other.heads {
            return Some(format!(
                "is of the heads {}, not of {}",
                head_names(&self.heads),
                head_names(&other.heads)
            ));
        }
        let names = self.settings.keys().chain(other.settings.keys());
        let mut differing =
            names.filter(|name| self.settings.get(*name) != other.settings.get(*name));
        differing.next().map(|name| {
            let value = |run: &Self| {
                run.settings
                    .get(name)
                    .map_or("none".to_owned(), Value::to_string)
            };
            format!(
                "was made with {name} = {}, not {}",
                value(self),
                value(other)
            )
        })
    }
}

fn written_by(onnxruntime: &str, device: &str) -> Map<String, Value> {
    object(json!({
        "mertscope": env!("CARGO_PKG_VERSION"),
        "onnxruntime": onnxruntime,
        "device": device,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A model or head with the first digits of its hash, which tell two of one name apart.
fn short(id: &str, sha256: &str) -> String {
    let digits: String = sha256.chars().take(8).collect();
    format!("{id} ({digits}…)")
}

fn head_names(heads: &Value) -> String {
    let names: Vec<String> = heads
        .as_array()
        .into_iter()
        .flatten()
        .map(|head| {
            let text = |key: &str| head[key].as_str().unwrap_or_default().to_owned();
            short(&text("id"), &text("sha256"))
        })
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> PartRun {
        let run = AnalysisRun {
            model_id: "tiny".to_owned(),
            model_sha256: "0123456789abcdef".to_owned(),
            hop_s: 1.0,
            ..AnalysisRun::default()
        };
        PartRun::analysis(&run, true)
    }

    #[test]
    fn a_description_reads_back_and_a_damaged_one_says_so() {
        assert_eq!(PartRun::from_json(&run().to_json()), Ok(run()));
        for wrong in [
            "",
            "{}",
            "[1]",
            "{\"format\":1}",
            "{\"format\":1,\"kind\":\"song\"}",
        ] {
            assert!(
                PartRun::from_json(wrong).unwrap_err().contains("damaged"),
                "{wrong}"
            );
        }
        let newer = run().to_json().replace("\"format\":1", "\"format\":2");
        assert!(
            PartRun::from_json(&newer)
                .unwrap_err()
                .contains("this version knows 1")
        );
    }

    #[test]
    fn what_differs_is_named_and_the_machine_is_no_difference() {
        let with = |change: fn(&mut PartRun)| {
            let mut other = run();
            change(&mut other);
            other.difference(&run())
        };
        assert_eq!(
            with(|run| drop(run.written_by.insert("device".to_owned(), json!("GPU")))),
            None
        );
        let model = with(|run| run.model_sha256 = "fedcba9876543210".to_owned()).unwrap();
        assert!(
            model.contains("tiny (fedcba98…), not of tiny (01234567…)"),
            "{model}"
        );
        let hop = with(|run| drop(run.settings.insert("hop_s".to_owned(), json!(2.5)))).unwrap();
        assert_eq!(hop, "was made with hop_s = 2.5, not 1.0");
        let heads = with(|run| run.heads = json!([{"id": "mood", "sha256": "aa"}])).unwrap();
        assert!(heads.contains("mood (aa…), not of none"), "{heads}");
        assert!(
            with(|run| run.kind = Kind::Embedding)
                .unwrap()
                .contains("embedding")
        );
    }
}
