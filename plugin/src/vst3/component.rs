//! The object that a host gets: component, edit controller and audio processor in one, as the framework's.
//!
//! Here are the first two; [`processor`](super::processor) has the third. All but the buses, the activation and the
//! view is the framework's answer.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use mertscope_model::lock;

use super::blocks::Blocks;
use super::buses::{Bus, Buses};
use super::sdk::Steinberg::Vst::{
    BusDirection, BusInfo, IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentHandler,
    IComponentTrait, IEditController, IEditControllerTrait, IProcessContextRequirements, IoMode,
    MediaType, ParamID, ParamValue, ParameterInfo, RoutingInfo, SpeakerArrangement, String128,
    TChar, ViewType,
};
use super::sdk::Steinberg::{
    FIDString, FUnknown, IBStream, IPlugView, IPluginBaseTrait, TBool, TUID, int32, kInternalError,
    kInvalidArgument, kResultOk, tresult,
};
use super::sdk::{Class, ComRef};
use super::view::View;
use super::wrapped::{Wrapped, contained};

/// What a host's main thread has settled.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) buses: Buses,
    /// The longest block, once processing was set up.
    pub(super) most_frames: Option<usize>,
    /// Whether the host has activated the plugin, be it before it has set up processing.
    pub(super) is_active: bool,
}

/// See the module.
pub(super) struct Component {
    pub(super) wrapped: Arc<Wrapped>,
    pub(super) settled: Mutex<Settled>,
    /// While the plugin is active. The audio callback tries the lock and never waits for it; whoever holds it
    /// otherwise is about to start or to stop the processing.
    pub(super) blocks: Mutex<Option<Blocks>>,
    /// Whether the host plays blocks, or is about to.
    pub(super) is_processing: AtomicBool,
}

impl Component {
    /// A new instance; `None` if the framework makes none.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            wrapped: Arc::new(Wrapped::new()?),
            settled: Mutex::default(),
            blocks: Mutex::default(),
            is_processing: AtomicBool::new(false),
        })
    }

    /// Starts the framework in the arrangement that was chosen.
    pub(super) fn start(&self, settled: &MutexGuard<'_, Settled>, most_frames: usize) -> tresult {
        let framework = self.wrapped.framework();
        let mut blocks = lock(&self.blocks);
        *blocks = None;
        let width = settled.buses.main_width();
        let side_chain = settled.buses.side_chain_width();
        // The framework counts the speakers.
        let speakers: SpeakerArrangement = (1 << width) - 1;
        let (mut inputs, mut outputs) = ([speakers; 2], [speakers]);
        let input_count = if side_chain > 0 { 2 } else { 1 };
        let started = contained(kInternalError, || {
            // SAFETY: there are as many arrangements as it says.
            let arranged = unsafe {
                let (inputs, outputs) = (inputs.as_mut_ptr(), outputs.as_mut_ptr());
                framework.setBusArrangements(inputs, input_count, outputs, 1)
            };
            if arranged != kResultOk {
                return arranged;
            }
            // SAFETY: processing was set up.
            unsafe { framework.setActive(1) }
        });
        if started == kResultOk {
            *blocks = Some(Blocks::new(width, side_chain, most_frames));
        }
        started
    }

    fn stop(&self) -> tresult {
        let mut blocks = lock(&self.blocks);
        *blocks = None;
        // SAFETY: it takes no pointer.
        contained(kInternalError, || unsafe {
            self.wrapped.framework().setActive(0)
        })
    }
}

impl Class for Component {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IProcessContextRequirements,
    );
}

impl IPluginBaseTrait for Component {
    unsafe fn initialize(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }

    unsafe fn terminate(&self) -> tresult {
        self.wrapped.set_handler(None);
        kResultOk
    }
}

impl IComponentTrait for Component {
    unsafe fn getControllerClassId(&self, class: *mut TUID) -> tresult {
        // SAFETY: the host passes a place for it; the framework has none and writes nothing.
        unsafe { self.wrapped.framework().getControllerClassId(class) }
    }

    unsafe fn setIoMode(&self, _mode: IoMode) -> tresult {
        kResultOk
    }

    unsafe fn getBusCount(&self, media: MediaType, direction: BusDirection) -> int32 {
        Bus::count(media, direction)
    }

