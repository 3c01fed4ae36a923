//! An instance as the host of its views: the parameters, the connection to the engine, and the context
//! of the program that the plugin runs in.

use std::path::PathBuf;
use std::sync::Arc;

use mertscope_audio::Notice;
use mertscope_export::osc::AddressError;
use mertscope_export::save::ExportKind;
use mertscope_hub::{HubError, Library};
use mertscope_live::{Request, Snapshot};
use mertscope_ui::host::{EditorHost, OscStatus};
use mertscope_ui::parameters::{ParameterChange, ParameterValues, s_from_hop};
use mertscope_ui::state::{OscChoice, PluginState};
use mertscope_ui::user::{User, UserError};
use nih_plug::context::gui::GuiContext;
use nih_plug::params::Param;

use crate::connection::Connection;
use crate::params::MertscopeParams;

/// See the module.
pub struct Instance {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    context: GuiContext,
}

impl Instance {
    /// An instance with these parameters and this connection; parameter changes go through `context`.
    #[must_use]
    pub fn new(
        params: Arc<MertscopeParams>,
        connection: Arc<Connection>,
        context: GuiContext,
    ) -> Self {
        Self {
            params,
            connection,
            context,
        }
    }

    fn set<P: Param>(&self, param: &P, value: P::Plain)
    where
        P::Plain: Copy,
    {
        let setter = self.context.param_setter();
        setter.begin_set_parameter(param);
        setter.set_parameter(param, value);
        setter.end_set_parameter(param);
        // A VST3 host gives the value back with its next block, which may be never: the framework sets it
        // only then, and what is shown and saved meanwhile would lack it.
        let normalized = param.preview_normalized(value);
        // SAFETY: a parameter's value is an atomic, and the audio callback reads each once per block.
        unsafe { param.as_ptr()._internal_set_normalized_value(normalized) };
    }
}

impl EditorHost for Instance {
    fn parameters(&self) -> ParameterValues {
        self.params.values()
    }

    fn change(&self, change: ParameterChange) {
        let params = &self.params;
        match change {
            ParameterChange::Analyze(on) => self.set(&params.analyze, on),
            ParameterChange::Hop(hop) => self.set(&params.hop_s, s_from_hop(hop)),
            ParameterChange::Smoothing(on) => self.set(&params.smoothing, on),
            ParameterChange::Source(source) => self.set(&params.source, source.into()),
            ParameterChange::Hold(on) => self.set(&params.hold, on),
            ParameterChange::Notation(notation) => self.set(&params.notation, notation.into()),
        }
    }

    fn state(&self) -> &PluginState {
        &self.params.state
    }

    fn apply(&self) {
        self.connection.apply();
    }

    fn save_defaults(&self, user: &User) -> Result<(), UserError> {
        user.set_defaults(&self.context.get_state())
    }

    fn take_defaults(&self, user: &User) {
        if let Some(state) = user.defaults() {
            self.context.set_state(state);
        }
    }

    fn start_again(&self) {
        self.connection.start_again();
    }

    fn ask(&self, request: Request) {
        self.connection.ask(request);
    }

    fn refresh_models(&self) {
        self.connection.refresh_models();
    }

    fn library(&self) -> Result<Arc<Library>, HubError> {
        self.connection.library()
    }

    fn export(&self, snapshot: Arc<Snapshot>, kind: ExportKind, folder: Option<PathBuf>) {
        self.connection.export(snapshot, kind, folder);
    }

    fn export_notice(&self) -> Option<Notice> {
        self.connection.export_notice()
    }

    fn set_osc(&self, choice: OscChoice) -> Result<(), AddressError> {
        self.connection.set_osc(choice)
    }

    fn osc_status(&self) -> OscStatus {
        self.connection.osc_status()
    }

    fn examples_notice(&self) -> Option<Notice> {
        self.connection.examples_notice()
    }

    fn examples_path(&self, file: &str) -> Option<PathBuf> {
        self.connection.examples_path(file)
    }
}
