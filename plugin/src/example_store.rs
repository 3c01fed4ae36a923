//! The store of labeled examples, between the engine and the project. Few examples are kept in the project,
//! many in files, which are written and read on a thread of their own.
//!
//! The project changes only after a file is written, so that it never names a file that does not exist.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use mertscope_audio::Notice;
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::few_shot::saved::{ExampleFolder, Packer, SavedExamples};
use mertscope_model::lock;

use crate::params::MertscopeParams;

/// See the module.
#[derive(Default)]
pub(crate) struct ExampleStore {
    store: Option<ExampleFolder>,
    inner: Mutex<ExampleStoreState>,
    packer: Mutex<Packer>,
}

#[derive(Default)]
struct ExampleStoreState {
    /// The examples that wait to be written, and the project that they belong to.
    newest: Option<(Arc<LabeledExamples>, Arc<MertscopeParams>)>,
    /// Counts calls of `keep` and `load`: an older one must not overwrite a newer one.
    version: u64,
    writing: bool,
    notice: Option<Notice>,
    threads: Vec<JoinHandle<()>>,
    closed: bool,
}

impl ExampleStore {
    /// An example store whose files are in `store`.
    #[cfg(test)]
    fn at(store: ExampleFolder) -> Self {
        Self {
            store: Some(store),
            ..Self::default()
        }
    }

    /// Saves labeled examples in the project: at once when they fit into it, otherwise after their files are
    /// written. Called on the engine's worker.
    pub(crate) fn keep(
        self: &Arc<Self>,
        examples: &Arc<LabeledExamples>,
        params: &Arc<MertscopeParams>,
    ) {
        let mut inner = self.lock();
        inner.version += 1;
        if inner.closed {
            return;
        }
        if let Some(saved) = examples.save_inside() {
            (inner.newest, inner.notice) = (None, None);
            drop(inner);
            params.state.set(&saved);
            return;
        }
        inner.newest = Some((Arc::clone(examples), Arc::clone(params)));
        if !inner.writing {
            inner.writing = true;
            let this = Arc::clone(self);
            inner.start(move || this.write_newest());
        }
    }

    /// Writes the newest examples until none wait.
    fn write_newest(&self) {
        loop {
            let mut inner = self.lock();
            let Some((examples, params)) = inner.newest.take() else {
                inner.writing = false;
                return;
            };
            let version = inner.version;
            drop(inner);
            let saved = self.write(&examples);
            let mut inner = self.lock();
            if inner.version != version {
                continue;
            }
            // After an error the project keeps the last examples that could be saved.
            inner.notice = saved.as_ref().err().map(Notice::warning);
            drop(inner);
            if let Ok(saved) = saved {
                params.state.set(&saved);
            }
        }
    }

    /// Writes the files of labeled examples.
    ///
    /// # Errors
    /// A sentence that names the obstacle and the remedy.
    fn write(&self, examples: &LabeledExamples) -> Result<SavedExamples, String> {
        let store = self.store().ok_or(
            "The newest examples are not kept with the project: there is no data folder. Set HOME.",
        )?;
        let mut packer = lock(&self.packer);
        examples.save(&store, &mut packer).map_err(|error| {
            format!(
                "The newest examples are not kept with the project: their file can't be written \
                 ({error}). Free some space in the data folder, and mark one more example."
            )
        })
    }

    /// Why the newest labeled examples are not in the project; `None` while they are.
    pub(crate) fn notice(&self) -> Option<Notice> {
        self.lock().notice.clone()
    }

    /// The path of the file with this name.
    pub(crate) fn path(&self, file: &str) -> Option<PathBuf> {
        Some(self.store()?.path(file))
    }

    /// The labeled examples of a project, if it holds all of them; otherwise `hand_over` gets them on
    /// another thread after their files are read.
    pub(crate) fn load(
        self: &Arc<Self>,
        saved: SavedExamples,
        hand_over: impl FnOnce(LabeledExamples) + Send + 'static,
    ) -> Option<LabeledExamples> {
        let mut inner = self.lock();
        inner.version += 1;
        inner.newest = None;
        if saved.is_whole() || inner.closed {
            return Some(saved.load(None));
        }
        let store = self.store();
        let (this, version) = (Arc::clone(self), inner.version);
        inner.start(move || {
            let examples = saved.load(store.as_ref());
            if this.lock().version == version {
                hand_over(examples);
            }
        });
        None
    }

    /// The user's files.
    fn store(&self) -> Option<ExampleFolder> {
        self.store.clone().or_else(ExampleFolder::present)
    }

