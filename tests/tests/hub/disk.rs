//! Disks that are full, and folders that can't be written.

use std::fs;

use mertscope_tests::hub::Faults;
use mertscope_tests::output_of;

use super::home::{Home, ID, fails_with};

#[test]
fn a_download_that_does_not_fit_is_not_started() {
    let home = Home::new();
    home.hub.fault(Faults {
        reported_size: Some(1 << 50),
        ..Faults::default()
    });
    fails_with(
        &home.fetch(),
        1,
        &["too little free space", "MB are needed"],
    );
    assert!(home.hub.asked_second().is_empty());
    home.not_installed();
}

#[test]
fn a_folder_that_cant_be_written_is_named() {
    let home = Home::new();
    // A file in the place of a folder stops even root.
    fs::create_dir_all(home.models().parent().unwrap()).unwrap();
    fs::write(home.models(), "a file").unwrap();
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    fails_with(&output_of(&mut command), 1, &["mertscope", "permissions"]);
    assert!(home.hub.asked_second().is_empty());
}

/// The test mounts a file system, which needs root; otherwise it is reported as skipped.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_keeps_the_partial_download() {
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::Duration;

    use super::home::succeeds;

    const TEST: &str = "a_disk_that_fills_up_keeps_the_partial_download";
    let home = Home::with_weights(4_000_000);
    let data = home.path("data");
    fs::create_dir(&data).unwrap();
    let mount = |arguments: &[&str]| {
        let mut command = Command::new("mount");
        command.args(arguments).arg(&data).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=32m", "mertscope-test"]) {
        mertscope_tests::skipped(TEST, "no file system can be mounted here");
        return;
    }
    home.hub.fault(Faults {
        slow: Some((100_000, Duration::from_millis(50))),
        ..Faults::default()
    });
    let full = thread::scope(|scope| {
        let fetch = scope.spawn(|| home.fetch());
        while fs::metadata(home.part()).map_or(0, |part| part.len()) == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        // The filler grows until no block is free.
        let filler = data.join("filler");
        let mut file = fs::File::create(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
        let full = fetch.join().unwrap();
        fs::remove_file(filler).unwrap();
        full
    });
    let there = fs::metadata(home.part()).map_or(0, |part| part.len());
    home.hub.fault(Faults::default());
    home.hub.forget();
    let again = home.fetch();
    let asked = home.hub.asked_second();
    let installed = std::panic::catch_unwind(|| home.installed());
    let gone = Command::new("umount").arg(&data).status();
    assert!(gone.unwrap().success());
    fails_with(&full, 1, &["too little free space", "kept"]);
    succeeds(&again);
    assert!(installed.is_ok());
    assert!(there > 0);
    assert_eq!(asked[0].header("range"), Some(&*format!("bytes={there}-")));
}
