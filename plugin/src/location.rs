//! The folder of the plugin's own files: the folder of the library that holds this code.
//!
//! The host's program is somewhere else, and hosts don't tell a plugin its path, so the code asks
//! the dynamic linker. Called on activation, never while a host scans.

use std::path::PathBuf;

/// The absolute folder of the plugin's library; `None` when the linker does not know it.
#[must_use]
pub(crate) fn library_folder() -> Option<PathBuf> {
    // The linker gives a relative path for a library that was loaded by one.
    // On Windows without the prefix `\\?\`, since messages show it.
    let library = dunce::canonicalize(library()?).ok()?;
    Some(library.parent()?.to_owned())
}

#[cfg(unix)]
fn library() -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;

    let here = library_folder as *const libc::c_void;
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: `here` points into this library's code and `found` to storage for one `Dl_info`, of
    // which all bytes zero is a value.
    let found = unsafe {
        if libc::dladdr(here, found.as_mut_ptr()) == 0 {
            return None;
        }
        found.assume_init()
    };
    if found.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the linker keeps this text, null-terminated, for as long as the library is loaded,
    // which is while this code runs; it is copied here.
    let path = unsafe { CStr::from_ptr(found.dli_fname) };
    let path = PathBuf::from(OsStr::from_bytes(path.to_bytes()));
    // In a program of its own, the app, this is what the user typed. A bare name was found on the PATH,
    // and says nothing; a library has always been opened by a path.
    if path
        .parent()
        .is_none_or(|folder| folder.as_os_str().is_empty())
    {
        return std::env::current_exe().ok();
    }
    Some(path)
}

#[cfg(windows)]
fn library() -> Option<PathBuf> {
    use std::ffi::{OsString, c_void};
    use std::os::windows::ffi::OsStringExt;

    /// Looks the module up by an address in it, and does not count that as a use of it: the flags
    /// `GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS` and `…_UNCHANGED_REFCOUNT`.
    const BY_ADDRESS_UNCOUNTED: u32 = 0x4 | 0x2;
    /// The longest path that Windows knows, in UTF-16 units.
    const LONGEST_PATH: usize = 32_768;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetModuleHandleExW(flags: u32, address: *const c_void, module: *mut *mut c_void) -> i32;
        fn GetModuleFileNameW(module: *mut c_void, path: *mut u16, size: u32) -> u32;
    }

    let mut module = std::ptr::null_mut();
    let here = library_folder as *const c_void;
    // SAFETY: `here` points into this library's code and `module` to storage for one handle.
    if unsafe { GetModuleHandleExW(BY_ADDRESS_UNCOUNTED, here, &mut module) } == 0 {
        return None;
    }
    let mut path = vec![0u16; LONGEST_PATH];
    // SAFETY: the handle is this library's, and `path` has room for `LONGEST_PATH` units.
    let length = unsafe { GetModuleFileNameW(module, path.as_mut_ptr(), LONGEST_PATH as u32) };
    (length > 0).then(|| OsString::from_wide(&path[..length as usize]).into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_folder_is_the_one_this_code_was_loaded_from() {
        let program = dunce::canonicalize(std::env::current_exe().unwrap()).unwrap();
        let folder = super::library_folder().unwrap();
        assert_eq!(Some(&*folder), program.parent());
        let shown = folder.display().to_string();
        assert!(!shown.starts_with(r"\\?\"), "{shown}");
    }
}
