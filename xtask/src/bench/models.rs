//! Published models at full size: our engine against PyTorch in eager mode and against what a user gets without us, a
//! plain export by `torch.onnx` in ONNX Runtime and in OpenVINO.
//!
//! All sides take turns, a window each, so that other work on the machine affects all alike. On a busy machine wall
//! time says little, so ratios are of processor time; wall time is shown beside it. Weights are random with the
//! activations of a trained network (`xtask/bench/healthy.py`), and accuracy is measured on music
//! (`engine/benches/model_error.rs`).

mod cost;
mod error;
mod newer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::demo_pieces;
use super::peer::{self, Peer};
use super::statistics::Quantiles;
use super::table::Row;
use crate::parity;
use crate::process::{self, Clock, Progress};
use crate::setup::{self, Pins};
use crate::workspace::Workspace;
use cost::Cost;

/// The models, and the windows to measure in seconds; accuracy is measured on the first.
const MODELS: [(&str, &[&str]); 5] = [
    ("MERT-v0-public", WINDOW),
    ("MERT-v0", WINDOW),
    ("MERT-v1-95M", WINDOW),
    ("MERT-v1-330M", WINDOW),
    // Its own window is 30 s long.
    ("music2vec-v1", &["5", "30"]),
];

/// The window that all are measured on, so that they can be compared.
const WINDOW: &[&str] = &["5"];

/// A form of our graph.
struct Form {
    name: &'static str,
    precision: &'static str,
    cut: bool,
    /// The largest difference of its result from PyTorch's, as a fraction of that.
    tolerance: f64,
    /// For MERT-v1-95M: the largest ratio to PyTorch, and the largest err.
    aims: [&'static str; 2],
}

const FORMS: [Form; 5] = [
    form("fp32, all layers", "fp32", false, 1e-3, ["", ""]),
    form("fp32, cut after 8", "fp32", true, 1e-3, ["", ""]),
    form(
        "int8, all layers",
        "int8",
        false,
        0.05,
        ["≤ 0.36 ×", "≤ 0.12"],
    ),
    form("int8, cut after 8", "int8", true, 0.05, ["", "≤ 0.2"]),
    form(
        "int8-fast, cut after 8",
        "int8-fast",
        true,
        0.05,
        ["≤ 0.24 ×", "≤ 0.2"],
    ),
];

const fn form(
    name: &'static str,
    precision: &'static str,
    cut: bool,
    tolerance: f64,
    aims: [&'static str; 2],
) -> Form {
    Form {
        name,
        precision,
        cut,
        tolerance,
        aims,
    }
}

/// The other sides: name, and the argument of `model_latency.py`. Ratios are to the first two.
const OTHERS: [(&str, &str); 3] = [
    ("PyTorch", "eager"),
    ("plain export in ONNX Runtime", "onnxruntime"),
    ("plain export in OpenVINO", "openvino"),
];

/// Python packages that export and run a plain graph, beside those of the reference.
const EXPORT: [&str; 3] = ["onnx==1.23.2", "onnxscript==0.7.2", "openvino==2026.4.1"];

const WARM_UP: usize = 1;
const ROUNDS: usize = 7;

/// Rows for these models, for all if none is named.
pub(super) fn measure(workspace: &Workspace, names: &[String]) -> Result<Vec<Row>> {
    let mut requirements: Vec<String> = parity::REQUIREMENTS.map(String::from).into();
    requirements.extend(EXPORT.map(String::from));
    requirements.push(format!("onnxruntime=={}", Pins::read(workspace)?.version));
    let python = setup::environment(workspace, "yardstick", &requirements)?;
    let latency = peer::build(workspace, "window_latency")?;
    let error = peer::build(workspace, "model_error")?;
    let mut rows = Vec::new();
    let wanted = MODELS
        .iter()
        .filter(|(model, _)| names.is_empty() || names.iter().any(|name| name == model));
    for (model, seconds) in wanted {
        let place = workspace.target.join("bench").join("models");
        let bench = ModelBench {
            workspace,
            model,
            seconds,
            python: &python,
            latency: &latency,
            error: &error,
            checkpoint: place.join(model),
            cache: place.join("cache"),
            music: place.join("music.f32"),
        };
        let measured = parity::make(workspace, &python, model, &bench.checkpoint)
            .and_then(|()| bench.make_healthy())
            .and_then(|()| bench.measure());
        // Gigabytes are not left behind, also after a failure.
        fs::remove_dir_all(&place)
            .with_context(|| format!("{} cannot be removed", place.display()))?;
        rows.extend(measured?);
    }
    rows.extend(newer::measure(workspace, &python, &latency, names)?);
    Ok(rows)
}

struct ModelBench<'a> {
    workspace: &'a Workspace,
    model: &'a str,
    seconds: &'a [&'a str],
    python: &'a Path,
    /// The programs `window_latency` and `model_error`.
    latency: &'a Path,
    error: &'a Path,
    checkpoint: PathBuf,
    cache: PathBuf,
    /// Windows of music, see `model_error`.
    music: PathBuf,
}

