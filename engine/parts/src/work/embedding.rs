//! Hidden states of files as rows.

use arrow_array::RecordBatch;
use mertscope_engine::{Embedder, HiddenStates, ModelPackage, Pool};
use mertscope_model::{Manifest, Runtime};
use serde_json::{Map, Value, json};

use super::{NamedFile, Watch};
use crate::embedding::{Place, Precision, Rows};
use crate::error::PartsError;
use crate::run::PartRun;
use crate::source::FileOutcome;

/// Embeds one file after another.
#[derive(Debug)]
pub struct EmbeddingWork<'a> {
    embedder: &'a Embedder,
    /// The indices of the layers in the hidden states, in their order; none for a weighted sum.
    layers: Vec<Option<i32>>,
    pool: &'static str,
    /// The longest audio that is taken in one pass, in seconds; windows when `None`.
    whole_s: Option<f64>,
    rows: Rows,
}

impl<'a> EmbeddingWork<'a> {
    /// The work of `embedder`, which was opened for these layers of `package`, all of them when `None`, and this pooling.
    #[must_use]
    pub fn new(
        embedder: &'a Embedder,
        package: &ModelPackage,
        (layers, pool): (Option<&[usize]>, &Pool),
        whole_s: Option<f64>,
        precision: Precision,
    ) -> Self {
        let manifest = &package.model.manifest;
        let all: Vec<usize> = (0..manifest.layers.len()).collect();
        let index = |layer: &usize| i32::try_from(*layer).ok();
        let (layers, pool) = match pool {
            Pool::Weighted(_) => (vec![None], "weighted"),
            Pool::Mean => (layers.unwrap_or(&all).iter().map(index).collect(), "mean"),
            Pool::None => (layers.unwrap_or(&all).iter().map(index).collect(), "none"),
        };
        Self {
            embedder,
            layers,
            pool,
            whole_s,
            rows: Rows {
                dim: manifest.width,
                precision,
                model_id: manifest.id.clone(),
                model_sha256: package.sha256().to_owned(),
            },
        }
    }

    /// What makes its rows, with their columns.
    #[must_use]
    pub fn row_maker(&self) -> &Rows {
        &self.rows
    }

    /// What all of its rows share; `head_sha256` is of the head whose layer weights are used.
    #[must_use]
    pub fn describe(
        &self,
        runtime: &Runtime,
        manifest: &Manifest,
        head_sha256: Option<String>,
    ) -> PartRun {
        let device = self.embedder.device();
        let mut settings = Map::from_iter([
            ("window_s".to_owned(), json!(manifest.window_s())),
            ("layers".to_owned(), json!(self.layers)),
            ("pool".to_owned(), json!(self.pool)),
            ("whole".to_owned(), json!(self.whole_s.is_some())),
            ("dim".to_owned(), json!(self.rows.dim)),
            ("vectors".to_owned(), json!(self.rows.precision.name())),
            ("frame_rate_hz".to_owned(), json!(frame_rate(manifest))),
            ("precision".to_owned(), json!(device.precision.id())),
        ]);
        settings.extend(head_sha256.map(|hash| ("head_sha256".to_owned(), Value::from(hash))));
        let model = (&*self.rows.model_id, &*self.rows.model_sha256);
        PartRun::embedding(model, settings, (&runtime.version, &device.name))
    }

    /// The rows of `file`, whose facts are in `outcome`; `None` when the work was stopped. A file that can't be embedded
    /// has a row with its error.
    ///
    /// # Errors
    /// [`PartsError::Rows`], which would be a defect.
    pub fn rows(
        &self,
        file: &NamedFile<'_>,
        mut outcome: FileOutcome,
        watch: &mut Watch<'_>,
    ) -> Result<Option<RecordBatch>, PartsError> {
        let (mut places, mut values) = (Vec::new(), Vec::new());
        if outcome.error.is_none() {
            match self.embed(file, watch, &mut places, &mut values) {
                Ok(duration_s) => outcome.duration_s = Some(duration_s),
                Err(_) if watch.is_stopped() => return Ok(None),
                Err(error) => outcome.error = Some(error),
            }
        }
        if outcome.error.is_some() {
            (places, values) = (Vec::new(), Vec::new());
        }
        self.rows.of(&outcome, &places, &values).map(Some)
    }

    /// The vectors of one file and their places, and its length in seconds; or a sentence that says why there are none.
    fn embed(
        &self,
        file: &NamedFile<'_>,
        watch: &mut Watch<'_>,
        places: &mut Vec<Place>,
        values: &mut Vec<f32>,
    ) -> Result<f64, String> {
        let mut frames = 0;
        let mut sink = |hidden: HiddenStates| {
            let count = hidden.frames.unwrap_or(1);
            for (index, layer) in self.layers.iter().enumerate() {
                let frame = |n: usize| hidden.frames.and_then(|_| i32::try_from(frames + n).ok());
                places.extend((0..count).map(|n| (*layer, frame(n))));
                values.extend_from_slice(hidden.layer(index));
            }
            frames += count;
            Ok(())
        };
        let decoder = file.open().map_err(|error| error.to_string())?;
        let embedder = self.embedder;
        let embedded = match self.whole_s {
            Some(limit_s) => embedder.whole(decoder, file.name, limit_s, &mut sink),
            None => {
                let Watch { progress, stopped } = watch;
                embedder.windows_until(decoder, file.name, &mut sink, progress, stopped)
            }
        };
        embedded.map_err(|error| error.to_string())
    }
}

/// Frames per second, rounded to a millionth, with as few digits as possible.
#[must_use]
pub fn frame_rate(manifest: &Manifest) -> String {
    let rate = 1.0 / manifest.frame_s();
    ((rate * 1e6).round() / 1e6).to_string()
}
