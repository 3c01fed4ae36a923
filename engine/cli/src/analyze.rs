//! `mertscope analyze`: key and genre of audio files, over time.

mod parts;

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use mertscope_engine::analyze::{AnalyzeError, AnalyzeOptions, Analyzer, StreamEnd};
use mertscope_export::midi::{KeyChanges, midi};
use mertscope_export::{AnalysisRun, FileEnd, FileReport, plot};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::timeline::{TimedResult, Timeline};

use crate::arguments::AnalyzeArguments;
use crate::batch;
use crate::files::{is_png, write};
use crate::inputs::{self, Input};
use crate::interrupt;
use crate::models::no_heads;
use crate::output::{Format, Results};
use crate::progress::Bar;
use crate::{error_text, load, log, report_fallbacks};

/// Runs the command; `true` when every file was analyzed.
pub(crate) fn run(arguments: &AnalyzeArguments) -> anyhow::Result<bool> {
    let (runtime, mut package) = load(&arguments.model)?;
    for head in &arguments.heads {
        package = Arc::new(Arc::unwrap_or_clone(package).with_head(head)?);
    }
    let options = AnalyzeOptions {
        hop_s: arguments.hop,
        smoothing: !arguments.no_smoothing,
        threads: arguments.model.threads(),
        precision: arguments.model.precision(),
        device: arguments.model.device(),
    };
    let analyzer = Analyzer::new(runtime, package.clone(), options)?;
    let run = analyzer.describe(runtime);
    let quiet = arguments.quiet;
    if !quiet {
        report_heads(&package);
        report_fallbacks(analyzer.device());
        log(&run_line(&run, arguments));
    }
    let list = arguments.batch.files_from.as_deref();
    let mut inputs = inputs::find_listed(&arguments.inputs, list)?;
    if !quiet {
        inputs.remarks.iter().for_each(|remark| log(remark));
    }
    batch::keep_shard(&mut inputs, &arguments.batch, &arguments.inputs)?;
    if let Some(out) = &arguments.out {
        return parts::write(arguments, out, &analyzer, &run, inputs);
    }
    print(arguments, &analyzer, &run, &inputs.list)
}

/// Analyzes the inputs onto standard output; `true` when every file was analyzed.
fn print(
    arguments: &AnalyzeArguments,
    analyzer: &Analyzer,
    run: &AnalysisRun,
    inputs: &[Input],
) -> anyhow::Result<bool> {
    let quiet = arguments.quiet;

    let format = format(arguments);
    let results = Results::new(format, run)?;
    // Windows that run over the terminal are progress enough, and must not mix with the bar.
    let bar = Bar::new(quiet || (format != Format::Table && io::stdout().is_terminal()));
    let (closing, bar_to_hide) = (results.clone(), bar.clone());
    interrupt::close_and_end(move || {
        bar_to_hide.finish();
        closing.stop();
        log("Stopped; the results so far are complete.");
    });
    let mut session = Session {
        analyzer,
        run,
        results,
        bar,
        plots: OutputPaths::new(arguments.plot.as_deref(), inputs.len()),
        midis: OutputPaths::new(arguments.midi.as_deref(), inputs.len()),
        quiet,
    };
    let mut all_well = true;
    for (number, input) in inputs.iter().enumerate() {
        let file = input.name();
        session.bar.file(&file, number + 1, inputs.len());
        all_well &= session
            .file(input, file.clone())
            .with_context(|| format!("The results of {file} are not complete"))?;
    }
    session.bar.finish();
    session.results.finish()?;
    Ok(all_well)
}

/// The analysis of one file after another.
struct Session<'a> {
    analyzer: &'a Analyzer,
    run: &'a AnalysisRun,
    results: Results,
    bar: Bar,
    plots: OutputPaths<'a>,
    midis: OutputPaths<'a>,
    quiet: bool,
}

/// What the files beside the results need of the windows; nothing when they are not asked for.
#[derive(Default)]
struct Kept {
    for_plot: Option<Timeline>,
    for_midi: Option<KeyChanges>,
}