    /// Waits for running writes and reads, and starts none any more.
    pub(crate) fn close(&self) {
        let threads = {
            let mut inner = self.lock();
            inner.closed = true;
            std::mem::take(&mut inner.threads)
        };
        for thread in threads {
            // A panic there loses examples; nothing else depends on the thread.
            let _ = thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, ExampleStoreState> {
        // The values behind the lock are replaced whole.
        lock(&self.inner)
    }
}

impl ExampleStoreState {
    fn start(&mut self, body: impl FnOnce() + Send + 'static) {
        self.threads.retain(|thread| !thread.is_finished());
        let thread = thread::Builder::new().name("mertscope-examples".to_owned());
        match thread.spawn(body) {
            Ok(thread) => self.threads.push(thread),
            // The next mark tries again.
            Err(_) => self.writing = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    use mertscope_heads::reference::{Reference, ReferenceSource};

    use mertscope_ui::state::SavedReferences;

    fn examples(count: usize) -> Arc<LabeledExamples> {
        let mut examples = LabeledExamples::default();
        for n in 0..count {
            let values: Vec<f32> = (0..256).map(|k| ((n * 7 + k) as f32).sin()).collect();
            let label = ["drop", "break"][n % 2];
            examples.mark(label, 4, &values, "abc").unwrap();
        }
        Arc::new(examples)
    }

    fn example_store(folder: &tempfile::TempDir) -> Arc<ExampleStore> {
        Arc::new(ExampleStore::at(ExampleFolder::at(folder.path())))
    }

    #[test]
    fn few_examples_are_in_the_project_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let params = Arc::new(MertscopeParams::default());
        let (example_store, examples) = (example_store(&folder), examples(400));
        example_store.keep(&examples, &params);
        let saved: SavedExamples = params.state.get().unwrap();
        assert!(saved.is_whole());
        let loaded = example_store.load(saved, |_| ());
        assert_eq!(loaded.as_ref(), Some(&*examples));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_most_references_and_examples_fit_into_a_project() {
        let (folder, width) = (tempfile::tempdir().unwrap(), 1_024);
        let params = Arc::new(MertscopeParams::default());
        let values: Vec<f32> = (0..width).map(|k| (k as f32).sin()).collect();
        let further: Vec<(usize, Vec<f32>)> = (1..9).map(|n| (n, values.clone())).collect();
        let map_points = vec![values.clone(); 300];
        let references = (0..8).map(|n| {
            let source = ReferenceSource {
                name: &"n".repeat(200),
                color: [0; 3],
                sha256: Some(&format!("{n}").repeat(64)),
                encoder_sha256: &"0".repeat(64),
                layer: 0,
                windows: &map_points,
                further: &further,
            };
            Reference::new(&source, None).unwrap()
        });
        let references = SavedReferences(references.collect());
        params.state.set(&references);
        let mut examples = LabeledExamples::default();
        while examples.mark("drop", 0, &values, "abc").is_ok() {}
        let (example_store, examples) = (example_store(&folder), Arc::new(examples));
        example_store.keep(&examples, &params);
        example_store.close();
        let saved: SavedExamples = params.state.get().unwrap();
        assert_eq!(
            saved.load(Some(&ExampleFolder::at(folder.path()))),
            *examples
        );
        assert_eq!(params.state.get(), Some(references));
        assert_eq!(example_store.notice(), None);
    }

    #[test]
    fn a_failed_write_gives_a_notice_and_leaves_the_project_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let params = Arc::new(MertscopeParams::default());
        let example_store = Arc::new(ExampleStore::at(ExampleFolder::at(&file)));
        example_store.keep(&examples(300), &params);
        let before: SavedExamples = params.state.get().unwrap();
        example_store.keep(&examples(500), &params);
        example_store.close();
        assert_eq!(params.state.get(), Some(before));
        let notice = example_store.notice().unwrap().text;
        assert!(
            notice.contains("can't be written") && notice.ends_with('.'),
            "{notice}"
        );
    }

    #[test]
    fn many_examples_are_in_files_and_a_missing_file_loses_only_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let params = Arc::new(MertscopeParams::default());
        let (example_store, examples) = (example_store(&folder), examples(901));
        example_store.keep(&examples, &params);
        example_store.close();
        let saved: SavedExamples = params.state.get().unwrap();
        assert!(!saved.is_whole());
        let load = || {
            let example_store = self::example_store(&folder);
            let (sender, receiver) = channel();
            let saved: SavedExamples = params.state.get().unwrap();
            let at_once = example_store.load(saved, move |examples| sender.send(examples).unwrap());
            assert_eq!(at_once, None);
            receiver.recv().unwrap()
        };
        assert_eq!(load(), *examples);
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap();
        std::fs::remove_file(file.unwrap().path()).unwrap();
        let left = load();
        assert_eq!((left.examples(), left.missing().count()), (501, 1));
        assert_eq!(left.labels, ["drop", "break"]);
    }
}
