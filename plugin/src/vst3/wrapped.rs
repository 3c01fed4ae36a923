//! The framework's wrapper of an instance, with what a window and its edits need around it.

use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mertscope_model::lock;
use nih_plug::params::Params;
use nih_plug::params::internals::ParamPtr;
use nih_plug::wrapper::vst3::Wrapper;

use super::sdk::ComPtr;
use super::sdk::Steinberg::Vst::{
    IComponentHandler, IEditControllerTrait, ParamID, ParamValue, ParameterInfo,
};
use super::sdk::Steinberg::kResultOk;
use super::windowless::{Parts, Windowless, with_parts};

/// Calls `call`, and returns `fallback` if it panics: a panic must not reach a host. Safe for the audio
/// callback, since it frees nothing.
pub(super) fn contained<T>(fallback: T, call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        std::mem::forget(panic);
        fallback
    })
}

/// See the module.
pub(super) struct Wrapped {
    framework: ManuallyDrop<Wrapper<Windowless>>,
    pub(super) parts: Parts,
    /// The host's ids of the parameters, which live in `parts`.
    ids: HashMap<ParamPtr, ParamID>,
    parameters: HashMap<ParamID, ParamPtr>,
    handler: Mutex<Option<ComPtr<IComponentHandler>>>,
    /// Set when the host has changed parameters; an open window takes it.
    changed: Arc<AtomicBool>,
}

impl Drop for Wrapped {
    /// The framework panics when its thread has ended before, which a host would not survive.
    fn drop(&mut self) {
        // SAFETY: it is not used afterwards.
        contained((), || unsafe { ManuallyDrop::drop(&mut self.framework) });
    }
}

impl Wrapped {
    /// A new instance; `None` if the framework's wrapper does not make one.
    pub(super) fn new() -> Option<Self> {
        let (framework, parts) = with_parts(Wrapper::<Windowless>::new)?;
        let ids = ids(&framework, &parts);
        Some(Self {
            framework: ManuallyDrop::new(framework),
            parts,
            parameters: ids
                .iter()
                .map(|(parameter, id)| (*id, *parameter))
                .collect(),
            ids,
            handler: Mutex::default(),
            changed: Arc::default(),
        })
    }

    /// The framework's wrapper.
    pub(super) fn framework(&self) -> &Wrapper<Windowless> {
        &self.framework
    }

    /// The host's id of a parameter.
    pub(super) fn id(&self, parameter: ParamPtr) -> Option<ParamID> {
        self.ids.get(&parameter).copied()
    }

    /// Sets a parameter for the host; `false` for an unknown one and for a value that is no number. For any
    /// thread: the framework would do it too, and then wake a thread of its own.
    pub(super) fn set(&self, id: ParamID, normalized: ParamValue) -> bool {
        let normalized = normalized as f32;
        let Some(parameter) = self.parameters.get(&id).filter(|_| normalized.is_finite()) else {
            return false;
        };
        // SAFETY: the parameter lives in `parts`, and its value is an atomic.
        if unsafe { parameter._internal_set_normalized_value(normalized) } {
            self.changed.store(true, Ordering::Release);
        }
        true
    }

    /// Replaces the host's side of edits.
    pub(super) fn set_handler(&self, handler: Option<ComPtr<IComponentHandler>>) {
        // The former is released outside the lock, because that calls the host.
        let former = std::mem::replace(&mut *lock(&self.handler), handler);
        drop(former);
    }

    /// The host's side of edits. Called outside any lock of ours, because a host may call back.
    pub(super) fn handler(&self) -> Option<ComPtr<IComponentHandler>> {
        lock(&self.handler).clone()
    }

    /// The mark that parameters have changed.
    pub(super) fn changed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.changed)
    }
}

/// The ids that the framework tells hosts, which has the parameters in the order of the map.
fn ids(framework: &Wrapper<Windowless>, parts: &Parts) -> HashMap<ParamPtr, ParamID> {
    let map = parts.params.param_map();
    // SAFETY: the framework only counts.
    let count = unsafe { framework.getParameterCount() };
    let ids = (0..count).map_while(|index| {
        // SAFETY: a description is numbers and characters, for which zero is a value.
        let mut info: ParameterInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the index is below the count, and the framework fills in the description.
        let answer = unsafe { framework.getParameterInfo(index, &mut info) };
        (answer == kResultOk).then_some(info.id)
    });
    map.into_iter()
        .zip(ids)
        .map(|((_, parameter, _), id)| (parameter, id))
        .collect()
}
