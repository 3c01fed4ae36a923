//! Sixteen instances in one process share one engine. The test is alone in its program, so that no
//! other test's instances are counted.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::{Duration, Instant};

use mertscope_tests::host::{AudioProcessor, Instance, entry};

/// The time limit for threads to start or end: only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loading has ended after this time without a change.
const QUIET: Duration = Duration::from_secs(2);

/// The names of the engine's threads in this process; ONNX Runtime's threads inherit the name of the
/// thread that loads a session.
fn threads() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .filter(|name| name.starts_with("mertscope-"))
        .collect();
    names.sort();
    names
}

/// Waits until the engine's threads have stopped changing, and returns their names.
fn settled() -> Vec<String> {
    let begun = Instant::now();
    let (mut names, mut since) = (threads(), Instant::now());
    while since.elapsed() < QUIET {
        std::thread::sleep(Duration::from_millis(5));
        let now = threads();
        if now != names {
            (names, since) = (now, Instant::now());
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "the engine does not settle: {names:?}"
        );
    }
    names
}

/// Resident memory of this process in MB.
fn resident_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1));
    kb.unwrap().parse::<u64>().unwrap() / 1024
}

/// Plays twelve seconds of a chord without pauses.
fn play(processor: &mut AudioProcessor) {
    for (n, channel) in processor.input().iter_mut().enumerate() {
        for (t, sample) in channel.iter_mut().enumerate() {
            *sample = ((t + n) as f32 * 0.05).sin() * 0.3;
        }
    }
    for _ in 0..12 * 48_000 / 1024 {
        processor.play(1024);
    }
}

/// Any number of instances has the same threads, so one session; after the last instance none is left.
#[test]
fn all_instances_share_one_engine_and_the_last_one_stops_it() {
    let entry = entry();
    let mut first = Instance::new(&entry);
    assert!(
        threads().is_empty(),
        "an engine before the first activation"
    );
    let mut first_deck = first.activate(48_000, 1024);
    play(&mut first_deck);
    let of_one = settled();
    assert!(of_one.len() >= 2, "the engine does not run: {of_one:?}");
    let one_mb = resident_mb();
    let others: Vec<_> = (0..15)
        .map(|_| {
            let mut other = Instance::new(&entry);
            let mut processor = other.activate(48_000, 1024);
            play(&mut processor);
            (other, processor)
        })
        .collect();
    assert_eq!(settled(), of_one);
    println!("1 instance: {one_mb} MB resident, 16: {} MB", resident_mb());
    for (mut other, processor) in others {
        other.deactivate(processor);
    }
    first.deactivate(first_deck);
    drop(first);
    // ONNX Runtime's environment is made once per process, and may keep a thread.
    let left = settled();
    assert!(
        left.len() + 2 <= of_one.len() && !left.contains(&"mertscope-worke".to_owned()),
        "of {of_one:?} are left {left:?}"
    );
}
