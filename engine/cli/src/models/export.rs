//! `mertscope models export`: the folder of a model for an inference server.

use std::path::Path;

use mertscope_model::serving::{self, Backend, Serving};
use mertscope_model::{GraphSource, Model, SessionOptions, runtime, served_graph};

use crate::arguments::{BackendArgument, ExportArguments};
use crate::{UsageError, log, own_folder};

/// Runs the command.
pub(crate) fn run(arguments: &ExportArguments) -> anyhow::Result<bool> {
    let backend = match arguments.backend {
        BackendArgument::Onnxruntime => Backend::OnnxRuntime,
        BackendArgument::Python => Backend::Python,
    };
    if arguments.float16 && backend != Backend::Python {
        let words = "--float16 is for --backend python, whose program converts; omit one of them.";
        return Err(UsageError(words.to_owned()).into());
    }
    let mut model = Model::find(Some(&arguments.model))?;
    if let Some(window_s) = arguments.window {
        model = model.with_window_s(window_s)?;
    }
    let serving = Serving {
        backend,
        precision: arguments.precision(),
        frames: arguments.frames,
        float16: arguments.float16,
    };
    let options = SessionOptions {
        threads: 1,
        frames: serving.frames,
        precision: serving.precision,
        ..SessionOptions::default()
    };
    let runtime = runtime::load(own_folder().as_deref())?;
    let graph = served_graph(runtime, &model, &options)?;
    if let GraphSource::File {
        notice: Some(notice),
        ..
    } = &graph
    {
        log(&notice.text);
    }
    let folder = serving::write(&arguments.triton, &model, &graph, serving)?;
    tell(&folder, &arguments.triton);
    Ok(true)
}

fn tell(folder: &Path, repository: &Path) {
    log(&format!(
        "The model is in {}. Start a server with `tritonserver --model-repository={}`, and use it with \
         --device remote --server http://HOST:8000 (docs/devices.md).",
        folder.display(),
        repository.display()
    ));
}
