//! The library's factory: one class, described as the framework describes it.

use std::ffi::c_void;

use nih_plug::wrapper::vst3::PluginInfo;

use super::component::Component;
use super::sdk::Steinberg::{
    FIDString, FUnknown, IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactory3,
    IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo, PClassInfo2, PClassInfoW, PFactoryInfo,
    TUID, int32, kInternalError, kInvalidArgument, kResultOk, tresult,
};
use super::sdk::{Class, ComWrapper};
use super::windowless::Windowless;
use super::wrapped::contained;

/// See the module.
pub(super) struct Factory(PluginInfo);

impl Factory {
    pub(super) fn new() -> Self {
        Self(PluginInfo::for_plugin::<Windowless>())
    }

    /// Writes the description of the class `index`.
    ///
    /// # Safety
    /// `place` is null or valid for writing.
    unsafe fn describe<T>(
        &self,
        index: int32,
        place: *mut T,
        describe: impl FnOnce(&PluginInfo) -> T,
    ) -> tresult {
        if index != 0 || place.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the caller's promise.
        unsafe { place.write(describe(&self.0)) };
        kResultOk
    }
}

impl Class for Factory {
    type Interfaces = (IPluginFactory, IPluginFactory2, IPluginFactory3);
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        // SAFETY: the host passes a place for it.
        unsafe { self.describe(0, info, PluginInfo::create_factory_info) }
    }

    unsafe fn countClasses(&self) -> int32 {
        1
    }

    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        // SAFETY: the host passes a place for it.
        unsafe { self.describe(index, info, PluginInfo::create_class_info) }
    }

    unsafe fn createInstance(
        &self,
        class: FIDString,
        interface: FIDString,
        made: *mut *mut c_void,
    ) -> tresult {
        if class.is_null() || interface.is_null() || made.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: ids have 16 bytes, whatever their type says.
        if unsafe { *class.cast::<[u8; 16]>() } != *self.0.cid {
            return kInvalidArgument;
        }
        let Some(component) = contained(None, Component::new) else {
            return kInternalError;
        };
        let component = ComWrapper::new(component);
        let Some(unknown) = component.as_com_ref::<FUnknown>() else {
            return kInternalError;
        };
        let unknown = unknown.as_ptr();
        // SAFETY: the object lives in `component` during the call, which counts the host's reference.
        unsafe { ((*(*unknown).vtbl).queryInterface)(unknown, interface.cast::<TUID>(), made) }
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        // SAFETY: the host passes a place for it.
        unsafe { self.describe(index, info, PluginInfo::create_class_info_2) }
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        // SAFETY: the host passes a place for it.
        unsafe { self.describe(index, info, PluginInfo::create_class_info_unicode) }
    }

    unsafe fn setHostContext(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }
}