impl ModelBench<'_> {
    /// Writes the windows of music, and sets the checkpoint's activations on them.
    fn make_healthy(&self) -> Result<()> {
        let path = self.checkpoint.join("preprocessor_config.json");
        let settings: serde_json::Value = serde_json::from_slice(&fs::read(&path)?)?;
        let rate_hz = settings["sampling_rate"].to_string();
        let mut windows = Command::new(self.error);
        windows.args(["windows", &rate_hz]).arg(&self.music);
        windows.args(demo_pieces(self.workspace)?);
        process::run("Cutting windows of music", Progress::Silent, &mut windows)?;
        let mut healthy = Command::new(self.python);
        healthy.arg(self.workspace.file("xtask/bench/healthy.py"));
        healthy.arg(&self.checkpoint).arg(&self.music);
        let what = format!("Setting the activations of {} on music", self.model);
        process::run(&what, Progress::Silent, &mut healthy)?;
        Ok(())
    }

    fn measure(&self) -> Result<Vec<Row>> {
        let file_bytes = fs::metadata(self.checkpoint.join("pytorch_model.bin"))?.len();
        let mut rows = self.first_uses(file_bytes as f64)?;
        for form in FORMS.iter().filter(|form| form.precision != "fp32") {
            rows.push(self.accuracy(form)?);
        }
        for seconds in self.seconds {
            rows.extend(self.take_turns(seconds)?);
        }
        Ok(rows)
    }

    fn ours(&self, seconds: &str, form: &Form) -> Command {
        let mut command = Command::new(self.latency);
        command.args(["--threads", "1", "--seconds", seconds]);
        command.arg("--model").arg(&self.checkpoint);
        command.args(["--precision", form.precision]);
        command.args(["--probe", "7"]);
        if form.cut {
            // Those that the published heads of MERT-v1-95M for genre and key read.
            command.args(["--cut", "7,8"]);
        }
        self.with_cache(command)
    }

    /// The folder of the graphs, on Linux: apart from the user's own.
    fn with_cache(&self, mut command: Command) -> Command {
        command.env("XDG_CACHE_HOME", &self.cache);
        command
    }

    /// The aim, if it is for this model.
    fn aim(&self, form: &Form, n: usize) -> &'static str {
        if self.model == "MERT-v1-95M" {
            form.aims[n]
        } else {
            ""
        }
    }

    /// The cost of the conversion, which happens once, and of each session after it.
    fn first_uses(&self, file_bytes: f64) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut row = |what: String, figure: String, spread: String, aim| {
            rows.push(Row {
                what: format!("{}, {what}", self.model),
                figure,
                spread,
                aim,
            });
        };
        for form in &FORMS {
            let name = form.name;
            process::heading(&format!("{}, {name}: converting, then loading", self.model));
            let _clock = Clock::start(Progress::Silent);
            let first = Peer::start(self.ours(WINDOW[0], form))?;
            let (converted_ms, converting_bytes) = (first.made_ms, cost::peak_bytes(first.id())?);
            drop(first);
            let second = Peer::start(self.ours(WINDOW[0], form))?;
            let running_bytes = cost::peak_bytes(second.id())?;
            let conversion_s = (converted_ms - second.made_ms) / 1000.0;
            row(
                format!("{name}, conversion"),
                format!("{conversion_s:.1} s"),
                "first use less second, calibration included".to_owned(),
                "",
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

    /// The accuracy of a form against single precision.
    fn accuracy(&self, form: &Form) -> Result<Row> {
        let mut command = Command::new(self.error);
        let highest = if form.cut { "8" } else { "last" };
        command.arg("compare").arg(&self.checkpoint);
        command.args([form.precision, highest]).arg(&self.music);
        let found = error::compare(self.with_cache(command))?;
        Ok(Row {
            what: format!("{}, {}, err", self.model, form.name),
            figure: format!("{:.2}", found.err),
            spread: found.others(),
            aim: self.aim(form, 1),
        })
    }

    /// Rows for windows of `seconds`: the others' time, then the ratios of each of [`FORMS`].
    fn take_turns(&self, seconds: &str) -> Result<Vec<Row>> {
        let model = if self.seconds[0] == seconds {
            self.model.to_owned()
        } else {
            format!("{} on {seconds} s", self.model)
        };
        process::heading(&format!("{model}, one thread, {ROUNDS} rounds"));
        let _clock = Clock::start(Progress::Silent);
        let mut sides = self.sides(&model, seconds)?;
        let costs = rounds(&mut sides)?;
        let (others, ours) = costs.split_at(OTHERS.len());
        let mut rows = Vec::new();
        let all = OTHERS.iter().map(|(name, _)| *name).zip(others);
        let all = all.chain(FORMS.iter().map(|form| form.name).zip(ours));
        for (n, (name, cost)) in all.enumerate() {
            let to = |other: &[Cost]| ratios(cost, other);
            let to_eager = to(&others[0]);
            let walls: Vec<f64> = cost.iter().map(|cost| cost.wall_ms).collect();
            let form = n.checked_sub(OTHERS.len()).map(|n| &FORMS[n]);
            rows.push(Row {
                what: format!("{model}, {name}"),
                figure: format!("{:.2} ×", to_eager.median),
                spread: format!(
                    "p10 {:.2}, p90 {:.2}; {:.2} × plain export; processor time {:.0} ms, wall {:.0} ms",
                    to_eager.p10,
                    to_eager.p90,
                    to(&others[1]).median,
                    Quantiles::of(&processor_ms(cost)).median,
                    Quantiles::of(&walls).median
                ),
                aim: form.map_or("", |form| self.aim(form, 0)),
            });
        }
        Ok(rows)
    }

    /// [`OTHERS`], then each of [`FORMS`], which must agree with the first.
    fn sides(&self, model: &str, seconds: &str) -> Result<Vec<Peer>> {
        let mut sides: Vec<Peer> = Vec::new();
        let agree = |sides: &[Peer], side: &Peer, name: &str, tolerance: f64| {
            let theirs = sides.first().map_or(side.mean, |eager| eager.mean);
            if (side.mean - theirs).abs() > tolerance * theirs.abs() {
                let ours = side.mean;
                bail!("{model}, {name}: hidden state 7 is {ours} on average, in PyTorch {theirs}");
            }
            Ok(())
        };
        for (name, engine) in OTHERS {
            let mut other = Command::new(self.python);
            other.arg(self.workspace.file("xtask/bench/model_latency.py"));
            other.arg(&self.checkpoint).args(["1", seconds, engine]);
            let side = Peer::start(other)?;
            agree(&sides, &side, name, 1e-3)?;
            sides.push(side);
        }
        for form in &FORMS {
            let side = Peer::start(self.ours(seconds, form))?;
            agree(&sides, &side, form.name, form.tolerance)?;
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

/// Our part of their processor time, round by round.
fn ratios(ours: &[Cost], theirs: &[Cost]) -> Quantiles {
    let pairs = processor_ms(ours).into_iter().zip(processor_ms(theirs));
    Quantiles::of(
        &pairs
            .map(|(ours, theirs)| ours / theirs)
            .collect::<Vec<_>>(),
    )
}

fn processor_ms(costs: &[Cost]) -> Vec<f64> {
    costs.iter().map(|cost| cost.processor_ms).collect()
}
