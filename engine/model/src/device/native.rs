//! ONNX Runtime functions that `ort` does not wrap: the provider of each operation of a loaded graph,
//! and the description of a device. All of them read tables that ONNX Runtime owns.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};
use std::ptr;

use ort::AsPointer;
use ort::device::Device;
use ort::session::Session;

/// The session option with which ONNX Runtime records the data for [`operations`].
pub(super) const RECORD_OPERATIONS: (&str, &str) = ("session.record_ep_graph_assignment_info", "1");

/// The number of the graph's operations that each provider runs, by ONNX Runtime's name for it. Needs
/// [`RECORD_OPERATIONS`]. The error is ONNX Runtime's.
pub(super) fn operations(session: &Session) -> Result<BTreeMap<String, usize>, String> {
    let api = ort::api();
    let session = session.inner();
    let (mut groups, mut count) = (ptr::null(), 0);
    // SAFETY: the session is alive, and both pointers may be written.
    let status =
        unsafe { (api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &mut groups, &mut count) };
    checked(status)?;
    let mut operations = BTreeMap::new();
    for group in 0..count {
        let (mut name, mut nodes, mut node_count) = (ptr::null(), ptr::null(), 0);
        // SAFETY: `groups` points to `count` pointers, which the session owns and keeps.
        let group = unsafe { *groups.add(group) };
        // SAFETY: `group` is one of them, and `name` takes a pointer to text that the session owns.
        checked(unsafe { (api.EpAssignedSubgraph_GetEpName)(group, &mut name) })?;
        // SAFETY: the same for a list that is not read, and its length.
        checked(unsafe { (api.EpAssignedSubgraph_GetNodes)(group, &mut nodes, &mut node_count) })?;
        // SAFETY: the session owns the name.
        let name = unsafe { text(name) }.unwrap_or_default();
        *operations.entry(name).or_default() += node_count;
    }
    Ok(operations)
}

/// The hardware's name from the system or the provider's library, if there is one.
pub(super) fn description(device: &Device<'_>) -> Option<String> {
    let api = ort::api();
    // SAFETY: the device lives as long as the environment and owns the returned value.
    let hardware = unsafe { (api.EpDevice_Device)(device.ptr()) };
    if hardware.is_null() {
        return None;
    }
    // SAFETY: as above; without pairs the pointer is null.
    let pairs = unsafe { (api.HardwareDevice_Metadata)(hardware) };
    if pairs.is_null() {
        return None;
    }
    // SAFETY: the pairs are alive, the key ends in null, and the value belongs to the pairs.
    let value = unsafe { text((api.GetKeyValue)(pairs, c"Description".as_ptr())) };
    value
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn checked(status: ort::sys::OrtStatusPtr) -> Result<(), String> {
    // SAFETY: a function of ONNX Runtime has just returned the status, and it is used once.
    unsafe { ort::Error::result_from_status(status) }.map_err(|error| error.to_string())
}

/// A copy of `text`; `None` for a null pointer.
///
/// # Safety
/// `text` is null or points to null-terminated text.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: this function's own contract.
    Some(
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned(),
    )
}
