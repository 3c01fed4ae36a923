//! A value that only one thread touches, in an object that hosts may call from any.

use std::mem::ManuallyDrop;
use std::thread::{self, ThreadId};

/// See the module. Dropped on another thread it keeps its value for ever: a window that is never closed is better than
/// one that is closed by a thread that may not.
pub(super) struct Bound<T> {
    value: ManuallyDrop<T>,
    thread: ThreadId,
}

// SAFETY: on other threads than its own the value is neither reached nor dropped.
unsafe impl<T> Send for Bound<T> {}

impl<T> Bound<T> {
    /// Binds a value to the calling thread.
    pub(super) fn new(value: T) -> Self {
        Self {
            value: ManuallyDrop::new(value),
            thread: thread::current().id(),
        }
    }

    /// Whether the calling thread is the value's.
    pub(super) fn is_here(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// The value; `None` on other threads than its own.
    pub(super) fn get(&self) -> Option<&T> {
        self.is_here().then_some(&*self.value)
    }
}

impl<T> Drop for Bound<T> {
    fn drop(&mut self) {
        if self.is_here() {
            // SAFETY: the value is not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn other_threads_neither_reach_nor_drop_the_value() {
        let value = Rc::new(());
        let bound = Bound::new(Rc::clone(&value));
        assert!(bound.get().is_some());
        let moved = thread::spawn(move || {
            assert!(bound.get().is_none());
            drop(bound);
        });
        moved.join().unwrap();
        assert_eq!(Rc::strong_count(&value), 2);
        drop(Bound::new(Rc::clone(&value)));
        assert_eq!(Rc::strong_count(&value), 2);
    }
}
