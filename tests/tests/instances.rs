//! Sixteen instances in one process have one engine. Alone in its program, so that no other
//! test's instances are counted.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::{Duration, Instant};

use mertscope_tests::host::{Deck, Instance, entry};

/// How long threads may take to come or go: a hang, not a measure.
const PATIENCE: Duration = Duration::from_secs(60);

/// After this long without a change nothing is being loaded any more.
const QUIET: Duration = Duration::from_secs(2);

/// The engine's threads in this process, by name; those that ONNX Runtime starts have the name of
/// the one that loads a session.
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

/// The engine's threads, when they have not changed for a while.
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

/// Twelve seconds of a chord, as fast as it goes.
fn play(deck: &mut Deck) {
    for (n, channel) in deck.input().iter_mut().enumerate() {
        for (t, sample) in channel.iter_mut().enumerate() {
            *sample = ((t + n) as f32 * 0.05).sin() * 0.3;
        }
    }
    for _ in 0..12 * 48_000 / 1024 {
        deck.play(1024);
    }
}

/// The same threads, so one session, however many instances there are; none after the last went.
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
            let mut deck = other.activate(48_000, 1024);
            play(&mut deck);
            (other, deck)
        })
        .collect();
    assert_eq!(settled(), of_one);
    println!("1 instance: {one_mb} MB resident, 16: {} MB", resident_mb());
    for (mut other, deck) in others {
        other.deactivate(deck);
    }
    first.deactivate(first_deck);
    drop(first);
    // ONNX Runtime's environment is made once in a process, and may keep a thread of its own.
    let left = settled();
    assert!(
        left.len() + 2 <= of_one.len() && !left.contains(&"mertscope-worke".to_owned()),
        "of {of_one:?} are left {left:?}"
    );
}
