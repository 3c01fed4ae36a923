//! Labeled examples of the study state, and the user head fitted on them.

use std::sync::Arc;

use super::background_job::BackgroundJob;
use super::{NOTHING_HEARD, StudyState, USER_HEAD_TASK};
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::{Head, HeadInfo};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::user_store::{self, UserStoreError};

impl StudyState {
    pub(super) fn mark(&mut self, label: &str, windows: usize) -> Result<(), String> {
        let Some(package) = self.package.clone() else {
            return Err("No model runs yet, so there is nothing to mark.".to_owned());
        };
        if self.recent.is_empty() {
            return Err(NOTHING_HEARD.to_owned());
        }
        let windows = windows.clamp(1, self.recent.len());
        let from = self.recent.len() - windows;
        let marked: Vec<Vec<f32>> = self.recent.range(from..).cloned().collect();
        let (layer, before) = (self.layer, self.shown.labeled_examples.examples());
        let done = self.change_examples(|examples| {
            for values in marked {
                examples
                    .mark(label, layer, &values, package.sha256())
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        });
        let added = self.shown.labeled_examples.examples() - before;
        if added > 0 {
            self.marks.push(added);
        }
        done
    }

    pub(super) fn undo(&mut self) -> Result<(), String> {
        // Marks from before the project was loaded are unknown: their examples are removed one by one.
        let count = self.marks.pop().unwrap_or(1);
        self.change_examples(|examples| {
            let undone = (0..count).filter(|_| examples.undo()).count();
            (undone > 0)
                .then_some(())
                .ok_or_else(|| "There is no example to take back.".to_owned())
        })
    }

    /// Changes the examples; a fit follows.
    pub(super) fn change_examples(
        &mut self,
        change: impl FnOnce(&mut LabeledExamples) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut examples = LabeledExamples::clone(&self.shown.labeled_examples);
        let done = change(&mut examples);
        self.shown.labeled_examples = Arc::new(examples);
        self.wants_fit = true;
        done
    }

    pub(super) fn save(&mut self, name: String) -> Result<(), String> {
        if self.shown.user_head.is_none() {
            return Err(
                "There is no head to save yet; mark examples of two labels first.".to_owned(),
            );
        }
        if !user_store::is_name(&name) {
            return Err(UserStoreError::Name { name }.to_string());
        }
        self.wants_save = Some(name);
        Ok(())
    }

    /// The job that fits the user head, if the examples have changed and no fit runs.
    pub(super) fn next_fit_job(&mut self, package: &Arc<ModelPackage>) -> Option<BackgroundJob> {
        if !self.wants_fit || self.shown.is_fitting {
            return None;
        }
        self.wants_fit = false;
        self.changed = true;
        let is_of_model = self.shown.labeled_examples.encoder_sha256 == package.sha256();
        if !is_of_model || !self.shown.labeled_examples.can_fit() {
            self.head = None;
            self.shown.user_head = None;
            return None;
        }
        self.shown.is_fitting = true;
        Some(BackgroundJob::Fit {
            examples: LabeledExamples::clone(&self.shown.labeled_examples),
            package: Arc::clone(package),
        })
    }

    /// Uses a fitted head, unless another model runs by now.
    pub(super) fn set_user_head(&mut self, head: Head) {
        let fits = |package: &Arc<ModelPackage>| head.check(&package.model.manifest).is_ok();
        if self.package.as_ref().is_some_and(fits) {
            let info = HeadInfo {
                id: USER_HEAD_TASK.to_owned(),
                ..HeadInfo::from(&head)
            };
            self.shown.user_head = Some(Arc::new(info));
            self.head = Some(head);
        }
    }
}
