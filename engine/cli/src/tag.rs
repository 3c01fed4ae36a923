//! `mertscope tag`: writes the keys of files into their tags, and takes them back.

mod field;
mod journal;
mod lists;
mod replace;

use std::io::Write;
use std::path::{Path, PathBuf};

use mertscope_engine::analyze::{AnalyzeOptions, Analyzer};
use mertscope_heads::timeline::Summary;
use mertscope_music::Key;

use crate::arguments::TagArguments;
use crate::inputs::{self, Input};
use crate::output::{PrintableOutput, StandardOutput};
use crate::progress::Bar;
use crate::{UsageError, files, interrupt, load, log, report_fallbacks};
use journal::{Entry, Journal};
use lists::Track;
use replace::Target;

/// Runs the command; `true` when nothing failed.
pub(crate) fn run(arguments: &TagArguments) -> anyhow::Result<bool> {
    let journal = Journal::new(arguments.journal.as_deref())?;
    if arguments.undo {
        return undo(arguments, &journal);
    }
    let inputs = inputs::find(&arguments.inputs);
    if !arguments.quiet {
        inputs.remarks.iter().for_each(|remark| log(remark));
    }
    let (runtime, package) = load(&arguments.model)?;
    let options = AnalyzeOptions {
        threads: arguments.model.threads(),
        precision: arguments.model.precision(),
        device: arguments.model.device(),
        ..AnalyzeOptions::default()
    };
    let analyzer = Analyzer::new(runtime, package, options)?;
    if !arguments.quiet {
        report_fallbacks(analyzer.device());
    }
    // A file is finished, so that its journal and its tag agree.
    interrupt::listen();
    let bar = Bar::new(arguments.quiet);
    let mut tagging = Tagging {
        arguments,
        journal,
        tracks: Vec::new(),
        bar,
    };
    let mut all_well = true;
    for (number, input) in inputs.list.iter().enumerate() {
        if interrupt::is_requested() {
            log("Stopped; the files above are done, and the next ones are as they were.");
            interrupt::end();
        }
        tagging
            .bar
            .file(&input.name(), number + 1, inputs.list.len());
        all_well &= tagging.input(input, &analyzer)?;
    }
    tagging.bar.finish();
    tagging.write_lists()?;
    Ok(all_well)
}

/// The work on one file after another.
struct Tagging<'a> {
    arguments: &'a TagArguments,
    journal: Journal,
    tracks: Vec<Track>,
    bar: Bar,
}

impl Tagging<'_> {
    /// Tags one input and prints what was done; `false` when it failed.
    fn input(&mut self, input: &Input, analyzer: &Analyzer) -> anyhow::Result<bool> {
        let file = match input {
            Input::File(file) => file,
            Input::Standard => {
                let text = "Standard input has no tag to write; name files or folders.";
                return Err(UsageError(text.to_owned()).into());
            }
            Input::Unusable(_, reason) => {
                log(reason);
                return Ok(false);
            }
        };
        let done = self.file(file, analyzer);
        let bar = self.bar.clone();
        bar.pause(|| match done {
            Ok(sentence) => {
                self.print(file, &sentence)?;
                Ok(true)
            }
            Err(error) => {
                log(&error);
                Ok(false)
            }
        })
    }

    fn print(&self, file: &Path, sentence: &str) -> anyhow::Result<()> {
        if !self.arguments.quiet {
            writeln!(
                PrintableOutput(StandardOutput::new()),
                "{}: {sentence}",
                file.display()
            )?;
        }
        Ok(())
    }

    /// Tags one file; what was done, or a sentence that names it.
    fn file(&mut self, file: &Path, analyzer: &Analyzer) -> Result<String, String> {
        // First, as it is quick to say that nothing can be written.
        let target = Target::open(file)?;
        let (duration_s, summary) = self.analyze(file, analyzer)?;
        let key = summary.and_then(|summary| summary.key?.answer.named());
        self.tracks.push(Track {
            file: file.to_owned(),
            duration_s,
            key,
        });
        match key {
            Some(key) => self.write(target, key),
            None => Ok("no clear key, nothing written".to_owned()),
        }
    }

    fn analyze(&self, file: &Path, analyzer: &Analyzer) -> Result<(f64, Option<Summary>), String> {
        let decoder = Input::File(file.to_owned())
            .open()
            .map_err(|error| error.to_string())?;
        let mut progress = |done_s, promised_s| self.bar.position(done_s, promised_s);
        let name = file.display().to_string();
        let streamed = analyzer.stream(decoder, &name, &mut |_| Ok(()), &mut progress);
        let end = streamed.map_err(|error| error.to_string())?;
        Ok((end.duration_s, end.summary))
    }

    fn write(&self, target: Target, key: Key) -> Result<String, String> {
        let text = self.arguments.notation.text(key);
        let before = target.key();
        match &before {
            Some(before) if *before == text => return Ok(format!("{text} is there already")),
            Some(before) if !self.arguments.overwrite => {
                return Ok(format!(
                    "{before} is there and stays; {text} was heard (--overwrite replaces it)"
                ));
            }
            _ => {}
        }
        let change = match &before {
            Some(before) => format!("{before} → {text}"),
            None => text.clone(),
        };
        if self.arguments.dry_run {
            return Ok(format!("{change} would be written"));
        }
        let path = target.path.clone();
        target.write(Some(&text), || {
            self.journal.add(&path, before.as_deref(), &text).map_err(|error| {
                format!(
                    "{} is as it was: the journal {} can't be written ({error}). Name another with --journal.",
                    path.display(),
                    self.journal.path().display()
                )
            })
        })?;
        Ok(format!("{change} written"))
    }

    fn write_lists(&self) -> anyhow::Result<()> {
        if let Some(path) = &self.arguments.m3u {
            files::write("playlist", path, lists::m3u(&self.tracks).as_bytes())?;
        }
        if let Some(path) = &self.arguments.rekordbox {
            let text = lists::rekordbox(&self.tracks, self.arguments.notation);
            files::write("collection", path, text.as_bytes())?;
        }
        Ok(())
    }
}

