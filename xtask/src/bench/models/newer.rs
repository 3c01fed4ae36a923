//! MERT-v2, MuQ and MusicFM at full size: processor time of a window of 5 s as a ratio to PyTorch in eager mode
//! with the whole MERT-v1-95M, to our whole graph of that in single precision, and to PyTorch with the model itself
//! (the reference in `tests/fixtures/checkpoints`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cost::Cost;
use super::{Peer, Quantiles, Row, processor_ms, ratios, rounds};
use crate::parity;
use crate::process::{self, Clock, Progress};
use crate::workspace::Workspace;

/// The models, each with the hidden state after which it is cut: that of its key head, as its card or a study of
/// its layers recommends.
const MODELS: [(&str, &str); 5] = [
    ("MERT-v2-30s", "3"),
    ("MERT-v2-FullSong", "22"),
    ("MuQ-large-msd-iter", "5"),
    ("MusicFM-MSD", "3"),
    ("MusicFM-FMA", "3"),
];

/// The model that all are compared with, and its hidden state that both sides must agree on.
const YARDSTICK: (&str, &str) = ("MERT-v1-95M", "7");

/// The sides with the yardstick, and PyTorch with the model itself: the names of the ratios to them.
const OTHERS: [&str; 3] = [
    "PyTorch's MERT-v1-95M",
    "our MERT-v1-95M in fp32",
    "PyTorch",
];

/// A form of our graph: its precision, whether it is cut, the largest difference from PyTorch's result as a part of
/// it, and for MERT-v2-30s the aim.
const FORMS: [(&str, bool, f64, &str); 4] = [
    ("fp32", false, 1e-3, ""),
    ("fp32", true, 1e-3, "≤ 0.40 × PyTorch's MERT-v1-95M"),
    ("int8", false, 0.05, "≤ 0.55 × PyTorch"),
    ("int8", true, 0.05, "≤ 0.25 × PyTorch's MERT-v1-95M"),
];

/// Rows for those of [`MODELS`] that are named, for all if none is.
pub(super) fn measure(
    workspace: &Workspace,
    python: &Path,
    latency: &Path,
    names: &[String],
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let wanted = MODELS
        .iter()
        .filter(|(model, _)| names.is_empty() || names.iter().any(|name| name == model));
    for (model, cut) in wanted {
        let place = workspace.target.join("bench").join("newer");
        let bench = NewerBench {
            workspace,
            model,
            cut,
            python,
            latency,
            place: &place,
        };
        let measured = parity::make_weights(workspace, python, &[YARDSTICK.0, *model], &place)
            .and_then(|()| bench.measure());
        // Gigabytes are not left behind, also after a failure.
        fs::remove_dir_all(&place)
            .with_context(|| format!("{} cannot be removed", place.display()))?;
        rows.extend(measured?);
    }
    Ok(rows)
}

struct NewerBench<'a> {
    workspace: &'a Workspace,
    model: &'a str,
    /// The hidden state after which the graph is cut.
    cut: &'a str,
    python: &'a Path,
    /// The program `window_latency`.
    latency: &'a Path,
    /// The folder of the checkpoints.
    place: &'a Path,
}

impl NewerBench<'_> {
    /// All sides take turns, a window each.
    fn measure(&self) -> Result<Vec<Row>> {
        process::heading(&format!("{}, one thread", self.model));
        let _clock = Clock::start(Progress::Silent);
        let mut sides = self.sides()?;
        let costs = rounds(&mut sides)?;
        let (others, ours) = costs.split_at(OTHERS.len());
        let mut rows = vec![self.row("PyTorch", &others[2], others, "")];
        for ((precision, cut, _, aim), cost) in FORMS.iter().zip(ours) {
            let aim = if self.model == "MERT-v2-30s" {
                *aim
            } else {
                ""
            };
            rows.push(self.row(&self.name(precision, *cut), cost, others, aim));
        }
        Ok(rows)
    }

    fn name(&self, precision: &str, cut: bool) -> String {
        if cut {
            format!("{precision}, cut after {}", self.cut)
        } else {
            format!("{precision}, all layers")
        }
    }

    fn row(&self, name: &str, cost: &[Cost], others: &[Vec<Cost>], aim: &'static str) -> Row {
        let to = |n: usize| ratios(cost, &others[n]);
        let first = to(0);
        Row {
            what: format!("{}, {name}", self.model),
            figure: format!("{:.2} × {}", first.median, OTHERS[0]),
            spread: format!(
                "p10 {:.2}, p90 {:.2}; {:.2} × {}; {:.2} × {}; processor time {:.0} ms",
                first.p10,
                first.p90,
                to(1).median,
                OTHERS[1],
                to(2).median,
                OTHERS[2],
                Quantiles::of(&processor_ms(cost)).median,
            ),
            aim,
        }
    }

    /// [`OTHERS`], then each of [`FORMS`], which must agree with the last of them.
    fn sides(&self) -> Result<Vec<Peer>> {
        let yardstick = self.place.join(YARDSTICK.0);
        let model = self.place.join(self.model);
        let mut sides = vec![
            Peer::start(self.eager(&yardstick, YARDSTICK.1))?,
            Peer::start(self.ours(&yardstick, "fp32", YARDSTICK.1))?,
            Peer::start(self.eager(&model, self.cut))?,
        ];
        self.agree(&sides[0], &sides[1], YARDSTICK.0, 1e-3)?;
        for (precision, cut, tolerance, _) in FORMS {
            let mut ours = self.ours(&model, precision, self.cut);
            if cut {
                ours.args(["--cut", self.cut]);
            }
            let side = Peer::start(ours)?;
            self.agree(&sides[2], &side, &self.name(precision, cut), tolerance)?;
            sides.push(side);
        }
        Ok(sides)
    }

    fn agree(&self, theirs: &Peer, ours: &Peer, name: &str, tolerance: f64) -> Result<()> {
        let (theirs, ours) = (theirs.mean, ours.mean);
        if (ours - theirs).abs() > tolerance * theirs.abs() {
            let model = self.model;
            bail!("{model}, {name}: a hidden state is {ours} on average, in PyTorch {theirs}");
        }
        Ok(())
    }

    fn eager(&self, checkpoint: &Path, probe: &str) -> Command {
        let mut command = Command::new(self.python);
        command.arg(self.workspace.file("xtask/bench/model_latency.py"));
        command.arg(checkpoint).args(["1", "5", "eager", probe]);
        command
    }

    fn ours(&self, checkpoint: &Path, precision: &str, probe: &str) -> Command {
        let mut command = Command::new(self.latency);
        command.args(["--threads", "1", "--seconds", "5", "--probe", probe]);
        command.args(["--precision", precision, "--model"]);
        command.arg(checkpoint);
        // The folder of the graphs, on Linux: apart from the user's own.
        command.env("XDG_CACHE_HOME", self.cache());
        command
    }

    fn cache(&self) -> PathBuf {
        self.place.join("cache")
    }
}
