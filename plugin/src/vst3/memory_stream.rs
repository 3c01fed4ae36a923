//! A stream in memory, to read the framework's state and to give it one.

use std::ffi::c_void;
use std::sync::Mutex;

use mertscope_model::lock;

use super::sdk::Class;
use super::sdk::Steinberg::IBStream_::IStreamSeekMode_::{kIBSeekCur, kIBSeekEnd, kIBSeekSet};
use super::sdk::Steinberg::{
    IBStream, IBStreamTrait, int32, int64, kInvalidArgument, kResultOk, tresult,
};

/// The bytes, and the place of the next one.
#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    at: usize,
}

/// See the module.
#[derive(Default)]
pub(super) struct MemoryStream(Mutex<Content>);

impl MemoryStream {
    /// A stream of these bytes, at its start.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Mutex::new(Content { bytes, at: 0 }))
    }

    /// All its bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        lock(&self.0).bytes.clone()
    }
}

impl Class for MemoryStream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for MemoryStream {
    unsafe fn read(&self, buffer: *mut c_void, count: int32, read: *mut int32) -> tresult {
        let mut content = lock(&self.0);
        let left = content.bytes.get(content.at..).unwrap_or_default();
        let count = usize::try_from(count).unwrap_or(0).min(left.len());
        // SAFETY: the buffer has room for what the caller asks for.
        unsafe { std::ptr::copy_nonoverlapping(left.as_ptr(), buffer.cast(), count) };
        content.at += count;
        // SAFETY: the caller passes a place for the count, or none.
        if let Some(read) = unsafe { read.as_mut() } {
            *read = count as int32;
        }
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, count: int32, written: *mut int32) -> tresult {
        let mut content = lock(&self.0);
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: the buffer holds what the caller wants written.
        let more = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), count) };
        let at = content.at.min(content.bytes.len());
        content.bytes.truncate(at);
        content.bytes.extend_from_slice(more);
        content.at = content.bytes.len();
        // SAFETY: the caller passes a place for the count, or none.
        if let Some(written) = unsafe { written.as_mut() } {
            *written = count as int32;
        }
        kResultOk
    }

    unsafe fn seek(&self, to: int64, mode: int32, result: *mut int64) -> tresult {
        let mut content = lock(&self.0);
        let from = match mode {
            mode if mode == kIBSeekSet as int32 => 0,
            mode if mode == kIBSeekCur as int32 => content.at,
            mode if mode == kIBSeekEnd as int32 => content.bytes.len(),
            _ => return kInvalidArgument,
        };
        let Ok(at) = usize::try_from(from as int64 + to) else {
            return kInvalidArgument;
        };
        content.at = at;
        // SAFETY: the caller passes a place for the position, or none.
        if let Some(result) = unsafe { result.as_mut() } {
            *result = at as int64;
        }
        kResultOk
    }

    unsafe fn tell(&self, at: *mut int64) -> tresult {
        // SAFETY: the caller passes a place for the position, or none.
        let Some(at) = (unsafe { at.as_mut() }) else {
            return kInvalidArgument;
        };
        *at = lock(&self.0).at as int64;
        kResultOk
    }
}
