//! The MERT family at full size, with random weights: our engine against PyTorch in eager mode.
//!
//! PyTorch and four of our sessions (fp32 and int8, all hidden states and only number 7) take turns,
//! a window each, so that other work on the machine affects all alike. On a busy machine wall time
//! says little, so ratios are of processor time; wall time is shown beside it.

mod cost;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::peer::{self, Peer};
use super::statistics::Quantiles;
use super::table::Row;
use crate::parity;
use crate::process::{self, Clock, Progress};
use crate::workspace::Workspace;
use cost::Cost;

/// A model and its aims: the largest ratio to PyTorch with 1 and 2 threads, for each of [`VARIANTS`];
/// empty when there is none.
struct Aims {
    model: &'static str,
    /// Windows to measure, in seconds; the aims are for the first.
    seconds: &'static [&'static str],
    ratios: [[&'static str; 2]; 4],
}

/// The window, in seconds, that all are measured on, so that they can be compared.
const WINDOW: &[&str] = &["5"];

const MODELS: [Aims; 5] = [
    aims("MERT-v0-public", [["", ""]; 4]),
    aims("MERT-v0", [["", ""]; 4]),
    aims(
        "MERT-v1-95M",
        [
            ["≤ 0.83 ×", "≤ 0.70 ×"],
            ["≤ 0.62 ×", ""],
            ["≤ 0.53 ×", ""],
            ["≤ 0.45 ×", ""],
        ],
    ),
    aims(
        "MERT-v1-330M",
        [["", ""], ["", ""], ["≤ 0.46 ×", ""], ["", ""]],
    ),
    Aims {
        // Its own window is 30 s long.
        seconds: &["5", "30"],
        ..aims(
            "music2vec-v1",
            [["≤ 0.75 ×", ""], ["", ""], ["", ""], ["", ""]],
        )
    },
];

const fn aims(model: &'static str, ratios: [[&'static str; 2]; 4]) -> Aims {
    Aims {
        model,
        seconds: WINDOW,
        ratios,
    }
}

/// Our measured sessions: name, the arguments that select it, and the largest difference of its result
/// from PyTorch's, as a fraction of that.
const VARIANTS: [(&str, &[&str], f64); 4] = [
    ("fp32, all layers", &[], 1e-3),
    ("fp32, cut after 7", &["--cut"], 1e-3),
    ("int8, all layers", &["--int8"], 0.05),
    ("int8, cut after 7", &["--int8", "--cut"], 0.05),
];

const THREADS: [usize; 2] = [1, 2];
const WARM_UP: usize = 1;
const ROUNDS: usize = 7;

/// Rows for these models, for all if none is named.
pub(super) fn measure(workspace: &Workspace, names: &[String]) -> Result<Vec<Row>> {
    let python = parity::environment(workspace)?;
    let program = peer::build(workspace)?;
    let mut rows = Vec::new();
    let wanted = MODELS
        .iter()
        .filter(|aims| names.is_empty() || names.iter().any(|name| name == aims.model));
    for aims in wanted {
        let place = workspace.target.join("bench").join("models");
        let bench = ModelBench {
            aims,
            python: &python,
            program: &program,
            latency: workspace.file("xtask/bench/model_latency.py"),
            checkpoint: place.join(aims.model),
            cache: place.join("cache"),
        };
        let measured = parity::make(workspace, &python, aims.model, &bench.checkpoint)
            .and_then(|()| bench.measure());
        // Gigabytes are not left behind, also after a failure.
        fs::remove_dir_all(&place)
            .with_context(|| format!("{} cannot be removed", place.display()))?;
        rows.extend(measured?);
    }
    Ok(rows)
}

struct ModelBench<'a> {
    aims: &'a Aims,
    python: &'a Path,
    program: &'a Path,
    latency: PathBuf,
    checkpoint: PathBuf,
    cache: PathBuf,
}

