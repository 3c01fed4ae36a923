//! References of the study state: captured, made of files, renamed and removed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::file::FileJob;
use super::{NOTHING_HEARD, StudyState};
use crate::snapshot::FileProgress;
use mertscope_audio::Notice;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::reference::{self, Reference, ReferenceSource};
use mertscope_model::SessionOptions;

impl StudyState {
    /// Changes the list of references.
    pub(super) fn change_references(&mut self, change: impl FnOnce(&mut Vec<Arc<Reference>>)) {
        let mut references = self.shown.references.to_vec();
        change(&mut references);
        self.shown.references = references.into();
    }

    /// Adds a reference, in place of an earlier one of the same music.
    pub(super) fn add(&mut self, reference: Arc<Reference>, at: Option<usize>) {
        self.change_references(|all| {
            all.retain(|other| other.id != reference.id);
            all.insert(at.unwrap_or(all.len()).min(all.len()), reference);
        });
    }

    /// Fails when there is no room for one more reference.
    pub(super) fn check_room(&self) -> Result<(), String> {
        let most = reference::MAX_REFERENCES;
        if self.shown.references.len() + self.files.len() < most {
            return Ok(());
        }
        Err(format!(
            "There are {most} references already; remove one first."
        ))
    }

    pub(super) fn capture(&mut self, name: &str, color: [u8; 3]) -> Result<(), String> {
        let Some(package) = self.package.clone() else {
            return Err("No model runs yet, so there is nothing to capture.".to_owned());
        };
        self.check_room()?;
        let windows: Vec<Vec<f32>> = self.recent.iter().cloned().collect();
        let source = ReferenceSource {
            name,
            color,
            sha256: None,
            encoder_sha256: package.sha256(),
            layer: self.layer,
            windows: &windows,
            further: &self.means.further(self.layer),
        };
        let captured = Reference::new(&source, package.map.as_deref()).ok_or(NOTHING_HEARD)?;
        self.add(Arc::new(captured), None);
        Ok(())
    }

    pub(super) fn add_file(
        &mut self,
        path: PathBuf,
        name: String,
        color: [u8; 3],
    ) -> Result<(), String> {
        if self.package.is_none() {
            return Err("No model runs yet; wait until one does.".to_owned());
        }
        self.check_room()?;
        self.files.push_back((path, name, color));
        Ok(())
    }

    pub(super) fn stop_files(&mut self) {
        self.files.clear();
        if let Some(stop) = &self.stop {
            stop.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn rename(&mut self, id: &str, name: &str) -> Result<(), String> {
        let name = name.trim();
        if name.is_empty() {
            return Err("A reference has a name; give it one.".to_owned());
        }
        self.change_references(|all| {
            for reference in all.iter_mut().filter(|reference| reference.id == id) {
                Arc::make_mut(reference).name = name.to_owned();
            }
        });
        Ok(())
    }

    /// The job for the next file, if none is in work.
    pub(super) fn next_file_job(
        &mut self,
        package: Arc<ModelPackage>,
        options: impl FnOnce(&ModelPackage) -> SessionOptions,
    ) -> Option<FileJob> {
        if self.stop.is_some() {
            return None;
        }
        let (path, name, color) = self.files.pop_front()?;
        let stop = Arc::clone(self.stop.insert(Arc::default()));
        self.shown.file_progress = Some(FileProgress {
            name: name.clone(),
            done_s: 0.0,
            promised_s: None,
        });
        self.changed = true;
        Some(FileJob {
            options: options(&package),
            layer: self.layer,
            path,
            name,
            color,
            package,
            stop,
        })
    }

    /// Takes the result of a file's job.
    pub(super) fn file_ended(&mut self, result: Result<Reference, String>) {
        self.shown.file_progress = None;
        let stop = self.stop.take();
        if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            // The user cancelled it.
            return;
        }
        match result.and_then(|reference| self.check_room().map(|()| reference)) {
            Ok(reference) => self.add(Arc::new(reference), None),
            Err(reason) => self.shown.notice = Some(Notice::error(reason)),
        }
    }
}
