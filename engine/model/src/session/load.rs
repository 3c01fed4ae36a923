//! The loading of a session: its device, and the graph for that device.

use mertscope_audio::Notice;
use std::path::Path;
use std::sync::Arc;

use super::builder::{builder, check_file_memory};
use super::{EncodeError, SessionOptions, calibrate};
use crate::device::{self, Candidate, Choice, Report, Share};
use crate::interrupt::Interrupt;
use crate::{GraphSource, Model, Runtime};

/// The option with the folder of external data of a graph in memory
/// (`kOrtSessionOptionsModelExternalInitializersFileFolderPath`).
const EXTERNAL_FOLDER: &str = "session.model_external_initializers_file_folder_path";

/// A folder that can't exist: a user's graph may name files as its weights, and none is read. The graphs that
/// Mertscope makes itself have files, and are loaded from theirs.
const NOWHERE: &str = "/dev/null/none";

/// Loads `model` on the first device of `choice` that can run it.
///
/// # Errors
/// [`EncodeError::Load`], when not even the CPU can run it; [`EncodeError::Graph`], when there is
/// no graph.
pub(super) fn on(
    choice: &Choice,
    runtime: &Runtime,
    model: &Model,
    options: &SessionOptions,
    interrupt: &Interrupt,
) -> Result<(ort::session::Session, Arc<Report>), EncodeError> {
    // Several candidates may load the same file: only the first of them finds it damaged.
    let mut notice = None;
    let (session, mut report) = device::open(runtime, choice, |candidate| {
        load(candidate, runtime, model, options, interrupt, &mut notice)
    })?;
    let report_mut = Arc::make_mut(&mut report);
    report_mut.precision = model.precision(options.precision, report_mut.precision);
    report_mut.notice = notice;
    Ok((session, report))
}

/// Loads `model` on one device; `notice` receives a notice about its graph.
fn load(
    candidate: &Candidate,
    runtime: &Runtime,
    model: &Model,
    options: &SessionOptions,
    interrupt: &Interrupt,
    notice: &mut Option<Notice>,
) -> Result<(ort::session::Session, Option<Share>), EncodeError> {
    let failed = |reason: String| EncodeError::Load {
        model: model.manifest.id.clone(),
        reason,
    };
    let builder = builder(runtime, options.threads).map_err(failed)?;
    // Before the search for the graph: most unavailable devices fail here.
    let mut builder = device::add(runtime, candidate, builder, options.threads).map_err(failed)?;
    let precision = model.precision(options.precision, candidate.precision);
    let frames = options.frames;
    let measure =
        |path: &Path| calibrate::input_means(path, model, runtime, options.threads, interrupt);
    let graph = model
        .graph(
            candidate.operators,
            precision,
            frames,
            &options.layers,
            &measure,
        )
        .map_err(|error| EncodeError::Graph(Arc::new(error)))?;
    let loading = interrupt.load(builder.canceler()).map_err(failed)?;
    let session = match graph {
        GraphSource::Memory(bytes) => builder
            .with_config_entry(EXTERNAL_FOLDER, NOWHERE)
            .map_err(|error| failed(error.to_string()))?
            .commit_from_memory(&bytes),
        GraphSource::File {
            path,
            notice: graph_notice,
        } => {
            *notice = notice.take().or(graph_notice);
            check_file_memory(&model.manifest.id, &path)?;
            builder.commit_from_file(path)
        }
    }
    .map_err(|error| failed(error.to_string()))?;
    drop(loading);
    let share = device::share(candidate, &session).map_err(failed)?;
    Ok((session, share))
}

#[cfg(test)]
mod tests {
    use ort::session::builder::GraphOptimizationLevel;

    use super::*;

    /// A graph whose only weight is in another file: a number of the Cargo.toml of this crate, which is in the
    /// folder in which tests run.
    fn graph_of_another_file() -> Vec<u8> {
        fn message(field: u8, content: &[u8]) -> Vec<u8> {
            let mut out = vec![field << 3 | 2, content.len() as u8];
            out.extend(content);
            out
        }
        let entry = |key: &str, value: &str| {
            let parts = [message(1, key.as_bytes()), message(2, value.as_bytes())];
            message(13, &parts.concat())
        };
        // TensorProto: dims 1, data_type 2 float, name, external_data, data_location 14 EXTERNAL.
        let weight = [
            vec![1 << 3, 1, 2 << 3, 1],
            message(8, b"w"),
            entry("location", "Cargo.toml"),
            entry("offset", "0"),
            entry("length", "4"),
            vec![14 << 3, 1],
        ]
        .concat();
        let inputs = [message(1, b"x"), message(1, b"w")].concat();
        let node = [inputs, message(2, b"y"), message(4, b"Add")].concat();
        // ValueInfoProto: name, type tensor of float, one dimension of 1.
        let shape = message(2, &message(1, &[1 << 3, 1]));
        let tensor = message(1, &[vec![1 << 3, 1], shape].concat());
        let value = |name: &[u8]| [message(1, name), message(2, &tensor)].concat();
        let graph = [
            message(1, &node),
            message(2, b"g"),
            message(5, &weight),
            message(11, &value(b"x")),
            message(12, &value(b"y")),
        ]
        .concat();
        let opset = message(8, &[2 << 3, 18]);
        [vec![1 << 3, 9], message(7, &graph), opset].concat()
    }

    #[test]
    fn the_weights_of_a_graph_in_memory_are_never_read_from_another_file() {
        let bytes = graph_of_another_file();
        let runtime = crate::runtime::load(None).unwrap();
        // Without the optimizer, which has no use for such weights itself.
        let plain = || {
            let builder = builder(runtime, 1).unwrap();
            let level = GraphOptimizationLevel::Disable;
            builder.with_optimization_level(level).unwrap()
        };
        let followed = plain().commit_from_memory(&bytes);
        assert!(followed.is_ok(), "{:?}", followed.err());
        let option = plain().with_config_entry(EXTERNAL_FOLDER, NOWHERE);
        assert!(option.unwrap().commit_from_memory(&bytes).is_err());
    }
}
