//! Keeps the system's OpenGL library in memory once a window was opened, on Linux.
//!
//! The framework loads it for each window and lets go of it with the window. What its threads
//! leave to be tidied up at their end is code of that library: were it unloaded with one window just
//! while the thread of another one ends, that thread would jump into nothing and take the host along.

use std::sync::Once;

/// What the framework loads, by the names that it asks for.
const LIBRARIES: [&std::ffi::CStr; 2] = [c"libEGL.so.1", c"libGL.so.1"];

/// Has the libraries stay, those that there are. Called before a window is made.
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
