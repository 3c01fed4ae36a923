//! The loading of a session: its device, and the graph for that device.

use mertscope_audio::Notice;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ort::session::builder::LoadCanceler;

use super::builder::{builder, check_file_memory};
use super::guard::{self, Form};
use super::place::{Apart, Loading, Place, Slot};
use super::request::Request;
use super::{EncodeError, calibrate, together};
use crate::device::{self, Candidate, Choice, Report, Share};
use crate::{GraphSource, Precision};

/// The option with the folder of external data of a graph in memory
/// (`kOrtSessionOptionsModelExternalInitializersFileFolderPath`).
const EXTERNAL_FOLDER: &str = "session.model_external_initializers_file_folder_path";

/// A folder that can't exist: a user's graph may name files as its weights, and none is read. The graphs that
/// Mertscope makes itself have files, and are loaded from theirs.
const NOWHERE: &str = "/dev/null/none";

/// A loaded model.
pub(super) struct Loaded {
    pub(super) place: Place,
    pub(super) device: Arc<Report>,
    /// Number of windows that it runs at once.
    pub(super) at_once: usize,
    /// The time that it may take for its first window.
    pub(super) start_limit: Duration,
    /// The time after which a device counts as hanging, once it has started.
    pub(super) patience: Duration,
}

/// A model on one device.
struct OnDevice {
    place: Place,
    precision: Precision,
    err: Option<f32>,
    at_once: usize,
    start_limit: Duration,
    patience: Duration,
}

/// A graph that a device's thread can own.
#[derive(Clone)]
pub(super) enum OwnedGraph {
    Memory(Cow<'static, [u8]>),
    File(PathBuf),
}

impl Request<'_> {
    /// Loads the model on the first device of `choice` that can run it and computes as the CPU does.
    ///
    /// # Errors
    /// [`EncodeError::Load`], when not even the CPU can run it; [`EncodeError::Graph`], when there is
    /// no graph; [`EncodeError::Contract`].
    pub(super) fn on(&self, choice: &Choice) -> Result<Loaded, EncodeError> {
        // Several candidates may load the same file: only the first of them finds it damaged.
        let mut notice = None;
        let mut replaces = self.replaces || matches!(choice, Choice::Provider { .. });
        let (loaded, mut report) = device::open(self.runtime, choice, |candidate| {
            let loaded = self.load(candidate, replaces, &mut notice);
            replaces |= !candidate.is_cpu();
            loaded
        })?;
        let report_mut = Arc::make_mut(&mut report);
        report_mut.precision = loaded.precision;
        report_mut.err = loaded.err;
        report_mut.notice = notice.or_else(|| in_parts(report_mut));
        Ok(Loaded {
            place: loaded.place,
            device: report,
            at_once: loaded.at_once,
            start_limit: loaded.start_limit,
            patience: loaded.patience,
        })
    }

    /// Loads the model on one device; `notice` receives a notice about its graph. `replaces` tells that the CPU
    /// would run it instead of another device.
    fn load(
        &self,
        candidate: &Candidate,
        replaces: bool,
        notice: &mut Option<Notice>,
    ) -> Result<(OnDevice, Option<Share>), EncodeError> {
        let (place, limit) = if candidate.is_cpu() {
            (Ok(Loading::Here(Slot::Empty)), Duration::MAX)
        } else {
            let limit = self.options.start_limit;
            let apart = Apart::start().map(Loading::Apart);
            (apart, limit.unwrap_or(candidate.start_limit()))
        };
        let mut place = place.map_err(|reason| self.failed(reason))?;
        // Before the search for the graph: most unavailable devices fail here.
        let canceler = self.start(&mut place, candidate, limit)?;
        let requested = match self.options.precision {
            // Half precision was for the device: processors compute it through single precision.
            Some(Precision::Fp16) if candidate.is_cpu() && replaces => None,
            requested => requested,
        };
        let usual = (self.model.precision(requested, candidate.precision), None);
        let (precision, err) = self.chosen_form(candidate, requested).unwrap_or(usual);
        let graph = self.graph(candidate, precision, notice)?;
        let loading = self.interrupt.load(canceler);
        let loading = loading.map_err(|reason| self.failed(reason))?;
        let (outputs, committed) = (Arc::clone(self.outputs), graph.clone());
        let loaded = place.ask(limit, self.interrupt, move |slot| {
            let session = commit(slot, committed)?;
            let is_as_stated = outputs.check(session);
            Ok((is_as_stated, outputs.takes_batches(session, precision)))
        });
        drop(loading);
        let (is_as_stated, takes_batches) = loaded
            .map_err(|silence| self.silent(candidate, &silence))?
            .map_err(|reason: String| self.failed(reason))?;
        is_as_stated?;
        let asked = candidate.clone();
        let share = place.ask(limit, self.interrupt, move |slot| match slot {
            Slot::Session(session) => device::share(&asked, session),
            _ => Ok(None),
        });
        let share = share
            .map_err(|silence| self.silent(candidate, &silence))?
            .map_err(|reason| self.failed(reason))?;
        if share.is_some_and(|share| share.there > 0) {
            let form = Form {
                operators: candidate.operators,
                precision,
                tf32: candidate.tf32(),
            };
            guard::check(self, candidate, &mut place, form, limit, || {
                self.cpu_session(graph)
            })?;
        }
        let at_once = match candidate.is_cpu() || !takes_batches || candidate.builds_per_shape() {
            true => 1,
            false => together::at_once(self.model.manifest.window_s()),
        };
        let loaded = OnDevice {
            place: place.loaded(),
            precision,
            err,
            at_once,
            start_limit: limit,
            patience: candidate.patience(),
        };
        Ok((loaded, share))
    }

