//! `mertscope analyze`: key and genre of audio files, over time.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use mertscope_engine::analyze::{AnalyzeOptions, Analyzer};
use mertscope_export::midi::midi;
use mertscope_export::{AnalysisRun, FileReport, further_heads, named_heads, plot};
use mertscope_heads::package::ModelPackage;
use mertscope_model::Runtime;

use crate::arguments::AnalyzeArguments;
use crate::files::{is_png, write};
use crate::inputs::{self, Input, Inputs};
use crate::output::{Format, Writer};
use crate::progress::Bar;
use crate::{error_text, load, log, report_fallbacks};

/// Runs the command; `true` when every file was analyzed.
pub(crate) fn run(arguments: &AnalyzeArguments) -> anyhow::Result<bool> {
    let (runtime, package) = load(&arguments.model)?;
    let options = AnalyzeOptions {
        hop_s: arguments.hop,
        smoothing: !arguments.no_smoothing,
        threads: arguments.model.threads(),
        precision: arguments.model.precision(),
        device: arguments.model.device.clone(),
    };
    let analyzer = Analyzer::new(runtime, package.clone(), options)?;
    let run = describe(&package, runtime, &analyzer);
    if !arguments.quiet {
        report_fallbacks(analyzer.device());
        log(&run_line(&run, arguments));
    }

    let Inputs {
        list: inputs,
        remarks,
    } = inputs::find(&arguments.inputs);
    if !arguments.quiet {
        remarks.iter().for_each(|remark| log(remark));
    }
    let mut plots = OutputPaths::new(arguments.plot.as_deref(), inputs.len());
    let mut midis = OutputPaths::new(arguments.midi.as_deref(), inputs.len());
    let out = io::BufWriter::new(io::stdout().lock());
    let mut writer = Writer::new(out, format(arguments), &run)?;
    let bar = Bar::new(arguments.quiet);
    let mut all_well = true;
    for (number, input) in inputs.iter().enumerate() {
        bar.file(&input.name(), number + 1, inputs.len());
        let report = analyze(&analyzer, input, &bar);
        // Results must not mix with the bar on a terminal that shows both.
        all_well &= bar.pause(|| -> anyhow::Result<bool> {
            log_report(&report, arguments.quiet);
            writer.file(&report)?;
            let Ok(timeline) = &report.outcome else {
                return Ok(false);
            };
            let (plot, midi_file) = (plots.path(input), midis.path(input));
            let quiet = arguments.quiet;
            let is_drawn = write_beside("plot", plot, &|path| draw(path, &run, &report), quiet);
            let make_midi = |_: &Path| Ok(midi(&report.file, timeline));
            Ok(write_beside("MIDI file", midi_file, &make_midi, quiet) && is_drawn)
        })?;
    }
    bar.finish();
    writer.finish()?;
    Ok(all_well)
}

/// Logs a file's error, or its notices unless `quiet`.
fn log_report(report: &FileReport, quiet: bool) {
    match &report.outcome {
        Err(error) => log(error),
        Ok(_) if quiet => {}
        Ok(_) => report
            .notices
            .iter()
            .for_each(|notice| log(&format!("{}: {}", report.file, notice.text))),
    }
}

/// Writes a plot or MIDI file, if there is a path for it, and logs the outcome; `false` when it fails.
fn write_beside(noun: &str, path: Option<PathBuf>, bytes: MakeBytes<'_>, quiet: bool) -> bool {
    let Some(path) = path else {
        return true;
    };
    match bytes(&path).and_then(|bytes| write(noun, &path, &bytes)) {
        Ok(()) => {
            if !quiet {
                log(&format!("The {noun} is in {}.", path.display()));
            }
            true
        }
        Err(error) => {
            log(&error_text(&error));
            false
        }
    }
}

/// A line on the run, with the hop in use.
fn run_line(run: &AnalysisRun, arguments: &AnalyzeArguments) -> String {
    let rounded = if (run.hop_s - arguments.hop).abs() > 1e-9 {
        format!(" ({} s, rounded to whole frames)", arguments.hop)
    } else {
        String::new()
    };
    format!(
        "{}: windows of {} s, a hop of {} s{rounded}, on the {} with ONNX Runtime {} and threads: {}.",
        run.model_id,
        run.window_s,
        run.hop_s,
        run.device,
        run.onnxruntime,
        arguments.model.threads()
    )
}

