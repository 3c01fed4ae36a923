//! The window's way to its host: edits of parameters, and the state of the whole plugin.

use std::sync::{Arc, Weak};

use nih_plug::context::PluginApi;
use nih_plug::context::gui::GuiContextInner;
use nih_plug::params::internals::ParamPtr;
use nih_plug::plugin::PluginState as HostState;

use super::memory_stream::MemoryStream;
use super::sdk::Steinberg::IBStream;
use super::sdk::Steinberg::Vst::{
    IComponentHandler, IComponentHandlerTrait, IComponentTrait, ParamID, RestartFlags_,
};
use super::sdk::{ComPtr, ComWrapper};
use super::wrapped::{Wrapped, contained};

/// See the module. The window may end after its instance, so it does not keep it.
pub(super) struct Edits(Weak<Wrapped>);

impl Edits {
    /// The edits of an instance.
    pub(super) fn new(wrapped: &Arc<Wrapped>) -> Self {
        Self(Arc::downgrade(wrapped))
    }

    fn tell(&self, parameter: ParamPtr, tell: impl FnOnce(&ComPtr<IComponentHandler>, ParamID)) {
        let Some(wrapped) = self.0.upgrade() else {
            return;
        };
        if let (Some(handler), Some(id)) = (wrapped.handler(), wrapped.id(parameter)) {
            tell(&handler, id);
        }
    }
}

impl GuiContextInner for Edits {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Vst3
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        // SAFETY: the handler is the host's, kept by its reference count.
        self.tell(param, |handler, id| unsafe {
            handler.beginEdit(id);
        });
    }

    /// Tells the host only: whoever sets a parameter sets its value too ([`crate::instance`]).
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        // SAFETY: as above.
        self.tell(param, |handler, id| unsafe {
            handler.performEdit(id, f64::from(normalized));
        });
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        // SAFETY: as above.
        self.tell(param, |handler, id| unsafe {
            handler.endEdit(id);
        });
    }

    /// The state as a project would keep it; an empty one when there is none.
    fn get_state(&self) -> HostState {
        let stream = ComWrapper::new(MemoryStream::default());
        if let (Some(wrapped), Some(place)) = (self.0.upgrade(), stream.to_com_ptr::<IBStream>()) {
            // SAFETY: the stream lives during the call.
            contained((), || unsafe {
                IComponentTrait::getState(wrapped.framework(), place.as_ptr());
            });
        }
        serde_json::from_slice(&stream.bytes()).unwrap_or_else(|_| HostState {
            version: String::new(),
            params: Default::default(),
            fields: Default::default(),
        })
    }

    fn set_state(&self, state: HostState) {
        let (Some(wrapped), Ok(bytes)) = (self.0.upgrade(), serde_json::to_vec(&state)) else {
            return;
        };
        let stream = ComWrapper::new(MemoryStream::new(bytes));
        if let Some(place) = stream.to_com_ptr::<IBStream>() {
            // SAFETY: the stream lives during the call.
            contained((), || unsafe {
                IComponentTrait::setState(wrapped.framework(), place.as_ptr());
            });
        }
        wrapped.parts.repaint.request();
        if let Some(handler) = wrapped.handler() {
            // SAFETY: the handler is the host's, kept by its reference count.
            unsafe { handler.restartComponent(RestartFlags_::kParamValuesChanged) };
        }
    }

    fn request_restart(&self) {
        // Nothing here changes what a restart would tell a host.
    }
}
