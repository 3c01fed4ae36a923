//! Many files into Parquet parts: which files a run does, and the work on one after another.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use mertscope_parts::work::{NamedFile, Watch};
use mertscope_parts::{
    FileOutcome, OpenParts, PartsError, RecordBatch, Shard, Standing, Start, error_of,
    relative_path,
};

use crate::arguments::BatchArguments;
use crate::inputs::{Input, Inputs};
use crate::progress::Bar;
use crate::{UsageError, interrupt, log};

/// A file with its path inside the root, and its name in messages.
struct Named {
    path: String,
    file: PathBuf,
    name: String,
}

impl Named {
    fn of((path, file): (String, PathBuf)) -> Self {
        let name = file.display().to_string();
        Self { path, file, name }
    }

    fn as_named(&self) -> NamedFile<'_> {
        NamedFile {
            path: &self.path,
            file: &self.file,
            name: &self.name,
        }
    }
}

/// Keeps only what the shard of `batch` does, if it names one. Folders that can't be searched are named in each shard.
///
/// # Errors
/// When a file is outside the root, or standard input is to be sharded.
pub(crate) fn keep_shard(
    inputs: &mut Inputs,
    batch: &BatchArguments,
    given: &[PathBuf],
) -> anyhow::Result<()> {
    let Some(shard) = batch.shard else {
        return Ok(());
    };
    let root = root(batch, given);
    let mut kept = Vec::new();
    for input in std::mem::take(&mut inputs.list) {
        if let Input::File(file) = &input
            && !shard.holds(&inside(file, &root)?)
        {
            continue;
        }
        refuse_standard_input(&input)?;
        kept.push(input);
    }
    inputs.list = kept;
    Ok(())
}

fn refuse_standard_input(input: &Input) -> Result<(), UsageError> {
    if *input == Input::Standard {
        let text = "Standard input has no path for a shard or a part; name files or folders.";
        return Err(UsageError(text.to_owned()));
    }
    Ok(())
}

/// The folder that paths are relative to.
fn root(batch: &BatchArguments, given: &[PathBuf]) -> PathBuf {
    match (&batch.root, given) {
        (Some(root), _) => root.clone(),
        (None, [folder]) if batch.files_from.is_none() && folder.is_dir() => folder.clone(),
        (None, _) => PathBuf::from("."),
    }
}

fn inside(file: &Path, root: &Path) -> Result<String, UsageError> {
    relative_path(file, root).ok_or_else(|| {
        UsageError(format!(
            "{} is not inside {}; name a folder that holds all files with --root, the same for all shards.",
            file.display(),
            root.display()
        ))
    })
}

/// A run over many files.
pub(crate) struct Batch {
    files: Vec<Named>,
    /// Whether no folder was left out.
    all_well: bool,
    parts: OpenParts,
    quiet: bool,
}

/// What has become of the files.
#[derive(Default)]
struct Counts {
    done: usize,
    failed: usize,
    earlier: usize,
    earlier_failed: usize,
}

/// The results of one file; `None` when the work was interrupted.
type Rows = Result<Option<RecordBatch>, PartsError>;

impl Batch {
    /// Opens the parts of `start` for the files that `batch` leaves of `inputs`.
    ///
    /// # Errors
    /// When a file is outside the root, or the parts can't be opened.
    pub(crate) fn open(
        inputs: Inputs,
        batch: &BatchArguments,
        given: &[PathBuf],
        start: Start<'_>,
        quiet: bool,
    ) -> anyhow::Result<Self> {
        let root = root(batch, given);
        let mut all_well = true;
        let mut files: HashMap<String, PathBuf> = HashMap::new();
        for input in inputs.list {
            refuse_standard_input(&input)?;
            match input {
                Input::File(file) => drop(files.insert(inside(&file, &root)?, file)),
                Input::Unusable(_, reason) => {
                    log(&reason);
                    all_well = false;
                }
                Input::Standard => {}
            }
        }
        let parts = OpenParts::open(start)?;
        parts.remarks().iter().for_each(|remark| log(remark));
        let mut files: Vec<Named> = files.into_iter().map(Named::of).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            files,
            all_well,
            parts,
            quiet,
        })
    }

    /// Does `work` on each file that is not done, and writes its rows; `true` when every file has results. Ends the
    /// program, with all finished files on disk, when it is interrupted.
    ///
    /// # Errors
    /// When the parts can't be written; those that are finished stay.
    pub(crate) fn run(
        mut self,
        out: &Path,
        work: &dyn Fn(&NamedFile<'_>, FileOutcome, &mut Watch<'_>) -> Rows,
    ) -> anyhow::Result<bool> {
        let stopped = interrupt::listen();
        let mut counts = Counts::default();
        let open = self.open_files(&mut counts);
        self.parts.forget(
            &open
                .iter()
                .map(|named| named.path.clone())
                .collect::<HashSet<_>>(),
        )?;
        let bar = Bar::new(self.quiet);
        let mut is_complete = true;
        for (number, named) in open.iter().enumerate() {
            bar.file(&named.name, number + 1, open.len());
            let rows = if interrupt::is_requested() {
                None
            } else {
                let file = named.as_named();
                let mut watch = Watch {
                    progress: &mut |done_s, promised_s| bar.position(done_s, promised_s),
                    stopped,
                };
                work(&file, file.look(), &mut watch)?
            };
            let Some(rows) = rows else {
                is_complete = false;
                break;
            };
            let error = error_of(&rows);
            bar.pause(|| error.iter().for_each(|error| log(error)));
            counts.done += 1;
            counts.failed += usize::from(error.is_some());
            self.parts.add(&rows)?;
        }
        bar.finish();
        self.parts.finish(is_complete)?;
        if !self.quiet || !is_complete {
            log(&counts.sentence(out));
        }
        if !is_complete {
            log("Stopped; --resume goes on from here.");
            interrupt::end();
        }
        Ok(self.all_well && counts.failed + counts.earlier_failed == 0)
    }

    /// The files that have no rows as they are.
    fn open_files(&mut self, counts: &mut Counts) -> Vec<Named> {
        let mut open = Vec::new();
        for named in std::mem::take(&mut self.files) {
            match self.parts.standing(&named.path, &named.file) {
                Standing::Open => open.push(named),
                Standing::Done { failed } => {
                    counts.earlier += 1;
                    counts.earlier_failed += usize::from(failed);
                }
                Standing::Gone => {
                    log(&format!(
                        "{} can't be read any more; its results from an earlier run stay.",
                        named.name
                    ));
                    counts.earlier += 1;
                    self.all_well = false;
                }
            }
        }
        open
    }
}

impl Counts {
    fn sentence(&self, out: &Path) -> String {
        let files = |count| match count {
            1 => "1 file".to_owned(),
            count => format!("{count} files"),
        };
        let mut text = format!("{}: {} done", out.display(), files(self.done));
        if self.failed > 0 {
            text.push_str(&format!(", {} of them failed", self.failed));
        }
        if self.earlier > 0 {
            text.push_str(&format!("; {} done earlier", files(self.earlier)));
        }
        if self.earlier_failed > 0 {
            text.push_str(&format!(", {} of them failed", self.earlier_failed));
        }
        text + "."
    }
}

/// The shard to write.
pub(crate) fn shard(batch: &BatchArguments) -> Shard {
    batch.shard.unwrap_or(Shard::ALL)
}
