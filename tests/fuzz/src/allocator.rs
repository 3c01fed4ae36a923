//! The system's allocator, with a count of what is allocated and of the most that was at a time.
//!
//! The count is of the whole process. The driver runs one input at a time and its other thread
//! allocates nothing, so that the count is the input's. Memory that C and C++ libraries allocate
//! themselves does not go through here.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

static ALLOCATED: AtomicIsize = AtomicIsize::new(0);
static MOST: AtomicIsize = AtomicIsize::new(0);

/// The system's allocator, counted.
pub(crate) struct Counting;

/// Counts before the memory is asked for, so that a request that fails counts too.
fn grow(bytes: usize) {
    let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
    let before = ALLOCATED.fetch_add(bytes, Ordering::Relaxed);
    MOST.fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
}

fn shrink(bytes: usize) {
    ALLOCATED.fetch_sub(
        isize::try_from(bytes).unwrap_or(isize::MAX),
        Ordering::Relaxed,
    );
}

// SAFETY: every request goes to the system's allocator unchanged; counting touches two atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`; the block is the
        // system's.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        grow(new_bytes);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`; the block is the
        // system's.
        let moved = unsafe { System.realloc(block, layout, new_bytes) };
        // The old block stays when there was no room for the new one.
        shrink(if moved.is_null() {
            new_bytes
        } else {
            layout.size()
        });
        moved
    }
}

/// Runs `work`, and returns its result and the most bytes that were allocated during it at a time
/// beyond those before.
pub(crate) fn counted<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = ALLOCATED.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let result = work();
    let most = MOST.load(Ordering::Relaxed);
    (result, usize::try_from(most - before).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_counts_even_when_it_was_freed() {
        let megabytes = |count: usize| drop(std::hint::black_box(vec![1u8; count << 20]));
        let ((), most) = counted(|| megabytes(64));
        assert!((64 << 20..80 << 20).contains(&most), "{most}");
        let ((), most) = counted(|| (0..64).for_each(|_| megabytes(1)));
        assert!(most < 16 << 20, "{most}");
    }
}
