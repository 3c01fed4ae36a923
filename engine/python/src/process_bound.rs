//! A value with threads of its own, which only the process that made it can use.
//!
//! `fork`, with which PyTorch's loaders and `multiprocessing` start workers, copies memory but no threads: in the copy
//! the encoder thread never answers, and joining it never ends.

use std::mem::ManuallyDrop;
use std::process;

/// A value of the process that made it; in a fork it is neither used nor dropped.
pub(crate) struct ProcessBound<T> {
    process: u32,
    value: ManuallyDrop<T>,
}

impl<T> ProcessBound<T> {
    /// A value of this process.
    pub(crate) fn new(value: T) -> Self {
        Self {
            process: process::id(),
            value: ManuallyDrop::new(value),
        }
    }

    /// The value; `None` in a fork of the process that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        (self.process == process::id()).then_some(&*self.value)
    }

    /// The value, taken out; `None` in a fork of the process that made it.
    pub(crate) fn into_inner(self) -> Option<T> {
        let is_here = self.process == process::id();
        let mut bound = ManuallyDrop::new(self);
        // SAFETY: `bound` is not dropped, so the value is taken out once.
        is_here.then(|| unsafe { ManuallyDrop::take(&mut bound.value) })
    }
}

impl<T> Drop for ProcessBound<T> {
    fn drop(&mut self) {
        if self.process == process::id() {
            // SAFETY: it is dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}
