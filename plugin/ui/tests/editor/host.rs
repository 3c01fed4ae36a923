//! A test host without plugin and engine: it keeps the changes of the views.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mertscope_audio::Notice;
use mertscope_export::osc::AddressError;
use mertscope_export::save::ExportKind;
use mertscope_hub::{HubError, Library};
use mertscope_live::{Request, Snapshot};
use mertscope_ui::host::{EditorHost, OscStatus};
use mertscope_ui::parameters::{ParameterChange, ParameterValues};
use mertscope_ui::state::{OscChoice, PluginState};
use mertscope_ui::user::{User, UserError};

/// See the module.
#[derive(Default)]
pub(crate) struct TestHost {
    values: Mutex<ParameterValues>,
    state: PluginState,
    /// The requests so far.
    pub asked: Mutex<Vec<Request>>,
    /// How often the user has started again.
    pub starts: AtomicUsize,
}

impl EditorHost for TestHost {
    fn parameters(&self) -> ParameterValues {
        *self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: ParameterChange) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            ParameterChange::Analyze(on) => values.analyze = on,
            ParameterChange::Hop(hop) => values.hop = hop,
            ParameterChange::Smoothing(on) => values.smoothing = on,
            ParameterChange::Source(source) => values.source = source,
            ParameterChange::Hold(on) => values.hold = on,
            ParameterChange::Notation(notation) => values.notation = notation,
        }
    }

    fn state(&self) -> &PluginState {
        &self.state
    }

    fn apply(&self) {}

    fn save_defaults(&self, user: &User) -> Result<(), UserError> {
        user.set_defaults(&"an instance")
    }

    fn take_defaults(&self, _user: &User) {}

    fn start_again(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
    }

    fn ask(&self, request: Request) {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).push(request);
    }

    fn refresh_models(&self) {}

    fn library(&self) -> Result<Arc<Library>, HubError> {
        Library::shared()
    }

    fn export(&self, _snapshot: Arc<Snapshot>, _kind: ExportKind, _folder: Option<PathBuf>) {}

    fn export_notice(&self) -> Option<Notice> {
        None
    }

    fn set_osc(&self, choice: OscChoice) -> Result<(), AddressError> {
        self.state.set(&choice);
        Ok(())
    }

    fn osc_status(&self) -> OscStatus {
        OscStatus::default()
    }

    fn examples_notice(&self) -> Option<Notice> {
        None
    }

    fn examples_path(&self, _file: &str) -> Option<PathBuf> {
        None
    }
}
