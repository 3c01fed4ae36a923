//! A model as an inference server serves it: its name, its tensors and its parameters, and the folder that NVIDIA
//! Triton reads (`docs/devices.md`).
//!
//! Triton's configuration is the text form of its message `ModelConfig`
//! (`model_config.proto` of triton-inference-server/common).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use mertscope_remote::{PARAMETERS, Parameter};

use crate::{GraphSource, InputLength, Model, Precision};

/// The file name of the graph in the folder of a version.
const GRAPH: &str = "model.onnx";

/// The program of the python backend.
const PROGRAM: &str = include_str!("serving/model.py");

/// The most windows of a batch on a server.
const BATCH: usize = 8;

/// The time for which a server waits for more windows, in microseconds: far below that of an inference.
const QUEUE_DELAY_US: u32 = 2_000;

/// The program that runs the graph on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Triton's own for ONNX Runtime.
    OnnxRuntime,
    /// Triton's for Python, with the wheel of ONNX Runtime.
    Python,
}

/// The way in which a model is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serving {
    /// The backend.
    pub backend: Backend,
    /// The precision; a model that comes as ONNX has only its own.
    pub precision: Option<Precision>,
    /// Whether its hidden states have frames.
    pub frames: bool,
    /// Whether tensors are in half precision on the wire; for [`Backend::Python`] alone.
    pub float16: bool,
}

/// Why a model can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// There is something already.
    #[error("{} exists already; remove it, or name another folder.", folder.display())]
    Exists {
        /// The folder of the model.
        folder: PathBuf,
    },
    /// A file can't be written.
    #[error("{} can't be written ({source}); name a writable folder with room for the model.", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The name of a model on a server: letters, digits, `.`, `_` and `-`.
#[must_use]
pub fn name(id: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    id.chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect()
}

/// Writes the folder of `model` with `graph` into the model repository `repository`, whole or not at all; returns it.
///
/// # Errors
/// [`ServingError`].
pub fn write(
    repository: &Path,
    model: &Model,
    graph: &GraphSource<'_>,
    serving: Serving,
) -> Result<PathBuf, ServingError> {
    let folder = repository.join(name(&model.manifest.id));
    if folder.exists() {
        return Err(ServingError::Exists { folder });
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ServingError::Write { path, source }
    };
    fs::create_dir_all(repository).map_err(failed(repository))?;
    let unfinished = tempfile::Builder::new()
        .prefix(".mertscope-")
        .tempdir_in(repository);
    let unfinished = unfinished.map_err(failed(repository))?;
    // A folder inside, because a temporary folder is for its owner alone.
    let inside = unfinished.path().join("model");
    fill(&inside, model, graph, serving).map_err(failed(&folder))?;
    fs::rename(&inside, &folder).map_err(failed(&folder))?;
    Ok(folder)
}

fn fill(folder: &Path, model: &Model, graph: &GraphSource<'_>, serving: Serving) -> io::Result<()> {
    let version = folder.join("1");
    fs::create_dir_all(&version)?;
    fs::write(folder.join("config.pbtxt"), configuration(model, serving))?;
    match graph {
        GraphSource::Memory { bytes, .. } => fs::write(version.join(GRAPH), bytes)?,
        GraphSource::File { path, .. } => {
            fs::copy(path, version.join(GRAPH))?;
            // The graph names its weights by their own file's name.
            let weights = path.with_extension("data");
            if let Some(name) = weights.file_name().filter(|_| weights.is_file()) {
                fs::copy(&weights, version.join(name))?;
            }
        }
    }
    if serving.backend == Backend::Python {
        fs::write(version.join("model.py"), PROGRAM)?;
    }
    Ok(())
}

/// The most windows at once: those of a checkpoint's graph, unless all windows of a batch would share the scales of
/// their 8 bits. A model that comes as ONNX may have a fixed batch.
fn batch(model: &Model, precision: Precision) -> usize {
    if model.is_checkpoint() && !precision.is_quantized() {
        BATCH
    } else {
        1
    }
}