    /// Starts the device: leaves the options of a session in its place.
    fn start(
        &self,
        place: &mut Loading,
        candidate: &Candidate,
        limit: Duration,
    ) -> Result<LoadCanceler, EncodeError> {
        let (runtime, threads) = (self.runtime, self.options.threads);
        let asked = candidate.clone();
        let started = place.ask(limit, self.interrupt, move |slot| {
            let builder = builder(runtime, threads)?;
            let builder = device::add(runtime, &asked, builder, threads)?;
            let canceler = builder.canceler();
            *slot = Slot::Builder(Box::new(builder));
            Ok(canceler)
        });
        started
            .map_err(|silence| self.silent(candidate, &silence))?
            .map_err(|reason| self.failed(reason))
    }

    /// The graph for a device, if there is memory for it.
    pub(super) fn graph(
        &self,
        candidate: &Candidate,
        precision: Precision,
        notice: &mut Option<Notice>,
    ) -> Result<OwnedGraph, EncodeError> {
        let (frames, layers) = (self.options.frames, &self.options.layers);
        let measure = |path: &Path| {
            let threads = self.options.threads;
            calibrate::input_ranges(path, self.model, self.runtime, threads, self.interrupt)
        };
        let graph = self
            .model
            .graph(candidate.operators, precision, frames, layers, &measure)
            .map_err(|error| EncodeError::Graph(Arc::new(error)))?;
        Ok(match graph {
            GraphSource::Memory {
                bytes,
                notice: of_graph,
            } => {
                *notice = notice.take().or(of_graph);
                OwnedGraph::Memory(Cow::Owned(bytes.into_owned()))
            }
            GraphSource::File {
                path,
                notice: of_graph,
            } => {
                *notice = notice.take().or(of_graph);
                check_file_memory(&self.model.manifest.id, &path)?;
                OwnedGraph::File(path)
            }
        })
    }

    /// The same graph on the CPU, to compare with. The error is a phrase.
    pub(super) fn cpu_session(&self, graph: OwnedGraph) -> Result<Slot, String> {
        let cpu = Candidate::cpu();
        let builder = builder(self.runtime, self.options.threads)?;
        let builder = device::add(self.runtime, &cpu, builder, self.options.threads)?;
        let mut slot = Slot::Builder(Box::new(builder));
        commit(&mut slot, graph)?;
        Ok(slot)
    }
}

/// Loads a graph with the options in `slot`, and leaves the session there. The error is ONNX Runtime's.
fn commit(slot: &mut Slot, graph: OwnedGraph) -> Result<&mut ort::session::Session, String> {
    let Slot::Builder(builder) = std::mem::take(slot) else {
        return Err("the device was not started".to_owned());
    };
    let mut builder = *builder;
    let session = match graph {
        OwnedGraph::Memory(bytes) => builder
            .with_config_entry(EXTERNAL_FOLDER, NOWHERE)
            .map_err(|error| error.to_string())?
            .commit_from_memory(&bytes),
        OwnedGraph::File(path) => builder.commit_from_file(path),
    };
    let session = session.map_err(|error| error.to_string())?;
    *slot = Slot::Session(Box::new(session));
    match slot {
        Slot::Session(session) => Ok(session),
        _ => Err("the session is gone".to_owned()),
    }
}

/// The notice that 8-bit products of a device's graph go back to the CPU, which is slower than single
/// precision on the device.
fn in_parts(report: &Report) -> Option<Notice> {
    let share = report.share.filter(|share| share.there < share.all)?;
    let back = share.all - share.there;
    report.precision.is_quantized().then(|| {
        Notice::warning(format!(
            "{back} of the {} operations in int8 go back from {} to the CPU; fp16 or fp32 is faster there \
             (--precision fp16).",
            share.all, report.name
        ))
    })
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
