//! An instance's exports: written by a thread of their own, one at a time. The outcome of the last one is a
//! notice for the view.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use mertscope_audio::Notice;
use mertscope_export::save::{self, ExportKind};
use mertscope_live::Snapshot;
use mertscope_model::lock;

/// See the module.
#[derive(Default)]
pub(crate) struct Exports(Mutex<ExportState>);

#[derive(Default)]
struct ExportState {
    thread: Option<JoinHandle<()>>,
    notice: Option<Notice>,
    closed: bool,
}

impl Exports {
    /// Starts to write an export, and returns at once; `done` is called when there is a new
    /// [`Exports::notice`].
    pub(crate) fn start(
        self: &Arc<Self>,
        snapshot: Arc<Snapshot>,
        kind: ExportKind,
        folder: Option<PathBuf>,
        done: Arc<dyn Fn() + Send + Sync>,
    ) {
        let mut inner = self.lock();
        let writing = inner.thread.as_ref().is_some_and(|t| !t.is_finished());
        if inner.closed || writing {
            return;
        }
        inner.notice = Some(Notice::info(format!("Writing {}…", kind.name())));
        let this = Arc::clone(self);
        let started = thread::Builder::new()
            .name("mertscope-export".to_owned())
            .spawn(move || {
                let exported = catch_unwind(AssertUnwindSafe(|| {
                    save::export(&snapshot, kind, folder.as_deref())
                }));
                this.lock().notice = Some(match exported {
                    Ok(Ok(path)) => {
                        Notice::info(format!("The {} is in {}.", kind.name(), path.display()))
                    }
                    Ok(Err(error)) => Notice::error(error),
                    Err(_) => Notice::error(
                        "Nothing was exported, because of an error in Mertscope. Please report it.",
                    ),
                });
                done();
            });
        match started {
            Ok(thread) => inner.thread = Some(thread),
            Err(error) => {
                inner.notice = Some(Notice::error(format!(
                    "Nothing was exported: the system could not start another thread ({error}). \
                     Close some programs and try again."
                )));
            }
        }
    }

    /// The outcome of the last export; `None` before the first.
    pub(crate) fn notice(&self) -> Option<Notice> {
        self.lock().notice.clone()
    }

    /// Waits for a running export, and starts none any more.
    pub(crate) fn close(&self) {
        let thread = {
            let mut inner = self.lock();
            inner.closed = true;
            inner.thread.take()
        };
        if let Some(thread) = thread {
            // The thread contains its panics.
            let _ = thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, ExportState> {
        // The values behind the lock are replaced whole.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    use mertscope_audio::Severity;

    #[test]
    fn the_outcome_of_an_export_is_a_notice() {
        let exports = Arc::new(Exports::default());
        assert_eq!(exports.notice(), None);
        let (sender, receiver) = channel();
        let done = Arc::new(move || sender.send(()).unwrap());
        let folder = Some(PathBuf::from("/nowhere"));
        exports.start(Arc::default(), ExportKind::Png, folder, done);
        receiver.recv().unwrap();
        let notice = exports.notice().unwrap();
        assert!(notice.severity == Severity::Error && notice.text.contains("nothing to export"));
        exports.close();
        exports.start(Arc::default(), ExportKind::Csv, None, Arc::new(|| {}));
        assert_eq!(exports.notice(), Some(notice));
    }
}
