//! A whole instance, with a test program in place of a host.

use std::sync::{Arc, Mutex, PoisonError};

use mertscope::connection::Connection;
use mertscope::instance::Instance;
use mertscope::params::MertscopeParams;
use mertscope_ui::user::User;
use nih_plug::context::PluginApi;
use nih_plug::context::gui::{GuiContext, GuiContextInner};
use nih_plug::params::internals::ParamPtr;
use nih_plug::prelude::PluginState;

use crate::Stage;

/// A program that takes every value for its next block, which never comes, and records states and gestures.
#[derive(Default)]
pub(crate) struct Program {
    /// States that the program was given.
    pub given: Mutex<Vec<PluginState>>,
    /// Begins, changes and ends of gestures.
    pub gestures: Mutex<Vec<&'static str>>,
}

impl Program {
    fn record(&self, what: &'static str) {
        let mut gestures = self.gestures.lock().unwrap_or_else(PoisonError::into_inner);
        gestures.push(what);
    }
}

impl GuiContextInner for Program {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Standalone
    }

    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {
        self.record("begin");
    }

    unsafe fn raw_set_parameter_normalized(&self, _param: ParamPtr, _normalized: f32) {
        self.record("set");
    }

    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {
        self.record("end");
    }

    fn get_state(&self) -> PluginState {
        PluginState {
            version: String::new(),
            params: Default::default(),
            fields: Default::default(),
        }
    }

    fn set_state(&self, state: PluginState) {
        self.given
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(state);
    }

    fn request_restart(&self) {}
}

/// A whole instance: its stage, connection and program.
pub(crate) struct Whole {
    pub stage: Stage,
    pub connection: Arc<Connection>,
    pub program: Arc<Program>,
}

impl Whole {
    pub(crate) fn new(user: User) -> Self {
        let params = Arc::new(MertscopeParams::default());
        let connection = Connection::new(Arc::clone(&params), Arc::new(|| ()));
        let program = Arc::<Program>::default();
        let context = GuiContext::new(Arc::clone(&program) as Arc<dyn GuiContextInner>);
        let host = Arc::new(Instance::new(params, Arc::clone(&connection), context));
        Self {
            stage: Stage {
                host,
                user,
                host_panel: None,
            },
            connection,
            program,
        }
    }
}

impl Default for Whole {
    fn default() -> Self {
        Self::new(User::default())
    }
}
