//! Runs a program again on a virtual screen.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

/// Size of the screen, in pixels: room for the window at three times its size.
pub(super) const SCREEN: (u16, u16) = (3000, 1900);

/// Set in the environment of a program that runs on the screen.
const ON_A_SCREEN: &str = "MERTSCOPE_ON_A_SCREEN";

/// Returns [`OnScreen::Here`] when this program runs on a screen of its own. Otherwise it starts a
/// screen, runs the program again there with these arguments, and returns the status; `None` without
/// Xvfb.
///
/// # Panics
/// If the server or the program can't be started.
fn on_a_screen(arguments: &[&str]) -> Option<OnScreen> {
    if env::var_os(ON_A_SCREEN).is_some() {
        return Some(OnScreen::Here);
    }
    let mut server = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-nocursor",
            "-nolisten",
            "tcp",
            "-noreset",
            "-screen",
            "0",
        ])
        .arg(format!("{}x{}x24", SCREEN.0, SCREEN.1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut number = String::new();
    let output = server.stdout.take().expect("a pipe");
    // The server chooses a free number and prints it when it is ready.
    BufReader::new(output)
        .read_line(&mut number)
        .expect("the server's number");
    let user = crate::welcomed_user();
    let ended = Command::new(env::current_exe().expect("a program has a path"))
        .args(arguments)
        .env("XDG_CONFIG_HOME", user.path())
        .env("DISPLAY", format!(":{}", number.trim()))
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        // With one arena per thread, the memory that each window's thread leaves looks like a leak.
        .env("MALLOC_ARENA_MAX", "1")
        .env(ON_A_SCREEN, "1")
        .stdin(Stdio::null())
        .status();
    // The server ends after the program: it would take the program with it.
    let _ = server.kill();
    let _ = server.wait();
    Some(OnScreen::Ended(ended.expect("the program starts")))
}

/// Runs `body` on a screen of its own, for a tool with these arguments; the status tells whether it ended well.
#[must_use]
pub fn tool_on_a_screen(arguments: &[&str], body: impl FnOnce()) -> ExitCode {
    match on_a_screen(arguments) {
        Some(OnScreen::Here) => body(),
        Some(OnScreen::Ended(status)) if status.success() => {}
        Some(OnScreen::Ended(status)) => {
            eprintln!("error: the tool failed on its screen: {status}");
            return ExitCode::FAILURE;
        }
        None => {
            eprintln!("error: there is no Xvfb; as root: apt-get install -y xvfb libegl1");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The answer of [`on_a_screen`].
#[derive(Debug)]
enum OnScreen {
    /// This run is on the screen.
    Here,
    /// The run on the screen has ended with this status.
    Ended(ExitStatus),
}

/// Whether the test `name` runs on a screen now and has to go on. Otherwise it has already passed on
/// one, or is reported as skipped.
///
/// # Panics
/// If it has failed on the screen.
#[must_use]
pub fn test_on_a_screen(name: &str) -> bool {
    match on_a_screen(&[
        "--exact",
        name,
        "--include-ignored",
        "--nocapture",
        "--test-threads=1",
    ]) {
        Some(OnScreen::Here) => true,
        Some(OnScreen::Ended(status)) => {
            assert!(status.success(), "{name} fails on a screen: {status}");
            false
        }
        None => {
            let remedy = "there is no Xvfb; as root: apt-get install -y xvfb libegl1";
            crate::skipped(name, remedy);
            false
        }
    }
}

/// [`test_on_a_screen`], for a test that presses keys and buttons: it needs xdotool, too.
///
/// # Panics
/// If it has failed on the screen.
#[must_use]
pub fn test_with_keys_on_a_screen(name: &str) -> bool {
    let version = Command::new("xdotool").arg("version").output();
    if version.is_err() {
        let remedy = "there is no xdotool; as root: apt-get install -y xdotool";
        crate::skipped(name, remedy);
        return false;
    }
    test_on_a_screen(name)
}
