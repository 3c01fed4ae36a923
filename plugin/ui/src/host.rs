//! The host trait, through which the views reach the program around them.

use std::path::PathBuf;
use std::sync::Arc;

use mertscope_audio::Notice;
use mertscope_export::osc::AddressError;
use mertscope_export::save::ExportKind;
use mertscope_hub::{HubError, Library};
use mertscope_live::{Request, Snapshot};

use crate::parameters::{ParameterChange, ParameterValues};
use crate::state::{OscChoice, PluginState};
use crate::user::{User, UserError};

/// One instance of Mertscope, read and changed by its window. Called on the GUI thread, some of
/// it in each frame, so nothing here may wait for disk, network or engine.
pub trait EditorHost: Send + Sync {
    /// The parameters as they are now.
    fn parameters(&self) -> ParameterValues;

    /// Changes a parameter, as one gesture that a host can record.
    fn change(&self, change: ParameterChange);

    /// The state that the project keeps beside the parameters.
    fn state(&self) -> &PluginState;

    /// Hands the engine the choices in the project state.
    fn apply(&self);

    /// Saves the whole instance, as it is now, as the default of this user's new instances.
    ///
    /// # Errors
    /// [`UserError`], when the user's file can't be written.
    fn save_defaults(&self, user: &User) -> Result<(), UserError>;

    /// Sets the whole instance to this user's default, if there is one.
    fn take_defaults(&self, user: &User);

    /// Starts again with what is heard from now on, as at a change of track.
    fn start_again(&self);

    /// Sends a request about references or labeled examples; the snapshot shows the outcome.
    fn ask(&self, request: Request);

    /// Looks for heads and maps that were saved on this machine since the model was loaded.
    fn refresh_models(&self);

    /// This user's library of models.
    ///
    /// # Errors
    /// [`HubError`], when the user has no data folder.
    fn library(&self) -> Result<Arc<Library>, HubError>;

    /// Starts to export a snapshot's history into `folder`, or into a default one, and returns at
    /// once; [`EditorHost::export_notice`] reports the outcome.
    fn export(&self, snapshot: Arc<Snapshot>, kind: ExportKind, folder: Option<PathBuf>);

    /// The outcome of the last export; `None` before the first.
    fn export_notice(&self) -> Option<Notice>;

    /// Switches OSC on or off, and remembers that in the project.
    ///
    /// # Errors
    /// [`AddressError`], when messages can't be sent to the address; nothing changes then.
    fn set_osc(&self, choice: OscChoice) -> Result<(), AddressError>;

    /// The counts and the last error of OSC messages.
    fn osc_status(&self) -> OscStatus;

    /// Why the newest labeled examples are not kept with the project; `None` while they are.
    fn examples_notice(&self) -> Option<Notice>;

    /// The path of a file with examples that the project names.
    fn examples_path(&self, file: &str) -> Option<PathBuf>;
}

/// The counts and the last error of OSC messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OscStatus {
    /// Messages sent since the address was chosen.
    pub messages: u64,
    /// Messages that could not be sent.
    pub failed: u64,
    /// The failure and its remedy; `None` without a failure, and while OSC is off.
    pub notice: Option<Notice>,
}
