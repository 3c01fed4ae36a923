//! Hidden states of many files as Parquet parts.

use std::path::Path;
use std::sync::Arc;

use mertscope_audio::decode::Decoder;
use mertscope_engine::embed::{Embedder, Pool};
use mertscope_heads::package::ModelPackage;
use mertscope_model::{HiddenStates, Runtime};
use mertscope_parts::embedding::{Place, Precision, Rows as RowMaker};
use mertscope_parts::{FileOutcome, PartRun, Start};
use serde_json::{Map, Value, json};

use super::{frame_rate, layers, options, pool};
use crate::arguments::EmbedArguments;
use crate::batch::{self, Batch, Rows};
use crate::inputs;
use crate::progress::Bar;
use crate::{load, log, report_fallbacks};

/// Embeds the files of the arguments into the folder `--out`; `true` when every file has vectors.
pub(super) fn write(arguments: &EmbedArguments) -> anyhow::Result<bool> {
    let (runtime, package) = load(&arguments.model)?;
    let list = arguments.batch.files_from.as_deref();
    let mut inputs = inputs::find_listed(&arguments.inputs, list)?;
    if !arguments.quiet {
        inputs.remarks.iter().for_each(|remark| log(remark));
    }
    batch::keep_shard(&mut inputs, &arguments.batch, &arguments.inputs)?;
    let work = Work::new(arguments, runtime, &package)?;
    let start = Start {
        folder: &arguments.out,
        shard: batch::shard(&arguments.batch),
        run: work.describe(runtime, &package)?,
        schema: work.rows.schema(),
        limits: arguments.parts.limits(),
        resume: arguments.parts.resume,
    };
    let quiet = arguments.quiet;
    let batch = Batch::open(inputs, &arguments.batch, &arguments.inputs, start, quiet)?;
    batch.run(&arguments.out, &mut |outcome, file, bar| {
        work.rows(outcome, file, bar)
    })
}

/// The work on one file after another.
struct Work<'a> {
    arguments: &'a EmbedArguments,
    embedder: Embedder,
    /// The indices of the layers in the hidden states, in their order; none for a weighted sum.
    layers: Vec<Option<i32>>,
    rows: RowMaker,
    /// The longest audio in one pass, in seconds.
    whole_s: f64,
}

impl<'a> Work<'a> {
    fn new(
        arguments: &'a EmbedArguments,
        runtime: &'static Runtime,
        package: &ModelPackage,
    ) -> anyhow::Result<Self> {
        let pool = pool(arguments, package)?;
        let chosen = layers(arguments, &pool)?;
        let manifest = &package.model.manifest;
        let indices = match (&pool, &chosen) {
            (Pool::Weighted(_), _) => vec![None],
            (_, Some(chosen)) => chosen
                .iter()
                .map(|layer| i32::try_from(*layer).ok())
                .collect(),
            (_, None) => (0..manifest.layers.len())
                .map(|layer| i32::try_from(layer).ok())
                .collect(),
        };
        let model = Arc::clone(&package.model);
        let embedder = Embedder::new(runtime, model, chosen, pool, options(arguments))?;
        if !arguments.quiet {
            report_fallbacks(embedder.device());
        }
        let precision = if arguments.float16 {
            Precision::Float16
        } else {
            Precision::Float32
        };
        Ok(Self {
            arguments,
            embedder,
            layers: indices,
            rows: RowMaker {
                dim: manifest.width,
                precision,
                model_id: manifest.id.clone(),
                model_sha256: package.sha256().to_owned(),
            },
            whole_s: arguments.whole_s(manifest),
        })
    }

    /// What all parts share.
    fn describe(&self, runtime: &Runtime, package: &ModelPackage) -> anyhow::Result<PartRun> {
        let arguments = self.arguments;
        let manifest = &package.model.manifest;
        let device = self.embedder.device();
        let mut settings = Map::from_iter([
            ("window_s".to_owned(), json!(manifest.window_s())),
            ("layers".to_owned(), json!(self.layers)),
            (
                "pool".to_owned(),
                json!(format!("{:?}", arguments.pool).to_lowercase()),
            ),
            ("whole".to_owned(), json!(arguments.whole)),
            ("dim".to_owned(), json!(self.rows.dim)),
            ("vectors".to_owned(), json!(self.rows.precision.name())),
            ("frame_rate_hz".to_owned(), json!(frame_rate(manifest))),
            ("precision".to_owned(), json!(device.precision.id())),
        ]);
        if let Some(head) = &arguments.head {
            let sha256 = mertscope_model::hash_of_file(head)?;
            settings.insert("head_sha256".to_owned(), Value::from(sha256));
        }
        let model = (&*self.rows.model_id, &*self.rows.model_sha256);
        Ok(PartRun::embedding(
            model,
            settings,
            (&runtime.version, &device.name),
        ))
    }

    fn rows(&self, mut outcome: FileOutcome, file: &Path, bar: &Bar) -> Rows {
        let (mut places, mut values) = (Vec::new(), Vec::new());
        if outcome.error.is_none() {
            match self.embed(file, bar, &mut places, &mut values) {
                Ok(duration_s) => outcome.duration_s = Some(duration_s),
                Err(error) => outcome.error = Some(error),
            }
        }
        if outcome.error.is_some() {
            (places, values) = (Vec::new(), Vec::new());
        }
        Ok(Some(self.rows.of(&outcome, &places, &values)?))
    }

    /// The vectors of one file and their places, and its length in seconds; or a sentence that says why there are none.
    fn embed(
        &self,
        file: &Path,
        bar: &Bar,
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
        let name = file.display().to_string();
        let decoder = Decoder::open(file).map_err(|error| error.to_string())?;
        let embedded = if self.arguments.whole {
            self.embedder.whole(decoder, &name, self.whole_s, &mut sink)
        } else {
            let mut progress = |done_s, promised_s| bar.position(done_s, promised_s);
            self.embedder
                .windows(decoder, &name, &mut sink, &mut progress)
        };
        embedded.map_err(|error| error.to_string())
    }
}
