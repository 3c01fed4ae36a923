//! The host trait: the views' way to the program around them.

use std::path::PathBuf;
use std::sync::Arc;

use mertscope_export::osc::AddressError;
use mertscope_export::save::ExportKind;
use mertscope_hub::{HubError, Library};
use mertscope_live::{Request, Snapshot};

use crate::parameters::{ParameterChange, ParameterValues};
use crate::state::{OscChoice, PluginState};
use crate::user::{User, UserError};
use mertscope_audio::Notice;

/// One instance of Mertscope, as its window reads and changes it. Called on the GUI thread, some of
/// it in each frame, so nothing here may wait for disk, network or engine.
pub trait EditorHost: Send + Sync {
    /// The parameters as they are now.
    fn parameters(&self) -> ParameterValues;

    /// Changes a parameter, as one gesture that a host can record.
    fn change(&self, change: ParameterChange);

    /// What the project remembers beside the parameters.
    fn state(&self) -> &PluginState;

    /// Hands the engine what was chosen in the project state.
    fn apply(&self);

    /// Keeps the whole instance as it is now for new instances of this user.
    ///
    /// # Errors
    /// [`UserError`], when the user's file can't be written.
    fn save_defaults(&self, user: &User) -> Result<(), UserError>;

    /// Makes the whole instance as this user keeps it for new instances, if the user does.
    fn take_defaults(&self, user: &User);

    /// Has something done about references or labeled examples; the snapshot shows the result.
    fn ask(&self, request: Request);

    /// Looks for heads and maps that were kept on this machine since the model was loaded.
    fn look_again(&self);

    /// The models of this user.
    ///
    /// # Errors
    /// [`HubError`], when the user has no data folder.
    fn library(&self) -> Result<Arc<Library>, HubError>;

    /// Exports what was heard in a snapshot into `folder`, or into a default one, and returns at
    /// once; [`EditorHost::export_notice`] says what became of it.
    fn export(&self, snapshot: Arc<Snapshot>, kind: ExportKind, folder: Option<PathBuf>);

    /// A sentence about the last export; `None` before the first.
    fn export_notice(&self) -> Option<Notice>;

    /// Switches OSC on or off, and remembers that in the project.
    ///
    /// # Errors
    /// When the address is none to send to; nothing changes then.
    fn set_osc(&self, choice: OscChoice) -> Result<(), AddressError>;

    /// How sending OSC messages goes.
    fn osc_status(&self) -> OscStatus;

    /// Why the newest labeled examples are not kept with the project; `None` while they are.
    fn examples_notice(&self) -> Option<Notice>;

    /// Where a file with examples belongs that the project names.
    fn examples_path(&self, file: &str) -> Option<PathBuf>;
}

/// How sending OSC messages goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OscStatus {
    /// Messages sent since the address was chosen.
    pub messages: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// The failure and its remedy; `None` while all is well, or OSC is off.
    pub notice: Option<Notice>,
}