/// The text of `config.pbtxt`.
fn configuration(model: &Model, serving: Serving) -> String {
    let manifest = &model.manifest;
    let precision = model.precision(serving.precision, Precision::Fp32);
    let batch = batch(model, precision);
    let dims = |sizes: &[i64]| {
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        sizes.join(", ")
    };
    let datatype = if serving.float16 {
        "TYPE_FP16"
    } else {
        "TYPE_FP32"
    };
    let samples = match manifest.graph.length {
        InputLength::Fixed => manifest.window_samples as i64,
        InputLength::Dynamic => -1,
    };
    let tensor = |name: &str, sizes: &[i64]| {
        // Without batches the first size of each tensor is its own.
        let sizes = if batch > 1 { &sizes[1..] } else { sizes };
        format!(
            "  {{ name: {name:?} data_type: {datatype} dims: [ {} ] }}",
            dims(sizes)
        )
    };
    let backend = match serving.backend {
        Backend::OnnxRuntime => "onnxruntime",
        Backend::Python => "python",
    };
    let mut text = format!(
        "name: {:?}\nbackend: {backend:?}\nmax_batch_size: {}\n",
        name(&manifest.id),
        if batch > 1 { batch } else { 0 }
    );
    let mut list = |field: &str, items: &[String]| {
        // Writing to a text can't fail.
        let _ = writeln!(text, "{field} [\n{}\n]", items.join(",\n"));
    };
    list("input", &[tensor(&manifest.graph.input, &[1, samples])]);
    list("output", &outputs(model, serving.frames, &tensor));
    if batch > 1 {
        let _ = writeln!(
            text,
            "dynamic_batching {{ max_queue_delay_microseconds: {QUEUE_DELAY_US} }}"
        );
    }
    let kind = match serving.backend {
        Backend::OnnxRuntime => "KIND_AUTO",
        // ONNX Runtime's wheel knows itself whether it has a GPU.
        Backend::Python => "KIND_CPU",
    };
    let _ = writeln!(text, "instance_group [ {{ count: 1 kind: {kind} }} ]");
    for parameter in PARAMETERS {
        let value = match parameter {
            Parameter::Hash => model.fingerprint(),
            Parameter::Precision => precision.id().to_owned(),
            Parameter::Version => env!("CARGO_PKG_VERSION").to_owned(),
            Parameter::Batch => batch.to_string(),
        };
        let _ = writeln!(
            text,
            "parameters {{ key: {:?} value {{ string_value: {value:?} }} }}",
            parameter.name()
        );
    }
    text
}

/// The outputs, with their sizes: one for each layer, `[1, (frames,) width]`, or one for all.
fn outputs(model: &Model, frames: bool, tensor: &dyn Fn(&str, &[i64]) -> String) -> Vec<String> {
    let (manifest, graph) = (&model.manifest, &model.manifest.graph);
    let width = manifest.width as i64;
    let layers_in = |names: &[String]| (manifest.layers.len() / names.len().max(1)) as i64;
    let has_frames = frames || graph.pooled.is_empty();
    let mut all = Vec::new();
    if !has_frames || model.gives_both() {
        let layers = layers_in(&graph.pooled);
        all.extend(
            graph
                .pooled
                .iter()
                .map(|name| tensor(name, &[layers, width])),
        );
    }
    if has_frames {
        let layers = layers_in(&graph.frames);
        all.extend(
            graph
                .frames
                .iter()
                .map(|name| tensor(name, &[layers, -1, width])),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_served_whole_and_never_over_another() {
        let model = Model::embedded().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bytes = b"graph".as_slice().into();
        let graph = GraphSource::Memory {
            bytes,
            notice: None,
        };
        let serving = Serving {
            backend: Backend::Python,
            precision: None,
            frames: false,
            float16: false,
        };
        let written = write(folder.path(), &model, &graph, serving).unwrap();
        let text = fs::read_to_string(written.join("config.pbtxt")).unwrap();
        for words in [
            "backend: \"python\"",
            "max_batch_size: 0",
            &format!("{:?}", model.fingerprint()),
            &format!("name: {:?}", model.manifest.graph.input),
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("dynamic_batching"), "{text}");
        assert_eq!(fs::read(written.join("1/model.onnx")).unwrap(), b"graph");
        assert!(written.join("1/model.py").is_file());
        let again = write(folder.path(), &model, &graph, serving).unwrap_err();
        assert!(matches!(again, ServingError::Exists { .. }), "{again}");
        // Nothing else is left there.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_on_a_server_is_plain() {
        assert_eq!(name("MERT-v1-95M"), "MERT-v1-95M");
        assert_eq!(name("../my model"), "..-my-model");
    }
}
