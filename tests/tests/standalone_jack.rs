//! The standalone app with a real JACK server: one instance plays a piece, another listens to it;
//! rates that the server does not run at; a server that dies and comes back.
//!
//! Each test has a server of its own, without a sound card (`jackd -d dummy`).

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use mertscope_tests::{full, repository, said, skipped, standalone};

/// How long anything may take before it counts as not coming.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server that ends with the test.
struct Server {
    name: String,
    process: Child,
}

impl Server {
    /// Starts a server, for the long tests alone: a busy machine's servers can take minutes. `None`
    /// where there is no `jackd`.
    fn start(test: &str) -> Option<Self> {
        if !full() {
            return None;
        }
        // JACK has room for eight names on a machine, and keeps those of servers that were killed.
        let name = format!("mertscope-test-{test}");
        let Some(process) = Self::spawn(&name) else {
            skipped(&format!("jack::{test}"), "jackd is not installed");
            return None;
        };
        let server = Self { name, process };
        server.wait_until_it_answers();
        Some(server)
    }

    fn spawn(name: &str) -> Option<Child> {
        Command::new("jackd")
            .args([
                "-n",
                name,
                "--no-realtime",
                "-d",
                "dummy",
                "-r",
                "48000",
                "-p",
                "256",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()
    }

    fn wait_until_it_answers(&self) {
        self.wait_for("jack:system");
    }

    /// Waits until the app lists a device.
    fn wait_for(&self, id: &str) {
        let start = Instant::now();
        while !self.said(&["--list-devices"]).out.contains(id) {
            assert!(start.elapsed() < PATIENCE, "{id} is not listed");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn app(&self) -> Command {
        let config = std::env::temp_dir().join(&self.name);
        standalone(&config, &self.name)
    }

    fn said(&self, words: &[&str]) -> mertscope_tests::Said {
        said(self.app().args(words))
    }

    fn die_and_come_back(&mut self, meanwhile: impl FnOnce()) {
        // A server that is killed takes no leave of its clients.
        self.process.kill().expect("the server runs");
        self.process.wait().expect("the server ends");
        meanwhile();
        self.process = Self::spawn(&self.name).expect("the server starts again");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Told to end, it gives its name back.
        if let Ok(id) = libc::pid_t::try_from(self.process.id()) {
            // SAFETY: the server has not been waited for, so the number is still its own.
            unsafe { libc::kill(id, libc::SIGTERM) };
        }
        let _ = self.process.wait();
    }
}

/// A running app, and its lines as they come.
struct Running {
    process: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let piped = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = piped.spawn().expect("the app starts");
        let out = lines(process.stdout.take().expect("a pipe"));
        let err = lines(process.stderr.take().expect("a pipe"));
        Self { process, out, err }
    }

    /// The first line with one of these words in it.
    fn line_with(&self, stream: &Receiver<String>, words: &[&str]) -> String {
        loop {
            let line = stream.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                let said: Vec<String> = self.err.try_iter().collect();
                panic!("no line with one of {words:?} came ({error}): {said:?}")
            });
            if words.iter().any(|word| line.contains(word)) {
                return line;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines(pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn play(server: &Server) -> Running {
    let piece = repository("assets/demo/slow-harbour.flac");
    Running::start(
        server
            .app()
            .args(["--headless", "--loop", "--file"])
            .arg(piece),
    )
}

#[test]
fn what_one_plays_another_hears() {
    let Some(server) = Server::start("hears") else {
        return;
    };
    let player = play(&server);
    server.wait_for("jack:mertscope");
    let listener = Running::start(server.app().args(["--headless", "--input", "mertscope"]));
    listener.line_with(&listener.out, &["G major"]);
    player.line_with(&player.out, &["G major"]);
}

#[test]
fn a_rate_that_the_server_does_not_run_at_is_told() {
    let Some(server) = Server::start("rate") else {
        return;
    };
    for (words, told) in [
        (
            ["--rate", "44100"],
            "JACK can't run at 44100 Hz; it offers 48000 Hz",
        ),
        (["--buffer", "64"], "blocks of 256 frames, not 64"),
        (["--channels", "3-4"], "JACK has no channel 3-4; it has 2"),
        (["--input", "absent"], "no input device 'absent'"),
    ] {
        let words = [&["--headless", "--backend", "jack"][..], &words].concat();
        let said = server.said(&words);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(told), "{said:?}");
    }
    let fits = server.said(&[
        "--headless",
        "--rate",
        "48000",
        "--buffer",
        "256",
        "--seconds",
        "1",
    ]);
    assert_eq!((fits.code, fits.err.as_str()), (0, ""), "{fits:?}");
}

#[test]
fn a_server_that_dies_is_told_and_used_again_when_it_is_back() {
    let Some(mut server) = Server::start("dies") else {
        return;
    };
    let player = play(&server);
    server.wait_for("jack:mertscope");
    let listener = Running::start(server.app().args(["--headless", "--input", "mertscope"]));
    player.line_with(&player.out, &["G major"]);
    server.die_and_come_back(|| {
        player.line_with(
            &player.err,
            &["JACK is gone. Until it is back the file plays unheard."],
        );
        listener.line_with(&listener.err, &["mertscope (JACK) is gone"]);
        // Meanwhile the piece is heard on.
        player.line_with(&player.out, &["G major"]);
    });
    server.wait_for("jack:mertscope");
    while listener.out.try_recv().is_ok() {}
    listener.line_with(&listener.out, &["G major"]);
}