/// Takes back what the last run wrote, or what was last written into the files of the arguments.
fn undo(arguments: &TagArguments, journal: &Journal) -> anyhow::Result<bool> {
    let mut entries = journal.entries()?;
    let chosen = chosen(&entries, &arguments.inputs);
    if chosen.is_empty() {
        anyhow::bail!(
            "There is nothing to undo: the journal {} names no such file.",
            journal.path().display()
        );
    }
    let mut all_well = true;
    for entry in chosen {
        match take_back(&entry) {
            Ok(sentence) => {
                entries.retain(|other| *other != entry);
                journal.keep(&entries)?;
                if !arguments.quiet {
                    writeln!(
                        PrintableOutput(StandardOutput::new()),
                        "{}: {sentence}",
                        entry.file.display()
                    )?;
                }
            }
            Err(error) => {
                log(&error);
                all_well = false;
            }
        }
    }
    Ok(all_well)
}

/// The entries to take back, the newest first: all of the last run's, or the last of each file in `inputs`.
fn chosen(entries: &[Entry], inputs: &[PathBuf]) -> Vec<Entry> {
    let newest = entries.iter().rev();
    if inputs.is_empty() {
        let of_last_run =
            |entry: &&Entry| entries.last().is_some_and(|last| last.is_of_run_of(entry));
        return newest.filter(of_last_run).cloned().collect();
    }
    let named: Vec<PathBuf> = inputs::find(inputs)
        .list
        .into_iter()
        .filter_map(|input| match input {
            Input::File(file) => dunce::canonicalize(file).ok(),
            Input::Standard | Input::Unusable(..) => None,
        })
        .collect();
    let mut files: Vec<&PathBuf> = Vec::new();
    let mut chosen = Vec::new();
    for entry in newest {
        if named.contains(&entry.file) && !files.contains(&&entry.file) {
            files.push(&entry.file);
            chosen.push(entry.clone());
        }
    }
    chosen
}

/// Puts the key back that was there before, unless it was changed since.
fn take_back(entry: &Entry) -> Result<String, String> {
    let target = Target::open(&entry.file)?;
    let now = target.key();
    if now == entry.before {
        return Ok("is as it was before".to_owned());
    }
    if now.as_deref() != Some(&*entry.after) {
        let now = now.unwrap_or_else(|| "no key".to_owned());
        return Err(format!(
            "{} was left alone: it has {now} now, not the {} that was written. Change it with a tag editor.",
            entry.file.display(),
            entry.after
        ));
    }
    target.write(entry.before.as_deref(), || Ok(()))?;
    Ok(match &entry.before {
        Some(before) => format!("{before} is back"),
        None => "the key is removed".to_owned(),
    })
}