impl ModelBench<'_> {
    fn measure(&self) -> Result<Vec<Row>> {
        let file_bytes = fs::metadata(self.checkpoint.join("pytorch_model.bin"))?.len();
        let mut rows = self.first_uses(file_bytes as f64)?;
        for seconds in self.aims.seconds {
            for threads in THREADS {
                rows.extend(self.take_turns(threads, seconds)?);
            }
        }
        Ok(rows)
    }

    fn ours(&self, threads: usize, seconds: &str, chosen: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(["--threads", &threads.to_string()]);
        command.args(["--seconds", seconds, "--model"]);
        command.arg(&self.checkpoint).args(chosen);
        // The folder of the graphs, on Linux: apart from the user's own.
        command.env("XDG_CACHE_HOME", &self.cache);
        command
    }

    /// The cost of the conversion, which happens once, and of each session after it.
    fn first_uses(&self, file_bytes: f64) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut row = |what: String, figure: String, spread: String, aim| {
            rows.push(Row {
                what: format!("{}, {what}", self.aims.model),
                figure,
                spread,
                aim,
            });
        };
        for (name, chosen, _) in VARIANTS {
            process::heading(&format!(
                "{}, {name}: converting, then loading",
                self.aims.model
            ));
            let _clock = Clock::start(Progress::Silent);
            let first = Peer::start(self.ours(1, WINDOW[0], chosen))?;
            let (converted_ms, converting_bytes) = (first.made_ms, cost::peak_bytes(first.id())?);
            drop(first);
            let second = Peer::start(self.ours(1, WINDOW[0], chosen))?;
            let running_bytes = cost::peak_bytes(second.id())?;
            let conversion_s = (converted_ms - second.made_ms) / 1000.0;
            row(
                format!("{name}, conversion"),
                format!("{conversion_s:.1} s"),
                "first use less second".to_owned(),
                "≤ 5 s for 95M",
            );
            row(
                format!("{name}, peak memory of the first use"),
                format!("{:.2} × file", converting_bytes as f64 / file_bytes),
                format!("{:.0} MB", converting_bytes as f64 / 1e6),
                "≤ 2.5 × file",
            );
            row(
                format!("{name}, session made"),
                format!("{:.2} s", second.made_ms / 1000.0),
                format!("peak memory {:.0} MB", running_bytes as f64 / 1e6),
                "",
            );
        }
        Ok(rows)
    }

    /// Rows for windows of `seconds`: PyTorch's time, then the ratio of each of [`VARIANTS`].
    fn take_turns(&self, threads: usize, seconds: &str) -> Result<Vec<Row>> {
        let is_first = self.aims.seconds[0] == seconds;
        let model = if is_first {
            self.aims.model.to_owned()
        } else {
            format!("{} on {seconds} s", self.aims.model)
        };
        process::heading(&format!("{model}, threads: {threads}, {ROUNDS} rounds"));
        let _clock = Clock::start(Progress::Silent);
        let mut sides = self.sides(&model, threads, seconds)?;
        let costs = rounds(&mut sides)?;
        let mut rows = vec![Row {
            what: format!("{model}, PyTorch, threads: {threads}"),
            figure: format!("{:.0} ms", Quantiles::of(&walls(&costs[0])).median),
            spread: "wall time".to_owned(),
            aim: "",
        }];
        for (variant, (name, ..)) in VARIANTS.iter().enumerate() {
            let ours = &costs[variant + 1];
            let processor = ratios(ours, &costs[0], |cost| cost.processor_ms);
            let wall = ratios(ours, &costs[0], |cost| cost.wall_ms);
            let ms = Quantiles::of(&walls(ours)).median;
            rows.push(Row {
                what: format!("{model}, {name}, threads: {threads}"),
                figure: format!("{:.2} ×", processor.median),
                spread: format!(
                    "p10 {:.2}, p90 {:.2}; wall time {:.2} ×, {ms:.0} ms",
                    processor.p10, processor.p90, wall.median
                ),
                aim: match THREADS.iter().position(|known| *known == threads) {
                    Some(column) if is_first => self.aims.ratios[variant][column],
                    _ => "",
                },
            });
        }
        Ok(rows)
    }

    /// PyTorch, then each of [`VARIANTS`], which must agree with it.
    fn sides(&self, model: &str, threads: usize, seconds: &str) -> Result<Vec<Peer>> {
        let mut reference = Command::new(self.python);
        reference.arg(&self.latency).arg(&self.checkpoint);
        reference.args([&threads.to_string(), seconds]);
        let mut sides = vec![Peer::start(reference)?];
        for (name, chosen, tolerance) in VARIANTS {
            let side = Peer::start(self.ours(threads, seconds, chosen))?;
            let (ours, theirs) = (side.mean, sides[0].mean);
            if (ours - theirs).abs() > tolerance * theirs.abs() {
                bail!("{model}, {name}: hidden state 7 is {ours} on average, in PyTorch {theirs}");
            }
            sides.push(side);
        }
        Ok(sides)
    }
}

/// The costs of each side, round by round, after the warm-up.
fn rounds(sides: &mut [Peer]) -> Result<Vec<Vec<Cost>>> {
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); sides.len()];
    for round in 0..WARM_UP + ROUNDS {
        for turn in 0..sides.len() {
            // No side is always first.
            let side = (turn + round) % sides.len();
            let cost = cost::window(&mut sides[side])?;
            if round >= WARM_UP {
                costs[side].push(cost);
            }
        }
    }
    Ok(costs)
}

/// Our part of their cost, round by round.
fn ratios(ours: &[Cost], theirs: &[Cost], of: fn(&Cost) -> f64) -> Quantiles {
    let pairs = ours.iter().zip(theirs);
    Quantiles::of(
        &pairs
            .map(|(ours, theirs)| of(ours) / of(theirs))
            .collect::<Vec<_>>(),
    )
}

fn walls(costs: &[Cost]) -> Vec<f64> {
    costs.iter().map(|cost| cost.wall_ms).collect()
}
