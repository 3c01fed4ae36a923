//! Background jobs of the study state, on job threads beside the worker: fitting and saving heads,
//! making references of files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::USER_HEAD_TASK;
use super::file::FileJob;
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::Head;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::reference::Reference;
use mertscope_heads::user_store::{StoredKind, UserStore};
use mertscope_model::panic_message;
use mertscope_model::thread::Jobs;

/// A background job.
pub(crate) enum BackgroundJob {
    /// Fits a head on labeled examples.
    Fit {
        examples: LabeledExamples,
        package: Arc<ModelPackage>,
    },
    /// Fits a head on labeled examples and stores it under a name.
    Save {
        examples: LabeledExamples,
        package: Arc<ModelPackage>,
        name: String,
    },
    /// Makes a reference of a file.
    File(FileJob),
}

/// An event of a background job; errors are sentences.
pub(crate) enum JobEvent {
    /// The end of a fit: the head, or the reason for none.
    Fitted(Result<Box<Head>, String>),
    /// The end of a save: a sentence on the saved head, or the reason for none.
    Saved(Result<String, String>),
    /// Analyzed seconds of a file, and its length in seconds from its header.
    Progress(f64, Option<f64>),
    /// The end of a file: the reference, or the reason for none.
    File(Result<Reference, String>),
}

/// The kinds of background jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JobKind {
    Fit,
    Save,
    File,
}

impl JobKind {
    /// The last event of a failed job, with a sentence for the user.
    pub(crate) fn failed(self, reason: String) -> JobEvent {
        match self {
            Self::Fit => JobEvent::Fitted(Err(reason)),
            Self::Save => JobEvent::Saved(Err(reason)),
            Self::File => JobEvent::File(Err(reason)),
        }
    }

    /// The name of its thread.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Save => "save",
            Self::File => "file",
        }
    }
}

impl BackgroundJob {
    pub(crate) const fn kind(&self) -> JobKind {
        match self {
            Self::Fit { .. } => JobKind::Fit,
            Self::Save { .. } => JobKind::Save,
            Self::File(_) => JobKind::File,
        }
    }

    /// Runs the job and reports its events; a panic becomes a failure.
    pub(crate) fn run(self, jobs: &Jobs, report: &dyn Fn(JobEvent)) {
        let kind = self.kind();
        let ended = catch_unwind(AssertUnwindSafe(|| self.last_event(jobs, report)));
        report(ended.unwrap_or_else(|panic| {
            let reason = panic_message(&*panic);
            kind.failed(format!(
                "That could not be done, because of an error in Mertscope ({reason}). Please \
                 report it."
            ))
        }));
    }

    fn last_event(self, jobs: &Jobs, report: &dyn Fn(JobEvent)) -> JobEvent {
        match self {
            Self::Fit { examples, package } => JobEvent::Fitted(
                examples
                    .fit(USER_HEAD_TASK, &package.model.manifest)
                    .map(|(head, _)| Box::new(head))
                    .map_err(|error| error.to_string()),
            ),
            Self::Save {
                examples,
                package,
                name,
            } => JobEvent::Saved(save(&examples, &package, &name)),
            Self::File(job) => {
                let progress = |done_s, promised_s| report(JobEvent::Progress(done_s, promised_s));
                JobEvent::File(job.run(jobs, &progress))
            }
        }
    }
}

fn save(examples: &LabeledExamples, package: &ModelPackage, name: &str) -> Result<String, String> {
    let manifest = &package.model.manifest;
    let store = UserStore::of(StoredKind::Heads, manifest).map_err(|error| error.to_string())?;
    let before = store.find(name);
    // The user's own head of that name is replaced; its path identifies it.
    let is_replaced = |head: &&Head| before.as_ref().is_some_and(|old| old.path == head.path());
    let mut others = package.heads.iter().filter(|head| !is_replaced(head));
    let is_reserved = ["genre", "key", USER_HEAD_TASK].contains(&name);
    if is_reserved || others.any(|head| head.id() == name) {
        return Err(format!(
            "“{name}” is the name of a head that Mertscope itself uses; take another name."
        ));
    }
    let (_, bytes) = examples
        .fit(name, manifest)
        .map_err(|error| error.to_string())?;
    store.put(name, &bytes).map_err(|error| error.to_string())?;
    let replaced = if before.is_some() {
        ", in place of the one before"
    } else {
        ""
    };
    Ok(format!(
        "Saved as the head “{name}”{replaced}; it is in use from now on."
    ))
}