/// The facts that are the same for all files.
fn describe(package: &ModelPackage, runtime: &Runtime, analyzer: &Analyzer) -> AnalysisRun {
    let manifest = &package.model.manifest;
    AnalysisRun {
        model_id: manifest.id.clone(),
        model_sha256: package.sha256().to_owned(),
        heads: named_heads(package),
        further: further_heads(package),
        references: Vec::new(),
        device: analyzer.device().name.clone(),
        precision: analyzer.device().precision.id().to_owned(),
        onnxruntime: runtime.version.clone(),
        window_s: manifest.window_s(),
        hop_s: analyzer.hop_s(),
    }
}

fn format(arguments: &AnalyzeArguments) -> Format {
    if arguments.json {
        Format::Json
    } else if arguments.jsonl {
        Format::JsonLines
    } else if arguments.csv {
        Format::Csv
    } else {
        Format::Table
    }
}

fn analyze(analyzer: &Analyzer, input: &Input, bar: &Bar) -> FileReport {
    let file = input.name();
    let analyzed = input
        .open()
        .map_err(|error| error.to_string())
        .and_then(|decoder| {
            let mut progress = |done, promised| bar.position(done, promised);
            analyzer
                .analyze(decoder, &file, &mut progress)
                .map_err(|error| error.to_string())
        });
    match analyzed {
        Ok(analysis) => FileReport {
            file,
            duration_s: Some(analysis.duration_s),
            notices: analysis.notices,
            outcome: Ok(analysis.timeline),
        },
        Err(error) => FileReport {
            file,
            duration_s: None,
            notices: Vec::new(),
            outcome: Err(error),
        },
    }
}

/// Makes the bytes of a file for this path.
type MakeBytes<'a> = &'a dyn Fn(&Path) -> anyhow::Result<Vec<u8>>;

fn draw(path: &Path, run: &AnalysisRun, report: &FileReport) -> anyhow::Result<Vec<u8>> {
    if is_png(path) {
        Ok(plot::png(run, report)?)
    } else {
        Ok(plot::svg(run, report).into_bytes())
    }
}

/// The paths of plots or MIDI files: the given path for one input, with the input's name added for
/// several.
struct OutputPaths<'a> {
    given: Option<&'a Path>,
    several: bool,
    taken: HashSet<PathBuf>,
}

impl<'a> OutputPaths<'a> {
    fn new(given: Option<&'a Path>, inputs: usize) -> Self {
        Self {
            given,
            several: inputs > 1,
            taken: HashSet::new(),
        }
    }

    fn path(&mut self, input: &Input) -> Option<PathBuf> {
        let given = self.given?;
        if !self.several {
            return Some(given.to_owned());
        }
        let stem = given.file_stem()?.to_string_lossy();
        let extension = given.extension()?.to_string_lossy();
        let name = match input {
            Input::File(path) => path.file_stem()?.to_string_lossy().into_owned(),
            Input::Standard => "standard-input".to_owned(),
            Input::Unusable(..) => return None,
        };
        // Files of the same name in different folders get a number.
        (1..)
            .map(|n| match n {
                1 => format!("{stem}-{name}.{extension}"),
                n => format!("{stem}-{name}-{n}.{extension}"),
            })
            .map(|file| given.with_file_name(file))
            .find(|path| self.taken.insert(path.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_inputs_get_output_files_with_distinct_names() {
        let mut one = OutputPaths::new(Some(Path::new("out/p.png")), 1);
        let input = |path: &str| Input::File(path.into());
        assert_eq!(one.path(&input("a.flac")), Some("out/p.png".into()));
        let mut several = OutputPaths::new(Some(Path::new("out/p.png")), 3);
        assert_eq!(several.path(&input("x/a.flac")), Some("out/p-a.png".into()));
        assert_eq!(
            several.path(&input("y/a.wav")),
            Some("out/p-a-2.png".into())
        );
        assert_eq!(
            several.path(&Input::Standard),
            Some("out/p-standard-input.png".into())
        );
        assert_eq!(OutputPaths::new(None, 1).path(&input("a.wav")), None);
    }
}
