//! A user at a terminal: asked once, shown the progress, free to stop.

use std::io::{Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mertscope_tests::hub::Faults;
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::home::{Home, ID, heed_ctrl_c, succeeds};

/// The time limit: far longer than a passing test needs.
const LONG: Duration = Duration::from_secs(60);

/// The question before a fetch.
const QUESTION: &str = "Do you agree?";

/// A terminal that runs `mertscope models …`.
struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    screen: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, 120)).unwrap();
        let mut command = home.models_command(arguments);
        heed_ctrl_c(command.env("TERM", "xterm"));
        let child = Command::from(command).spawn(pts).unwrap();
        let (pty, screen) = (Arc::new(pty), Arc::<Mutex<String>>::default());
        let (from, onto) = (Arc::clone(&pty), Arc::clone(&screen));
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails after the last process at the other end has ended.
            while let Ok(count @ 1..) = (&*from).read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                onto.lock().unwrap().push_str(&text);
            }
        });
        Self {
            child,
            pty,
            screen,
            reader,
        }
    }

    fn type_in(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    fn wait_for(&self, words: &str) {
        let end = Instant::now() + LONG;
        while !self.screen.lock().unwrap().contains(words) {
            assert!(
                Instant::now() < end,
                "“{words}” never came: {:?}",
                self.screen
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The exit status, and all that the terminal has shown.
    fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let screen = self.screen.lock().unwrap().clone();
        (status, screen)
    }
}

/// A hub that sends the weights in three seconds.
fn slow_hub() -> Home {
    let home = Home::new();
    home.hub.fault(Faults {
        slow: Some((10_000, Duration::from_millis(100))),
        ..Faults::default()
    });
    home
}

#[test]
fn no_cancels_the_fetch() {
    let home = Home::new();
    for answer in ["n\r", "\r", "maybe\r"] {
        let terminal = Terminal::start(&home, &["fetch", ID]);
        terminal.wait_for("[y/N] ");
        terminal.type_in(answer);
        let (status, screen) = terminal.ended();
        assert_eq!(status.code(), Some(1), "{screen}");
        assert_eq!(screen.matches(QUESTION).count(), 1, "{screen}");
        assert!(screen.contains("CC-BY-NC-4.0"), "{screen}");
        assert!(screen.contains("Nothing was done."), "{screen}");
    }
    assert!(home.hub.asked().is_empty(), "{:?}", home.hub.asked());
    assert!(home.kept().is_empty());
}

#[test]
fn yes_is_asked_for_once_and_shows_speed_and_time() {
    let home = slow_hub();
    let terminal = Terminal::start(&home, &["fetch", ID]);
    terminal.wait_for("[y/N] ");
    terminal.type_in("y\r");
    terminal.wait_for("MB/s, 0:0");
    let (status, screen) = terminal.ended();
    assert!(status.success(), "{screen}");
    assert_eq!(screen.matches(QUESTION).count(), 1, "{screen}");
    for words in [
        "downloading, ",
        " of 0.3 MB",
        " left",
        " %",
        "is installed in",
    ] {
        assert!(screen.contains(words), "“{words}” is missing in: {screen}");
    }
    home.installed();
    // The user is not asked about the same license again.
    home.hub.fault(Faults::default());
    home.publish("m-a-p/music2vec-v1");
    let (status, screen) = Terminal::start(&home, &["fetch", "music2vec-v1"]).ended();
    assert!(status.success() && !screen.contains(QUESTION), "{screen}");
}

#[test]
fn ctrl_c_stops_and_the_next_fetch_resumes() {
    let home = slow_hub();
    let terminal = Terminal::start(&home, &["fetch", ID, "--yes"]);
    terminal.wait_for(" left");
    terminal.type_in("\x03");
    let (status, screen) = terminal.ended();
    assert!(!status.success(), "{screen}");
    home.not_installed();
    let there = home.part().metadata().unwrap().len();
    assert!((1..300_000).contains(&there), "{there}");
    home.hub.fault(Faults::default());
    home.hub.forget();
    succeeds(&home.fetch());
    home.installed();
    let range = home.hub.asked_second()[0]
        .header("range")
        .map(str::to_owned);
    assert_eq!(range, Some(format!("bytes={there}-")));
}