impl Kept {
    fn add(&mut self, timed: &TimedResult) {
        if let Some(timeline) = &mut self.for_plot {
            timeline.results.push(plot::shown(timed));
        }
        if let Some(changes) = &mut self.for_midi {
            changes.add(timed);
        }
    }
}

impl Session<'_> {
    /// Analyzes one file and writes its results; `false` when it could not be analyzed to its end, or a file beside the
    /// results could not be written.
    ///
    /// # Errors
    /// When the results can't be written.
    fn file(&mut self, input: &Input, file: String) -> anyhow::Result<bool> {
        self.results.begin(&file)?;
        let (plot, midi) = (self.plots.path(input), self.midis.path(input));
        let mut kept = Kept {
            for_plot: plot.is_some().then(|| self.analyzer.empty_timeline()),
            for_midi: midi.is_some().then(KeyChanges::default),
        };
        let end = self.analyze(input, &file, &mut kept)?;
        // Results must not mix with the bar on a terminal that shows both.
        let bar = self.bar.clone();
        bar.pause(|| -> anyhow::Result<bool> {
            log_end(&file, &end, self.quiet);
            self.results.end(&end)?;
            if end.outcome.is_err() {
                return Ok(false);
            }
            Ok(self.write_beside(file, end, kept, (plot, midi)))
        })
    }

    fn analyze(&self, input: &Input, file: &str, kept: &mut Kept) -> io::Result<FileEnd> {
        let mut sink = |timed: TimedResult| {
            kept.add(&timed);
            self.results.window(&timed)
        };
        let mut progress = |done_s, promised_s| self.bar.position(done_s, promised_s);
        let streamed = match input.open() {
            Err(error) => Err(error.to_string()),
            Ok(decoder) => match self
                .analyzer
                .stream(decoder, file, &mut sink, &mut progress)
            {
                Err(AnalyzeError::Sink { source, .. }) => return Err(source),
                streamed => streamed.map_err(|error| error.to_string()),
            },
        };
        Ok(match streamed {
            Ok(StreamEnd {
                duration_s,
                summary,
                notices,
            }) => FileEnd {
                duration_s: Some(duration_s),
                notices,
                outcome: Ok(summary),
            },
            Err(error) => FileEnd {
                duration_s: None,
                notices: Vec::new(),
                outcome: Err(error),
            },
        })
    }

    /// Writes the files beside the results that were asked for; `false` when one can't be written.
    fn write_beside(
        &self,
        file: String,
        end: FileEnd,
        kept: Kept,
        (plot, midi_file): (Option<PathBuf>, Option<PathBuf>),
    ) -> bool {
        let mut is_written = true;
        if let (Some(path), Some(changes)) = (midi_file, kept.for_midi) {
            is_written &= write_logged("MIDI file", &path, Ok(midi(&file, &changes)), self.quiet);
        }
        if let (Some(path), Some(timeline)) = (plot, kept.for_plot) {
            let report = FileReport {
                file,
                duration_s: end.duration_s,
                notices: end.notices,
                outcome: Ok(timeline),
            };
            is_written &= write_logged("plot", &path, draw(&path, self.run, &report), self.quiet);
        }
        is_written
    }
}

/// Logs the heads that can't be used, or how to get some for a model without.
fn report_heads(package: &ModelPackage) {
    package.notices.iter().for_each(|notice| log(&notice.text));
    if package.heads.is_empty() {
        log(&no_heads(package));
    }
}

/// Logs a file's error, or its notices unless `quiet`.
fn log_end(file: &str, end: &FileEnd, quiet: bool) {
    match &end.outcome {
        Err(error) => log(error),
        Ok(_) if quiet => {}
        Ok(_) => end
            .notices
            .iter()
            .for_each(|notice| log(&format!("{file}: {}", notice.text))),
    }
}

/// Writes a plot or MIDI file, and logs the outcome; `false` when it fails.
fn write_logged(noun: &str, path: &Path, bytes: anyhow::Result<Vec<u8>>, quiet: bool) -> bool {
    match bytes.and_then(|bytes| write(noun, path, &bytes)) {
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