    unsafe fn getBusInfo(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        info: *mut BusInfo,
    ) -> tresult {
        match Bus::new(media, direction, index) {
            Some(bus) if !info.is_null() => {
                // SAFETY: the host passes a place for it.
                unsafe { info.write(lock(&self.settled).buses.describe(bus)) };
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    unsafe fn getRoutingInfo(&self, from: *mut RoutingInfo, to: *mut RoutingInfo) -> tresult {
        // SAFETY: the host passes both, and the framework checks them for null.
        unsafe { self.wrapped.framework().getRoutingInfo(from, to) }
    }

    unsafe fn activateBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        state: TBool,
    ) -> tresult {
        let Some(bus) = Bus::new(media, direction, index) else {
            return kInvalidArgument;
        };
        // It counts from the next activation on; until then a channel that is missing is silence.
        lock(&self.settled).buses.switch(bus, state != 0);
        kResultOk
    }

    /// Some hosts activate before they set up processing, to see whether it works: it does, and the framework
    /// is started when it knows the rate.
    unsafe fn setActive(&self, state: TBool) -> tresult {
        let mut settled = lock(&self.settled);
        settled.is_active = state != 0;
        match settled.most_frames {
            Some(most_frames) if settled.is_active => self.start(&settled, most_frames),
            None if settled.is_active => kResultOk,
            _ => self.stop(),
        }
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        // SAFETY: the host passes a stream, which the framework checks for null.
        let answer = contained(kInternalError, || unsafe {
            IComponentTrait::setState(self.wrapped.framework(), state)
        });
        self.wrapped.parts.repaint.request();
        answer
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        // SAFETY: as above.
        contained(kInternalError, || unsafe {
            IComponentTrait::getState(self.wrapped.framework(), state)
        })
    }
}

impl IEditControllerTrait for Component {
    unsafe fn setComponentState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn setState(&self, _state: *mut IBStream) -> tresult {
        // There is one state, the component's.
        kResultOk
    }

    unsafe fn getState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn getParameterCount(&self) -> int32 {
        // SAFETY: it takes no pointer.
        unsafe { self.wrapped.framework().getParameterCount() }
    }

    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        let framework = self.wrapped.framework();
        // SAFETY: it takes no pointer.
        let count = unsafe { framework.getParameterCount() };
        if !(0..count).contains(&index) {
            return kInvalidArgument;
        }
        // SAFETY: the host passes a place for it, which the framework checks for null.
        contained(kInternalError, || unsafe {
            framework.getParameterInfo(index, info)
        })
    }

    unsafe fn getParamStringByValue(
        &self,
        id: ParamID,
        value: ParamValue,
        text: *mut String128,
    ) -> tresult {
        // SAFETY: the host passes a place for it, which the framework checks for null.
        contained(kInternalError, || unsafe {
            self.wrapped
                .framework()
                .getParamStringByValue(id, value, text)
        })
    }

    unsafe fn getParamValueByString(
        &self,
        id: ParamID,
        text: *mut TChar,
        value: *mut ParamValue,
    ) -> tresult {
        // SAFETY: the host passes a text and a place, which the framework checks for null.
        contained(kInternalError, || unsafe {
            self.wrapped
                .framework()
                .getParamValueByString(id, text, value)
        })
    }

    unsafe fn normalizedParamToPlain(&self, id: ParamID, value: ParamValue) -> ParamValue {
        // SAFETY: it takes no pointer.
        contained(value, || unsafe {
            self.wrapped.framework().normalizedParamToPlain(id, value)
        })
    }

    unsafe fn plainParamToNormalized(&self, id: ParamID, value: ParamValue) -> ParamValue {
        // SAFETY: it takes no pointer.
        contained(value, || unsafe {
            self.wrapped.framework().plainParamToNormalized(id, value)
        })
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        // SAFETY: it takes no pointer.
        contained(0.0, || unsafe {
            self.wrapped.framework().getParamNormalized(id)
        })
    }

    /// While blocks are played their changes count: a value that comes here later than its block would undo a newer
    /// one.
    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        if self.is_processing.load(Ordering::Acquire) || self.wrapped.set(id, value) {
            kResultOk
        } else {
            kInvalidArgument
        }
    }

    /// The framework gets no handler: it would use it from threads of its own.
    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        // SAFETY: the host passes a living handler or none.
        let handler = unsafe { ComRef::from_raw(handler) };
        self.wrapped
            .set_handler(handler.map(|handler| handler.to_com_ptr()));
        kResultOk
    }

    unsafe fn createView(&self, name: FIDString) -> *mut IPlugView {
        // SAFETY: the host passes a string or none.
        let is_editor =
            name.is_null() || unsafe { CStr::from_ptr(name) == CStr::from_ptr(ViewType::kEditor) };
        if is_editor {
            contained(None, || View::make(&self.wrapped))
                .map_or(std::ptr::null_mut(), |view| view.into_raw())
        } else {
            std::ptr::null_mut()
        }
    }
}
