//! The plugin as VST3: our own factory and COM classes, with the framework's wrapper inside them.
//!
//! The framework does the work of the plugin API: parameters, state, transport, from input to output. Its wrapper
//! is used here as a Rust value, through the interface traits that it implements; hosts get our [`Component`]
//! and our view instead. So there is one object with one reference count, and a panic in the framework is caught
//! before it reaches a host. The reasons are in nice-plug 0.4.2; this folder can go, and `lib.rs` export the
//! plugin by `nice_export_vst3!`, when these are mended:
//!
//! - `wrapper/vst3/inner.rs`, `execute`: looks at the open window from whatever thread runs it, and panics on
//!   each but the one that has opened it, or while that one opens or closes it. Here the framework has no window.
//! - `event_loop/background_thread.rs`: the thread ends when an instance with a task is gone, and the next instance
//!   to go panics because it has ended. Parameters are set here, so that the framework has no tasks.
//! - `wrapper/vst3/view.rs`, `setContentScaleFactor`: forgets a scale that is told before the window is opened.
//! - `wrapper/vst3/wrapper.rs`, `setBusArrangements`: compares a side-chain's width with the main bus, so that
//!   only equal widths can be chosen; `process` reads a second input bus without asking whether there is one;
//!   `setActive` refuses before `setupProcessing`; `getParameterInfo` panics at an index one too high.
//! - `wrapper/util/buffer_management.rs`, `create_buffers`: reads null channels, and panics when a host gives
//!   more channels than were arranged.
//!
//! Deliberately not here: what the plugin does with audio and what its window shows. Interfaces of which this plugin
//! has nothing (units, MIDI, note expressions) are left out. `unsafe` is what COM asks for; each pointer
//! of a host is checked where it is read.

mod blocks;
mod bound;
mod buses;
mod component;
mod edits;
mod factory;
mod memory_stream;
mod processor;
mod repainter;
mod view;
mod windowless;
mod wrapped;

use std::ffi::c_void;

use nih_plug::wrapper::setup_logger;
// The framework's own version, whose traits its wrapper implements.
use nih_plug::wrapper::vst3::vst3 as sdk;
use sdk::ComWrapper;
use sdk::Steinberg::IPluginFactory;

use factory::Factory;
use windowless::Windowless;

/// The entry point of every VST3 library: its factory, which the caller owns.
#[unsafe(no_mangle)]
extern "system" fn GetPluginFactory() -> *mut c_void {
    let factory = ComWrapper::new(Factory::new()).to_com_ptr::<IPluginFactory>();
    factory.map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
}

/// Called before anything else, on Linux.
#[cfg(all(target_family = "unix", not(target_os = "macos")))]
#[unsafe(no_mangle)]
extern "C" fn ModuleEntry(_library: *mut c_void) -> bool {
    setup_logger::<Windowless>();
    true
}

/// Called before the library is unloaded, on Linux.
#[cfg(all(target_family = "unix", not(target_os = "macos")))]
#[unsafe(no_mangle)]
extern "C" fn ModuleExit() -> bool {
    true
}

/// Called before anything else, on macOS.
#[cfg(target_os = "macos")]
#[unsafe(no_mangle)]
extern "C" fn bundleEntry(_bundle: *mut c_void) -> bool {
    setup_logger::<Windowless>();
    true
}

/// Called before the library is unloaded, on macOS.
#[cfg(target_os = "macos")]
#[unsafe(no_mangle)]
extern "C" fn bundleExit() -> bool {
    true
}

/// Called before anything else, on Windows.
#[cfg(target_os = "windows")]
#[unsafe(no_mangle)]
extern "system" fn InitDll() -> bool {
    setup_logger::<Windowless>();
    true
}

/// Called before the library is unloaded, on Windows.
#[cfg(target_os = "windows")]
#[unsafe(no_mangle)]
extern "system" fn ExitDll() -> bool {
    true
}
