//! A real server as a process, and the folder that it serves.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use mertscope_tests::{mertscope, repository, skipped, target};

/// The most time for a server to start, and to be found again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The Python with the servers; reports a test that can't run without it.
pub(crate) fn python(test: &str) -> Option<PathBuf> {
    let python = target().join("venv/servers/bin/python");
    if python.is_file() {
        return Some(python);
    }
    skipped(
        test,
        "no inference servers; `cargo xtask test --full` gets them",
    );
    None
}

/// A server that is ended with the test.
pub(crate) struct Running(Child, u16);

impl Running {
    pub(crate) fn start(python: &Path, kind: &str, models: &Path, port: u16) -> Self {
        let script = repository("tests/servers/serve.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .arg(kind)
            .arg(models)
            .arg(port.to_string());
        let mut running = Self(command.spawn().unwrap(), port);
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(running.0.try_wait().unwrap().is_none(), "{kind} ended");
            assert!(since.elapsed() < PATIENCE, "{kind} does not start");
            thread::sleep(Duration::from_millis(100));
        }
        running
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Exports a model, to be run with one thread as clients here do: sums depend on the number of threads in their last
/// bits. `more` are further arguments. Returns the model's folder.
pub(crate) fn export(model: &str, models: &Path, more: &[&str]) -> PathBuf {
    let mut command = mertscope();
    command
        .args(["models", "export", model, "--triton"])
        .arg(models)
        .args(more);
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let folder = fs::read_dir(models).unwrap().next().unwrap();
    let folder = folder.unwrap().path();
    let path = folder.join("config.pbtxt");
    let one = r#"parameters { key: "intra_op_thread_count" value { string_value: "1" } }"#;
    let configuration = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{configuration}{one}\n")).unwrap();
    folder
}
