//! `mertscope analyze`: key and genre of files, over time.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use mertscope_engine::analyse::{AnalyseOptions, Analyser};
use mertscope_engine::head::{Head, LayerInput};
use mertscope_engine::model::{Model, Runtime};

use crate::arguments::AnalyzeArguments;
use crate::inputs::{self, Input};
use crate::output::{Format, Writer};
use crate::progress::Bar;
use crate::report::{FileReport, HeadRef, Run, plot};
use crate::{load, log, tell_fallbacks};

/// Runs the command; the result says whether every file was analysed.
pub fn run(arguments: &AnalyzeArguments) -> anyhow::Result<bool> {
    let (runtime, model) = load(&arguments.model)?;
    let options = AnalyseOptions {
        hop_s: arguments.hop,
        smoothing: !arguments.no_smoothing,
        threads: arguments.model.threads(),
        device: arguments.model.device.clone(),
    };
    let analyser = Analyser::new(runtime, model.clone(), options)?;
    let run = describe(&model, runtime, &analyser);
    if !arguments.quiet {
        tell_fallbacks(analyser.device());
        log(&how(&run, arguments));
    }

    let inputs = inputs::find(&arguments.inputs);
    let mut pictures = Pictures::new(arguments.plot.as_deref(), inputs.len());
    let out = io::BufWriter::new(io::stdout().lock());
    let mut writer = Writer::new(out, format(arguments), &run)?;
    let bar = Bar::new(arguments.quiet);
    let mut all_well = true;
    for (number, input) in inputs.iter().enumerate() {
        bar.file(&input.name(), number + 1, inputs.len());
        let report = analyse(&analyser, input, &bar);
        // Results must not be mixed with the bar on a terminal that shows both.
        bar.pause(|| -> anyhow::Result<()> {
            match &report.outcome {
                Err(error) => {
                    all_well = false;
                    log(error);
                }
                Ok(_) if arguments.quiet => {}
                Ok(_) => report
                    .notes
                    .iter()
                    .for_each(|note| log(&format!("{}: {note}", report.file))),
            }
            writer.file(&report)?;
            if let Some(path) = pictures.path(input).filter(|_| report.outcome.is_ok()) {
                match draw(&path, &run, &report) {
                    Ok(()) if arguments.quiet => {}
                    Ok(()) => log(&format!("The plot is in {}.", path.display())),
                    Err(error) => {
                        all_well = false;
                        log(&format!("{error:#}"));
                    }
                }
            }
            Ok(())
        })?;
    }
    bar.finish();
    writer.finish()?;
    Ok(all_well)
}

/// A line that says what is done, and which hop is really used.
fn how(run: &Run, arguments: &AnalyzeArguments) -> String {
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

/// What is the same for all files.
fn describe(model: &Model, runtime: &Runtime, analyser: &Analyser) -> Run {
    let manifest = &model.manifest;
    Run {
        model_id: manifest.id.clone(),
        model_sha256: model.sha256().to_owned(),
        heads: model.heads.iter().map(head).collect(),
        device: analyser.device().name.clone(),
        precision: analyser.device().precision.id().to_owned(),
        onnxruntime: runtime.version.clone(),
        window_s: manifest.window_s(),
        hop_s: analyser.hop_s(),
    }
}

fn head(head: &Head) -> HeadRef {
    let layers = match &head.input {
        LayerInput::One(layer) => format!("layer {layer}"),
        LayerInput::Weighted(layers) => {
            let names: Vec<String> = layers.iter().map(|(n, _)| n.to_string()).collect();
            format!("layers {}, weighted", names.join(", "))
        }
    };
    HeadRef {
        task: head.task.clone(),
        sha256: head.sha256.clone(),
        layers,
        labels: head.labels.clone(),
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

fn analyse(analyser: &Analyser, input: &Input, bar: &Bar) -> FileReport {
    let file = input.name();
    let analysed = input
        .open()
        .map_err(|error| error.to_string())
        .and_then(|decoder| {
            let mut progress = |done, promised| bar.position(done, promised);
            analyser
                .analyse(decoder, &file, &mut progress)
                .map_err(|error| error.to_string())
        });
    match analysed {
        Ok(analysis) => FileReport {
            file,
            duration_s: Some(analysis.duration_s),
            notes: analysis.notes,
            outcome: Ok(analysis.timeline),
        },
        Err(error) => FileReport {
            file,
            duration_s: None,
            notes: Vec::new(),
            outcome: Err(error),
        },
    }
}

fn draw(path: &Path, run: &Run, report: &FileReport) -> anyhow::Result<()> {
    let svg = plot::svg(run, report);
    let png = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("png"));
    let bytes = if png {
        plot::png(&svg)?
    } else {
        svg.into_bytes()
    };
    fs::write(path, bytes).with_context(|| {
        format!(
            "The plot {} can't be written; check its folder and the free space",
            path.display()
        )
    })
}

/// Where plots go: as asked for one input, with the input's name added for several.
struct Pictures<'a> {
    asked: Option<&'a Path>,
    several: bool,
    taken: HashSet<PathBuf>,
}

impl<'a> Pictures<'a> {
    fn new(asked: Option<&'a Path>, inputs: usize) -> Self {
        Self {
            asked,
            several: inputs > 1,
            taken: HashSet::new(),
        }
    }

    fn path(&mut self, input: &Input) -> Option<PathBuf> {
        let asked = self.asked?;
        if !self.several {
            return Some(asked.to_owned());
        }
        let stem = asked.file_stem()?.to_string_lossy();
        let extension = asked.extension()?.to_string_lossy();
        let name = match input {
            Input::File(path) => path.file_stem()?.to_string_lossy().into_owned(),
            Input::Standard => "standard-input".to_owned(),
            Input::Nothing(..) => return None,
        };
        // Files of the same name in different folders get a number.
        (1..)
            .map(|n| match n {
                1 => format!("{stem}-{name}.{extension}"),
                n => format!("{stem}-{name}-{n}.{extension}"),
            })
            .map(|file| asked.with_file_name(file))
            .find(|path| self.taken.insert(path.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_of_several_inputs_have_names_of_their_own() {
        let mut one = Pictures::new(Some(Path::new("out/p.png")), 1);
        let input = |path: &str| Input::File(path.into());
        assert_eq!(one.path(&input("a.flac")), Some("out/p.png".into()));
        let mut several = Pictures::new(Some(Path::new("out/p.png")), 3);
        assert_eq!(several.path(&input("x/a.flac")), Some("out/p-a.png".into()));
        assert_eq!(
            several.path(&input("y/a.wav")),
            Some("out/p-a-2.png".into())
        );
        assert_eq!(
            several.path(&Input::Standard),
            Some("out/p-standard-input.png".into())
        );
        assert_eq!(Pictures::new(None, 1).path(&input("a.wav")), None);
    }
}
