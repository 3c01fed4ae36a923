//! Waiting for a stream's snapshot.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_live::{Snapshot, Stream};

/// The time limit: only a deadlock exceeds it.
pub(crate) const FOREVER: Duration = Duration::from_secs(120);

/// The first snapshot of `stream` in which `what` is there.
pub(crate) fn wait(
    stream: &Stream,
    what: &str,
    is_there: impl Fn(&Snapshot) -> bool,
) -> Arc<Snapshot> {
    let start = Instant::now();
    loop {
        let snapshot = stream.snapshot();
        if is_there(&snapshot) {
            return snapshot;
        }
        assert!(
            start.elapsed() < FOREVER,
            "{what} never came: {snapshot:#?}"
        );
        thread::sleep(Duration::from_millis(2));
    }
}
