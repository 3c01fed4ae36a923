//! Keeps the system's OpenGL library in memory once a window was opened, on Linux.
//!
//! The framework loads the library for each window and releases it with the window. Threads of the framework
//! run clean-up code of the library at their end: if one window unloaded the library while the thread of
//! another window ends, that thread would jump into unmapped memory and crash the host.

use std::sync::Once;

/// The libraries that the framework loads, by the names that it uses.
const LIBRARIES: [&std::ffi::CStr; 2] = [c"libEGL.so.1", c"libGL.so.1"];

/// Keeps the libraries that exist in memory. Called before a window is made.
pub(super) fn keep() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| {
        for library in LIBRARIES {
            // SAFETY: the framework loads the same system libraries right after this; they are
            // never unloaded from here on, so nothing is left pointing into them.
            unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW | libc::RTLD_NODELETE) };
        }
    });
}
