//! The cache of graph files: each variant is written once into the user's cache folder, and its hash is
//! checked each time before it is loaded. A missing or damaged file is made again.
//!
//! The file is `graphs/<hash of the weights>/<variant and hash of the network>.onnx`, with its SHA-256
//! beside it in `….sha256`. A graph beyond 2 GiB has a second file, `….data`, whose SHA-256 is the second
//! word there. All are written whole, so that a reader never sees half a file. The time of
//! the second is that of the last use. When a graph is made, those go that an older version made of the
//! same weights, and those of any weights that nobody has used for two months.

mod kept;
mod prune;

pub use kept::{KeptGraph, KeptGraphs, kept_graphs};

use mertscope_audio::Notice;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::onnx::{ExternalFile, OnnxGraph, WriteError};
use super::quantize::WeightForm;
use super::smoothing::{Calibrator, ROUNDS, Smoothing};
use super::{Variant, build};
use crate::checkpoint::{Checkpoint, CheckpointError, Network, shards};
use crate::hash::sha256_of_parts;
use crate::whole_file::replace_file;
use crate::{GraphSource, Operators, Precision, hash_of_file, hexadecimal};

/// Increase it when the same variant is built differently: older files are then no longer used.
pub(crate) const REVISION: u32 = 4;

/// The remedy for a full disk; other systems than Linux have one folder for caches.
const ROOM: &str = if cfg!(target_os = "linux") {
    "free some space, or set XDG_CACHE_HOME to a folder on a larger disk"
} else {
    "free some space"
};

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The checkpoint can't be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint changed since it was installed or opened.
    #[error(
        "{} is not the file that it was: its SHA-256 is {actual} instead of {expected}. Choose the model \
         again to use this file, or get the former one; an installed model goes with `mertscope models \
         remove` before it can be got again.", path.display()
    )]
    Changed {
        /// The weights.
        path: PathBuf,
        /// The hash that they had.
        expected: String,
        /// The hash that they have.
        actual: String,
    },
    /// The system names no cache folder for this user.
    #[error(
        "There is no folder for the graphs of checkpoints: set HOME \
         (XDG_CACHE_HOME) to a folder that you can write to."
    )]
    NoFolder,
    /// The music on which an 8-bit graph is calibrated can't be run.
    #[error(
        "The model's 8-bit graph can't be calibrated: {reason}. `--precision fp32` needs no calibration."
    )]
    Calibration {
        /// The reason, a phrase.
        reason: String,
    },
    /// The file can't be written.
    #[error(
        "The model's graph can't be written to {} ({source}). It takes about {megabytes} MB there: \
         {ROOM}.", folder.display()
    )]
    Write {
        /// Its folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
        /// About how much space it needs.
        megabytes: u64,
    },
}

impl GraphError {
    fn calibration(reason: String) -> Self {
        Self::Calibration {
            reason: reason.trim_end_matches('.').to_owned(),
        }
    }
}

/// The checkpoint from which a graph is made: its network, and its weights with their hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckpointSource<'a> {
    pub(crate) network: &'a Network,
    pub(crate) weights: &'a Path,
    pub(crate) sha256: &'a str,
}

/// The user's folder of graphs.
///
/// # Errors
/// [`GraphError::NoFolder`].
pub(crate) fn user_folder() -> Result<PathBuf, GraphError> {
    let cache = dirs::cache_dir().ok_or(GraphError::NoFolder)?;
    Ok(cache.join("mertscope").join("graphs"))
}

