//! A stream in memory, for states.

use std::ffi::c_void;
use std::sync::Mutex;

use vst3::Class;
use vst3::Steinberg::IBStream_::IStreamSeekMode_::{kIBSeekCur, kIBSeekEnd};
use vst3::Steinberg::{IBStream, IBStreamTrait, int32, int64, kResultOk, tresult};

/// The bytes, and the place of the next one.
#[derive(Default)]
pub(super) struct Stream(Mutex<(Vec<u8>, usize)>);

impl Stream {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(Mutex::new((bytes.to_owned(), 0)))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no test panics in here").0.clone()
    }
}

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, count: int32, read: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.0.lock().expect("no test panics in here");
        let count = (count as usize).min(bytes.len() - *at);
        // SAFETY: the plugin passes room for what it asks for, and a place for the count.
        unsafe {
            bytes[*at..].as_ptr().copy_to(buffer.cast(), count);
            *read = count as int32;
        }
        *at += count;
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, count: int32, written: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.0.lock().expect("no test panics in here");
        // SAFETY: the plugin passes as many bytes as it says, and a place for the count.
        unsafe {
            bytes.extend(std::slice::from_raw_parts(
                buffer.cast::<u8>(),
                count as usize,
            ));
            *written = count;
        }
        *at = bytes.len();
        kResultOk
    }

    unsafe fn seek(&self, to: int64, mode: int32, result: *mut int64) -> tresult {
        let (bytes, at) = &mut *self.0.lock().expect("no test panics in here");
        let from = match mode {
            mode if mode == kIBSeekCur as int32 => *at,
            mode if mode == kIBSeekEnd as int32 => bytes.len(),
            _ => 0,
        };
        *at = (from as int64 + to) as usize;
        // SAFETY: the plugin passes a place for the position or none.
        if let Some(result) = unsafe { result.as_mut() } {
            *result = *at as int64;
        }
        kResultOk
    }

    unsafe fn tell(&self, place: *mut int64) -> tresult {
        // SAFETY: the plugin passes a place for the position.
        unsafe { *place = self.0.lock().expect("no test panics in here").1 as int64 };
        kResultOk
    }
}
