//! Connections that break, stall or are slow, and users who stop a fetch and start it again.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use mertscope_tests::hub::Faults;
use mertscope_tests::output_of;

#[cfg(unix)]
use super::home::heed_ctrl_c;
use super::home::{Home, ID, fails_with, succeeds};

/// Starts a slow fetch, and waits until a part of the weights has arrived.
fn begun(home: &Home) -> Child {
    home.hub.fault(Faults {
        slow: Some((10_000, Duration::from_millis(100))),
        ..Faults::default()
    });
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    heed_ctrl_c(&mut command);
    let child = command.spawn().unwrap();
    while fs::metadata(home.part()).map_or(0, |part| part.len()) < 20_000 {
        thread::sleep(Duration::from_millis(20));
    }
    child
}

/// The `Range` headers of the second server's requests since the hub last forgot them.
fn ranges(home: &Home) -> Vec<Option<u64>> {
    let asked = home.hub.asked_second().into_iter();
    asked
        .map(|asked| {
            let range = asked.header("range")?.strip_prefix("bytes=")?;
            range.strip_suffix('-')?.parse().ok()
        })
        .collect()
}

#[test]
fn a_broken_connection_resumes_at_the_last_byte() {
    let home = Home::new();
    home.hub.fault(Faults {
        cut: Some((2, 70_000)),
        ..Faults::default()
    });
    succeeds(&home.fetch());
    home.installed();
    assert_eq!(ranges(&home), [None, Some(70_000), Some(140_000)]);
    // With `If-Range` the server sends the whole content when it has changed.
    assert!(home.hub.asked_second()[1].header("if-range").is_some());
}

#[cfg(unix)]
#[test]
fn the_next_fetch_resumes_after_ctrl_c() {
    let home = Home::new();
    let mut child = begun(&home);
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    assert!(!child.wait().unwrap().success());
    home.not_installed();
    let there = fs::metadata(home.part()).unwrap().len();
    let listed = home.run(&["list"]);
    assert!(listed.out.contains("are here"), "{}", listed.out);
    home.hub.fault(Faults::default());
    home.hub.forget();
    succeeds(&home.fetch());
    home.installed();
    assert_eq!(ranges(&home), [Some(there)]);
}

#[test]
fn bytes_that_the_disk_lost_are_fetched_again() {
    let home = Home::new();
    let mut child = begun(&home);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut part = fs::OpenOptions::new()
        .write(true)
        .open(home.part())
        .unwrap();
    part.seek(SeekFrom::Start(5)).unwrap();
    part.write_all(b"nonsense").unwrap();
    drop(part);
    home.hub.fault(Faults::default());
    home.hub.forget();
    succeeds(&home.fetch());
    home.installed();
    let ranges = ranges(&home);
    assert!(matches!(ranges[..], [Some(_), None]), "{ranges:?}");
}

#[test]
fn a_partial_file_of_another_content_is_not_resumed() {
    let mut home = Home::new();
    let mut child = begun(&home);
    child.kill().unwrap();
    child.wait().unwrap();
    home.weights = home.weights.iter().map(|byte| !byte).collect();
    home.publish("m-a-p/MERT-v0");
    home.hub.fault(Faults::default());
    home.hub.forget();
    succeeds(&home.fetch());
    home.installed();
    assert_eq!(ranges(&home), [None]);
}

#[test]
fn a_stalled_download_resumes() {
    let home = Home::new();
    home.hub.fault(Faults {
        stall: Some((1, 50_000)),
        ..Faults::default()
    });
    succeeds(&home.fetch());
    home.installed();
    assert_eq!(ranges(&home), [None, Some(50_000)]);
}

#[test]
fn attempts_are_bounded_and_the_partial_file_is_kept() {
    let home = Home::new();
    home.hub.fault(Faults {
        stall: Some((usize::MAX, 0)),
        ..Faults::default()
    });
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(command.env("HF_HUB_DOWNLOAD_TIMEOUT", "1"));
    fails_with(&failed, 1, &["stands still", "models import"]);
    home.not_installed();
    assert!(ranges(&home).len() > 2);
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let home = Home::new();
    home.hub.fault(Faults {
        cut: Some((1, 100_000)),
        no_ranges: true,
        ..Faults::default()
    });
    succeeds(&home.fetch());
    home.installed();
    assert_eq!(ranges(&home), [None, Some(100_000)]);
}

#[test]
fn a_busy_hub_and_an_expired_address_are_asked_again() {
    let home = Home::new();
    home.hub.fault(Faults {
        busy: 2,
        expired: 1,
        ..Faults::default()
    });
    succeeds(&home.fetch());
    home.installed();
}

#[test]
fn two_processes_fetch_one_model_once() {
    let home = Home::new();
    home.hub.fault(Faults {
        slow: Some((100_000, Duration::from_millis(300))),
        ..Faults::default()
    });
    let run = || home.fetch();
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(run);
        let second = scope.spawn(run);
        (first.join().unwrap(), second.join().unwrap())
    });
    succeeds(&first);
    succeeds(&second);
    home.installed();
    assert_eq!(home.hub.asked_second().len(), 1);
}