/// The graph of a variant in the folder of graphs `root`, found or made. An unusable file is made
/// again, with a notice that gives the reason.
///
/// # Errors
/// [`GraphError`].
pub(crate) fn file(
    root: &Path,
    source: CheckpointSource<'_>,
    variant: &Variant,
    calibrator: &Calibrator<'_>,
) -> Result<GraphSource<'static>, GraphError> {
    let file_name = format!("{}.onnx", name(source.network, variant, calibrator.key));
    let path = root.join(source.sha256).join(file_name);
    let hash_path = path.with_extension("sha256");
    let expected = fs::read_to_string(&hash_path);
    let has_data = expected
        .as_ref()
        .is_ok_and(|text| text.trim().contains(' '));
    let reason = match (expected, hashes(&path, has_data)) {
        (Ok(expected), Ok(actual)) if expected.trim() == actual => {
            mark_used(&hash_path);
            return Ok(GraphSource::File { path, notice: None });
        }
        (Ok(_), Ok(_)) => Some("it is not the file that was written".to_owned()),
        (Ok(_), Err(error)) => Some(format!("it could not be read ({error})")),
        (Err(error), Ok(_)) => Some(format!("its hash could not be read ({error})")),
        (Err(_), Err(_)) => None,
    };
    let of_weights = match make(&path, source, variant, calibrator) {
        // A full disk, or a folder that can't be written to, costs the time to make the graph again.
        Err(error @ GraphError::Write { .. }) => return in_memory(source, variant, error),
        made => made?,
    };
    prune::old_graphs(root, source.sha256, SystemTime::now());
    kept::bound(root, &path);
    let notice = reason.map(|reason| {
        let path = path.display();
        Notice::warning(format!(
            "The model's graph {path} was rebuilt, since {reason}."
        ))
    });
    // A damaged cache matters more, and its graph was made before.
    let notice = notice.or(of_weights);
    Ok(GraphSource::File { path, notice })
}

/// The hashes of a graph's file and of that of its data, if it has one, with a space between.
fn hashes(path: &Path, has_data: bool) -> io::Result<String> {
    let graph = hash_of_file(path)?;
    if !has_data {
        return Ok(graph);
    }
    Ok(format!(
        "{graph} {}",
        hash_of_file(&path.with_extension("data"))?
    ))
}

/// Makes a graph's file and the file of its hash, after a check of the weights' hash. Returns a notice on
/// the weights.
fn make(
    path: &Path,
    source: CheckpointSource<'_>,
    variant: &Variant,
    calibrator: &Calibrator<'_>,
) -> Result<Option<Notice>, GraphError> {
    let actual = shards::hash(source.weights)?;
    if actual != source.sha256 {
        return Err(GraphError::Changed {
            path: source.weights.to_owned(),
            expected: source.sha256.to_owned(),
            actual,
        });
    }
    let checkpoint = Checkpoint::open(source.network.clone(), source.weights)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let megabytes = build(source.network, variant).bytes().div_ceil(1_000_000);
    let failed = |error: io::Error| GraphError::Write {
        folder: folder.clone(),
        source: error,
        megabytes,
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    let variant = match variant.precision {
        Precision::Int8 | Precision::Int8Fast => {
            &smoothed(&folder, &checkpoint, variant, calibrator, &failed)?
        }
        _ => variant,
    };
    let graph = build(source.network, variant);
    let hash_path = path.with_extension("sha256");
    let write = || -> Result<(), WriteError> {
        let hash = write_graph(path, &graph, &checkpoint, graph.needs_external_file())?;
        replace_file(&hash_path, |file| {
            file.write_all(hash.as_bytes()).map_err(WriteError::Io)
        })
    };
    write().map_err(|error| graph_error(error, &failed))?;
    Ok(checkpoint.notice())
}

/// The variant with the smoothing that `calibrator` finds. Graphs that measure lie in a folder beside its place
/// meanwhile, which goes afterwards.
fn smoothed(
    folder: &Path,
    checkpoint: &Checkpoint,
    variant: &Variant,
    calibrator: &Calibrator<'_>,
    failed: &dyn Fn(io::Error) -> GraphError,
) -> Result<Variant, GraphError> {
    let place = tempfile::tempdir_in(folder).map_err(failed)?;
    let path = place.path().join("measured.onnx");
    let mut variant = variant.clone();
    for _ in 0..ROUNDS {
        variant.smoothing.measures = true;
        let graph = build(&checkpoint.network, &variant);
        write_graph(&path, &graph, checkpoint, graph.needs_external_file())
            .map_err(|error| graph_error(error, failed))?;
        let ranges = (calibrator.measure)(&path).map_err(GraphError::calibration)?;
        variant.smoothing = Smoothing {
            ranges: Some(ranges.into()),
            measures: false,
        };
    }
    Ok(variant)
}

fn graph_error(error: WriteError, failed: &dyn Fn(io::Error) -> GraphError) -> GraphError {
    match error {
        WriteError::Checkpoint(error) => error.into(),
        WriteError::Io(error) => failed(error),
    }
}

/// A graph that could not be written because of `unwritten`, in memory. One beyond 2 GiB needs its files.
fn in_memory(
    source: CheckpointSource<'_>,
    variant: &Variant,
    unwritten: GraphError,
) -> Result<GraphSource<'static>, GraphError> {
    let graph = build(source.network, variant);
    if graph.needs_external_file() {
        return Err(unwritten);
    }
    let checkpoint = Checkpoint::open(source.network.clone(), source.weights)?;
    // The ranges of inputs are measured with a graph in a file.
    let unsmoothed = if variant.precision.is_quantized() {
        ", and less exact than from the disk"
    } else {
        ""
    };
    let mut bytes = Vec::new();
    match graph.write(&checkpoint, &mut bytes, None) {
        Ok(()) => Ok(GraphSource::Memory {
            bytes: bytes.into(),
            notice: Some(Notice::warning(format!(
                "{unwritten} Until then it is made again each time{unsmoothed}."
            ))),
        }),
        Err(WriteError::Checkpoint(error)) => Err(error.into()),
        Err(WriteError::Io(_)) => Err(unwritten),
    }
}

