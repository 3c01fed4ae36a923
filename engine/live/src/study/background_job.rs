//! What is done for a desk beside the worker: fitting heads, saving them, listening to files.

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

/// What is to be done.
pub(crate) enum BackgroundJob {
    /// Fit a head on lessons.
    Fit {
        labeled_examples: LabeledExamples,
        package: Arc<ModelPackage>,
    },
    /// Fit a head on lessons and keep it under a name.
    Save {
        labeled_examples: LabeledExamples,
        package: Arc<ModelPackage>,
        name: String,
    },
    /// Make a reference of a file.
    File(FileJob),
}

/// What became of it.
pub(crate) enum JobEvent {
    /// A head, or why there is none.
    Fitted(Result<Head, String>),
    /// A sentence on the head that was saved, or why it was not.
    Saved(Result<String, String>),
    /// Seconds of a file that were heard, of so many.
    Progress(f64, Option<f64>),
    /// A reference, or why there is none.
    File(Result<Reference, String>),
}

/// The kinds of errands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JobKind {
    Fit,
    Save,
    File,
}

impl JobKind {
    /// The end of an errand that went wrong, with a reason for a person.
    pub(crate) fn failed(self, reason: String) -> JobEvent {
        match self {
            Self::Fit => JobEvent::Fitted(Err(reason)),
            Self::Save => JobEvent::Saved(Err(reason)),
            Self::File => JobEvent::File(Err(reason)),
        }
    }

    /// What its thread is called.
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

    /// Does it, on a thread that has time, and tells what there is to tell; a panic is told too.
    pub(crate) fn run(self, jobs: &Jobs, tell: &dyn Fn(JobEvent)) {
        let kind = self.kind();
        let done = catch_unwind(AssertUnwindSafe(|| self.done(jobs, tell)));
        tell(done.unwrap_or_else(|panic| {
            let reason = panic_message(&*panic);
            kind.failed(format!(
                "That could not be done, because of an error in Mertscope ({reason}). Please \
                 report it."
            ))
        }));
    }

    fn done(self, jobs: &Jobs, tell: &dyn Fn(JobEvent)) -> JobEvent {
        match self {
            Self::Fit {
                labeled_examples,
                package,
            } => JobEvent::Fitted(
                labeled_examples
                    .fit(USER_HEAD_TASK, &package.model.manifest)
                    .map(|(head, _)| head)
                    .map_err(|error| error.to_string()),
            ),
            Self::Save {
                labeled_examples,
                package,
                name,
            } => JobEvent::Saved(save(&labeled_examples, &package, &name)),
            Self::File(background_job) => {
                let progress = |done_s, promised_s| tell(JobEvent::Progress(done_s, promised_s));
                JobEvent::File(background_job.run(jobs, &progress))
            }
        }
    }
}

fn save(
    labeled_examples: &LabeledExamples,
    package: &ModelPackage,
    name: &str,
) -> Result<String, String> {
    let manifest = &package.model.manifest;
    let store = UserStore::of(StoredKind::Heads, manifest).map_err(|error| error.to_string())?;
    let before = store.find(name);
    // A head of one's own is found by its file on the store.
    let is_own = |head: &&Head| before.as_ref().is_some_and(|old| old.path == head.path());
    let came = package.heads.iter().filter(|head| !is_own(head));
    if ["genre", "key", USER_HEAD_TASK].contains(&name) || came.clone().any(|head| head.id() == name) {
        return Err(format!(
            "“{name}” is the name of a head that Mertscope itself uses; take another name."
        ));
    }
    let (_, bytes) = labeled_examples
        .fit(name, manifest)
        .map_err(|error| error.to_string())?;
    store.put(name, &bytes).map_err(|error| error.to_string())?;
    let place = if before.is_some() {
        ", in place of the one before"
    } else {
        ""
    };
    Ok(format!(
        "Saved as the head “{name}”{place}; it is in use from now on."
    ))
}
