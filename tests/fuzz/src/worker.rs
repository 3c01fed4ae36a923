//! The run of one target, in a process of its own: executes input after input, and ends the
//! process when one takes too long.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::Corpus;
use crate::execute::{Failure, execute};
use crate::target::Target;

/// The longest that an input may take: a hundred times what the slowest seed takes, so that a busy
/// machine is no failure.
const LIMIT: Duration = Duration::from_secs(10);
/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(250);

/// The number of the input at work, in a file: it is still there when the process is not.
struct Progress(File);

impl Progress {
    fn set(&mut self, number: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(&number.to_le_bytes())
    }
}

/// The number that a worker was at; `None` when it did not begin.
pub(crate) fn number(progress: &Path) -> Option<u64> {
    let bytes = std::fs::read(progress).ok()?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// Ends the process when an input takes too long.
pub(crate) struct Watchdog {
    began: Instant,
    /// When the input at work began, in milliseconds since `began`, plus 1; 0 between inputs.
    at_ms: Arc<AtomicU64>,
}

impl Watchdog {
    /// Starts its thread.
    pub(crate) fn start() -> Self {
        let (began, at_ms) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let seen = Arc::clone(&at_ms);
        thread::spawn(move || {
            loop {
                thread::sleep(LOOK);
                let at_ms = seen.load(Ordering::Relaxed);
                let now_ms = began.elapsed().as_millis() as u64 + 1;
                if at_ms > 0 && now_ms.saturating_sub(at_ms) > LIMIT.as_millis() as u64 {
                    eprintln!("It took longer than {} s.", LIMIT.as_secs());
                    process::abort();
                }
            }
        });
        Self { began, at_ms }
    }

    /// Watches over one execution.
    pub(crate) fn watch<R>(&self, work: impl FnOnce() -> R) -> R {
        let now_ms = self.began.elapsed().as_millis() as u64 + 1;
        self.at_ms.store(now_ms, Ordering::Relaxed);
        let result = work();
        self.at_ms.store(0, Ordering::Relaxed);
        result
    }
}

/// Executes inputs for this long, and prints how many and how fast.
///
/// # Errors
/// The first failure; the number of its input is in `progress`.
///
/// # Panics
/// If `progress` can't be written.
pub(crate) fn work(
    target: &Target,
    seed: u64,
    seconds: u64,
    progress: &Path,
) -> Result<(), Failure> {
    let corpus = Corpus::new(target);
    let mut progress = Progress(File::create(progress).expect("a file for the progress"));
    let watchdog = Watchdog::start();
    let (began, time) = (Instant::now(), Duration::from_secs(seconds));
    let (mut number, mut most, mut slowest) = (0, (0, 1), Duration::ZERO);
    while began.elapsed() < time {
        progress.set(number).expect("the progress can be written");
        let input = corpus.input(seed, number);
        let start = Instant::now();
        let bytes = watchdog.watch(|| execute(target, &input))?;
        slowest = slowest.max(start.elapsed());
        let limit = target.memory.limit_bytes(input.len());
        // Compared as fractions: bytes / limit.
        if bytes as u128 * most.1 as u128 > most.0 as u128 * limit as u128 {
            most = (bytes, limit);
        }
        number += 1;
    }
    progress.set(number).expect("the progress can be written");
    let rate = number as f64 / began.elapsed().as_secs_f64();
    println!(
        "{}: {number} executions in {seconds} s ({rate:.0} per second); nothing found. At most {} KiB were allocated \
         where the limit is {} KiB; the slowest execution took {:.0} ms.",
        target.name,
        most.0 >> 10,
        most.1 >> 10,
        slowest.as_secs_f64() * 1e3,
    );
    Ok(())
}