/// Writes a graph's file, and that of its data when it is to have one; returns their hashes.
fn write_graph(
    path: &Path,
    graph: &OnnxGraph,
    checkpoint: &Checkpoint,
    has_data: bool,
) -> Result<String, WriteError> {
    if !has_data {
        return replace_file(path, |file| {
            Hashing::write(file, |out| graph.write(checkpoint, out, None)).map(|(hash, ())| hash)
        });
    }
    let data_path = path.with_extension("data");
    let name = data_path.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    // The graph is put in its place before the data are: a reader checks both by the file of the hashes,
    // which comes last.
    replace_file(&data_path, |data_file| {
        let (data_hash, graph_hash) = Hashing::write(data_file, |data| {
            let external = ExternalFile {
                name: &name,
                out: data,
            };
            replace_file(path, |file| {
                let write = |out: &mut dyn Write| graph.write(checkpoint, out, Some(external));
                Hashing::write(file, write).map(|(hash, ())| hash)
            })
        })?;
        Ok(format!("{graph_hash} {data_hash}"))
    })
}

/// Removes all graphs that were made of the weights with this hash, from the user's cache.
///
/// # Errors
/// The system's error; it is no error when there are none.
pub fn forget(sha256: &str) -> io::Result<()> {
    let Ok(root) = user_folder() else {
        return Ok(());
    };
    match fs::remove_dir_all(root.join(sha256)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Records that a graph is in use.
fn mark_used(hash_path: &Path) {
    // A cache on a read-only disk can be used without that.
    let file = File::options().write(true).open(hash_path);
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
}

/// The name of a variant's file, without its extension: all that shapes the graph, but for the weights.
fn name(network: &Network, variant: &Variant, calibration: &str) -> String {
    // Without `..`, so that a new field becomes a part of the name.
    let Variant {
        precision,
        operators,
        frames,
        layers,
        // A result of the other fields, of the weights and of the calibration.
        smoothing: _,
    } = variant;
    let precision = match precision {
        // The form for one processor is slow or inexact on another, which may share the cache.
        Precision::Int8 | Precision::Int8Fast => {
            let calibration = calibration.get(..16).unwrap_or(calibration);
            let form = WeightForm::of(*precision).id();
            format!("{}-{form}-{calibration}", precision.id())
        }
        other => other.id().to_owned(),
    };
    let operators = match operators {
        Operators::Fused => "fused",
        Operators::Plain => "plain",
    };
    let outputs = if *frames { "frames" } else { "pooled" };
    let network = sha256_of_parts(network);
    let network = network.get(..32).unwrap_or(&network);
    format!("{precision}-{operators}-{outputs}-{layers}-{network}-v{REVISION}")
}

/// A writer that hashes the bytes it writes.
struct Hashing<'a> {
    file: BufWriter<&'a mut File>,
    hash: Sha256,
}

impl<'a> Hashing<'a> {
    /// Writes a file through `write`, and returns its hash with the result of `write`.
    fn write<T>(
        file: &'a mut File,
        write: impl FnOnce(&mut dyn Write) -> Result<T, WriteError>,
    ) -> Result<(String, T), WriteError> {
        let mut out = Self {
            file: BufWriter::with_capacity(1 << 20, file),
            hash: Sha256::new(),
        };
        let made = write(&mut out)?;
        out.flush()?;
        Ok((hexadecimal(&out.hash.finalize()), made))
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests;
