//! A whole instance without a program around it.

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

/// A program that takes every value as it comes, and remembers what it was told.
#[derive(Default)]
pub(crate) struct Program {
    pub given: Mutex<Vec<PluginState>>,
    /// Beginnings, changes and ends of gestures.
    pub gestures: Mutex<Vec<&'static str>>,
}

impl Program {
    fn note(&self, what: &'static str) {
        let mut gestures = self.gestures.lock().unwrap_or_else(PoisonError::into_inner);
        gestures.push(what);
    }
}

impl GuiContextInner for Program {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Standalone
    }

    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {
        self.note("begin");
    }

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.note("set");
        // SAFETY: the parameters outlive the editor that they were given to.
        unsafe { param._internal_set_normalized_value(normalized) };
    }

    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {
        self.note("end");
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

/// A whole instance, and what is behind its window.
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
            stage: Stage { host, user },
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
