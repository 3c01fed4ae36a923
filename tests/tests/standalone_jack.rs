//! The standalone app with a real JACK server: one instance analyzes the piece that another plays, the
//! server refuses settings, dies and is started again.
//!
//! Each test has a server of its own, without a sound card (`jackd -d dummy`).

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use mertscope_tests::{CommandOutput, output_of, repository, skipped, standalone};

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server that ends with the test.
struct Server {
    name: String,
    process: Child,
}

impl Server {
    /// Starts a server for the test `test`, named after `short`. Without `jackd` it reports the test
    /// as skipped and returns `None`.
    fn start(test: &str, short: &str) -> Option<Self> {
        // JACK has room for eight names on a machine, and keeps those of servers that were killed.
        let name = format!("mertscope-test-{short}");
        let Some(process) = Self::spawn(&name) else {
            skipped(test, "jackd is not installed");
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

    /// Waits until the app lists the device `id`.
    fn wait_for(&self, id: &str) {
        let start = Instant::now();
        while !self.run(&["--list-devices"]).out.contains(id) {
            assert!(start.elapsed() < PATIENCE, "{id} is not listed");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn app(&self) -> Command {
        let config = std::env::temp_dir().join(&self.name);
        standalone(&config, &self.name)
    }

    fn run(&self, words: &[&str]) -> CommandOutput {
        output_of(self.app().args(words))
    }

    fn die_and_come_back(&mut self, meanwhile: impl FnOnce()) {
        // A killed server sends its clients no message.
        self.process.kill().expect("the server runs");
        self.process.wait().expect("the server ends");
        meanwhile();
        self.process = Self::spawn(&self.name).expect("the server starts again");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that receives SIGTERM releases its name; one that is killed does not.
        if let Ok(id) = libc::pid_t::try_from(self.process.id()) {
            // SAFETY: the server has not been waited for, so the number is still its own.
            unsafe { libc::kill(id, libc::SIGTERM) };
        }
        let _ = self.process.wait();
    }
}

/// A running app, and the lines that it prints.
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

    /// Waits for a line with one of these words, and returns it.
    fn line_with(&self, stream: &Receiver<String>, words: &[&str]) -> String {
        loop {
            let line = stream.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                let errors: Vec<String> = self.err.try_iter().collect();
                panic!("no line with one of {words:?} came ({error}): {errors:?}")
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
#[ignore = "long: a JACK server can take minutes to start on a busy machine"]
fn an_instance_analyzes_what_another_plays() {
    let Some(server) = Server::start("an_instance_analyzes_what_another_plays", "hears") else {
        return;
    };
    let player = play(&server);
    server.wait_for("jack:mertscope");
    let listener = Running::start(server.app().args(["--headless", "--input", "mertscope"]));
    listener.line_with(&listener.out, &["G major"]);
    player.line_with(&player.out, &["G major"]);
}

#[test]
#[ignore = "long: a JACK server can take minutes to start on a busy machine"]
fn settings_that_the_server_lacks_are_refused_with_its_own() {
    let Some(server) = Server::start(
        "settings_that_the_server_lacks_are_refused_with_its_own",
        "rate",
    ) else {
        return;
    };
    for (words, expected) in [
        (
            ["--rate", "44100"],
            "JACK can't run at 44100 Hz; it offers 48000 Hz",
        ),
        (["--buffer", "64"], "blocks of 256 frames, not 64"),
        (["--channels", "3-4"], "JACK has no channel 3-4; it has 2"),
        (["--input", "absent"], "no input device 'absent'"),
    ] {
        let words = [&["--headless", "--backend", "jack"][..], &words].concat();
        let output = server.run(&words);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(output.err.contains(expected), "{output:?}");
    }
    let fits = server.run(&[
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
#[ignore = "long: a JACK server can take minutes to start on a busy machine"]
fn a_server_that_dies_is_reported_and_used_again_after_its_restart() {
    let Some(mut server) = Server::start(
        "a_server_that_dies_is_reported_and_used_again_after_its_restart",
        "dies",
    ) else {
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
        // The results of the piece go on meanwhile.
        player.line_with(&player.out, &["G major"]);
    });
    server.wait_for("jack:mertscope");
    while listener.out.try_recv().is_ok() {}
    listener.line_with(&listener.out, &["G major"]);
}
