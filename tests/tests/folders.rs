//! Folders as people have them: what can be analyzed is, and what can't is named or told in a line.

use std::fs;
use std::path::{Path, PathBuf};

use mertscope_tests::{CommandOutput, chord, mertscope, output_of, wav};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with songs at these paths inside it.
fn music(songs: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let song = wav(16_000, 1, &chord(16_000, 5.0));
    for name in songs {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &song).unwrap();
    }
    folder
}

fn analyze(folder: &Path) -> CommandOutput {
    output_of(mertscope().arg("analyze").arg(folder).arg("--json"))
}

/// The files of the result that were analyzed, by their names, and the errors of the others.
fn outcomes(output: &CommandOutput) -> (Vec<String>, Vec<String>) {
    let (mut names, mut errors) = (Vec::new(), Vec::new());
    for file in output.json()["files"].as_array().unwrap() {
        match file.get("error").and_then(Value::as_str) {
            Some(error) => errors.push(error.to_owned()),
            None => {
                let path = PathBuf::from(file["file"].as_str().unwrap());
                names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    (names, errors)
}

/// A folder deep enough that its path is longer than the system takes (4,096 bytes on Linux).
#[cfg(target_os = "linux")]
fn too_deep(parent: &Path) {
    use std::ffi::CString;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    let name = CString::new("d".repeat(200)).unwrap();
    let mut folder = OwnedFd::from(fs::File::open(parent).unwrap());
    for _ in 0..25 {
        // SAFETY: the name ends in a zero byte, and the descriptor is open; the new one is ours alone.
        folder = unsafe {
            assert_eq!(libc::mkdirat(folder.as_raw_fd(), name.as_ptr(), 0o755), 0);
            let opened = libc::openat(folder.as_raw_fd(), name.as_ptr(), libc::O_DIRECTORY);
            assert!(opened >= 0);
            OwnedFd::from_raw_fd(opened)
        };
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_too_long_is_named_and_the_rest_is_analyzed() {
    let folder = music(&["a.wav", "z/b.wav"]);
    too_deep(folder.path());
    let output = analyze(folder.path());
    assert_eq!(output.code, 1, "{}", output.err);
    let (names, errors) = outcomes(&output);
    assert_eq!(names, ["a.wav", "b.wav"]);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("too long"), "{errors:?}");
    assert!(errors[0].contains("dddd") && output.err.contains("dddd"));
}

/// Root may read every folder, so as root the command runs without that right.
#[cfg(target_os = "linux")]
#[test]
fn an_unreadable_folder_is_named_and_the_rest_is_analyzed() {
    use mertscope_tests::skipped;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    let folder = music(&["a.wav", "private/b.wav", "z/c.wav"]);
    let private = folder.path().join("private");
    let allow = |mode| fs::set_permissions(&private, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    let mut command = mertscope();
    if fs::read_dir(&private).is_ok() {
        const WITHOUT: &str = "--bounding-set=-dac_override,-dac_read_search";
        let mut restricted = Command::new("setpriv");
        restricted.arg(WITHOUT).arg(command.get_program());
        command = restricted;
        let works = Command::new("setpriv").args([WITHOUT, "true"]).status();
        if !works.is_ok_and(|status| status.success()) {
            allow(0o755);
            let test = "an_unreadable_folder_is_named_and_the_rest_is_analyzed";
            return skipped(test, "root may read every folder, and there is no setpriv");
        }
    }
    let output = output_of(command.arg("analyze").arg(folder.path()).arg("--json"));
    allow(0o755);
    assert_eq!(output.code, 1, "{}", output.err);
    let (names, errors) = outcomes(&output);
    assert_eq!(names, ["a.wav", "c.wav"]);
    assert_eq!(errors.len(), 1);
    for words in ["private can't be searched", "permissions"] {
        assert!(errors[0].contains(words), "{errors:?}");
        assert!(output.err.contains(words), "{}", output.err);
    }
}

/// Without a writer, opening a pipe would wait for ever.
#[cfg(unix)]
#[test]
fn pipes_and_sockets_are_passed_over_with_a_remark() {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixListener;
    let folder = music(&["song.wav"]);
    let pipe = folder.path().join("pipe.wav");
    let name = CString::new(pipe.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name ends in a zero byte.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o644) }, 0);
    let _listener = UnixListener::bind(folder.path().join("socket.flac")).unwrap();
    let output = analyze(folder.path());
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(outcomes(&output).0, ["song.wav"]);
    for name in ["pipe.wav", "socket.flac"] {
        assert!(
            output.err.contains(&format!("{name} was passed over")),
            "{}",
            output.err
        );
    }
}

#[cfg(unix)]
#[test]
fn linked_folders_are_followed_once_and_loops_end() {
    use std::os::unix::fs::symlink;
    let elsewhere = music(&["far.wav"]);
    let folder = music(&["near.wav", "sub/deep.wav"]);
    let path = |name: &str| folder.path().join(name);
    symlink(elsewhere.path(), path("first")).unwrap();
    symlink(elsewhere.path(), path("second")).unwrap();
    symlink(folder.path(), path("sub/loop")).unwrap();
    let output = analyze(folder.path());
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(
        outcomes(&output).0,
        ["far.wav", "near.wav", "deep.wav"],
        "each once, sorted by path"
    );
}

#[test]
fn hidden_files_are_passed_over() {
    let folder = music(&["song.wav"]);
    for name in ["._song.wav", ".Trashes/gone.wav", ".hidden.mp3"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ").unwrap();
    }
    let output = analyze(folder.path());
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(outcomes(&output).0, ["song.wav"]);
    assert!(!output.err.contains("._song"), "{}", output.err);
}

#[test]
fn formats_that_are_left_out_are_told_in_one_line() {
    let folder = music(&["song.wav"]);
    for name in ["1.wma", "2.WMA", "b.dsf", "cover.jpg", "notes.txt"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let output = analyze(folder.path());
    assert_eq!(output.code, 0, "{}", output.err);
    let line = "3 files in other formats were left out (2 WMA, 1 DSD).";
    assert!(output.err.contains(line), "{}", output.err);
    fs::remove_file(folder.path().join("song.wav")).unwrap();
    let output = analyze(folder.path());
    assert_eq!(output.code, 1);
    for words in [line, "no audio"] {
        assert!(output.err.contains(words), "{}", output.err);
    }
}

/// Heads are fitted on the same files that `analyze` would analyze.
#[cfg(unix)]
#[test]
fn labeled_folders_may_be_links() {
    use mertscope_model::runtime;
    use std::os::unix::fs::symlink;
    let elsewhere = music(&["1.wav"]);
    let folder = music(&["calm/._2.wav"]);
    fs::write(folder.path().join("calm/3.wma"), "").unwrap();
    symlink(elsewhere.path(), folder.path().join("wild")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let found = runtime::candidates(None).unwrap();
    let library = found.into_iter().find(|path| path.is_file()).unwrap();
    let output = output_of(
        mertscope()
            .args(["heads", "train", "--task", "mood", "--data"])
            .arg(folder.path())
            .env("ORT_DYLIB_PATH", library)
            .env("XDG_DATA_HOME", home.path()),
    );
    // One file is too few to fit anything: its label shows that it was found.
    assert_eq!(output.code, 1, "{}", output.err);
    assert!(output.err.contains("“wild”"), "{}", output.err);
    assert!(output.err.contains("(1 WMA)"), "{}", output.err);
    assert!(!output.err.contains("._2"), "{}", output.err);
}
