//! One window of the embedded model on a server against the same window here: what the way to a server adds.
//!
//! The server is NVIDIA Triton on this machine, with the model that `mertscope models export` wrote. Two children take
//! turns, of which one has its windows from the server.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Bench;
use super::peer::{self, Peer};
use super::statistics::Quantiles;
use super::table::Row;
use crate::process::{self, Clock, Progress};
use crate::setup;

const WARM_UP: usize = 10;
const PAIRS: usize = 60;

/// The most time for the server to start, and for it to load the model.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(500);

/// A row for each side, and one for their difference pair by pair.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace;
    let python = setup::servers(workspace)?;
    let program = peer::build(workspace, "window_latency")?;
    let models = bench.scratch.join("served");
    if models.exists() {
        fs::remove_dir_all(&models)
            .with_context(|| format!("{} cannot be removed", models.display()))?;
    }
    process::run(
        "Writing the model repository",
        Progress::Silent,
        &mut bench
            .mertscope
            .export_for_triton(&workspace.file("assets/embedded"), &models),
    )?;
    take_one_thread(&models)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut triton = Command::new(&python);
    triton
        .arg(workspace.file("tests/servers/serve.py"))
        .arg("triton")
        .arg(&models)
        .arg(port.to_string())
        // It talks about itself at length.
        .stderr(Stdio::null())
        .stdout(Stdio::null());
    process::heading("Starting NVIDIA Triton");
    let _triton = Server::start(triton, port)?;

    let mut here = Command::new(&program);
    here.args(["--threads", "1"]);
    let mut there = Command::new(&program);
    let url = format!("http://127.0.0.1:{port}");
    there.args(["--threads", "1", "--server", &url]);
    process::heading(&format!("Taking turns, {PAIRS} pairs"));
    let _clock = Clock::start(Progress::Silent);
    compare(Peer::start(there)?, Peer::start(here)?)
}

fn compare(mut there: Peer, mut here: Peer) -> Result<Vec<Row>> {
    if there.mean.to_bits() != here.mean.to_bits() {
        bail!(
            "the server computes something else: the means of the outputs are {} and {}",
            there.mean,
            here.mean
        );
    }
    for _ in 0..WARM_UP {
        there.window_ms()?;
        here.window_ms()?;
    }
    let (mut there_ms, mut here_ms) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        there_ms.push(there.window_ms()?);
        here_ms.push(here.window_ms()?);
    }
    let beyond = there_ms.iter().zip(&here_ms).map(|(all, own)| all - own);
    let beyond: Vec<f64> = beyond.collect();
    Ok([
        ("one window, from Triton", &there_ms, ""),
        ("one window, here", &here_ms, ""),
        ("Triton beyond inference", &beyond, "≤ 5 ms"),
    ]
    .map(|(what, values, aim)| {
        let Quantiles { p10, median, p90 } = Quantiles::of(values);
        Row {
            what: what.to_owned(),
            figure: format!("{median:.2} ms"),
            spread: format!("p10 {p10:.2}, p90 {p90:.2} of {PAIRS}"),
            aim,
        }
    })
    .into())
}

/// Makes the server use one thread, as the other side does.
fn take_one_thread(models: &Path) -> Result<()> {
    let model = fs::read_dir(models)?
        .next()
        .context("no model was exported")??;
    let path = model.path().join("config.pbtxt");
    let configuration = fs::read_to_string(&path)?;
    let one = r#"parameters { key: "intra_op_thread_count" value { string_value: "1" } }"#;
    Ok(fs::write(path, format!("{configuration}{one}\n"))?)
}

/// A server that ends with the measurement.
struct Server(Child);

impl Server {
    /// Starts it, and waits until it says that it is ready.
    fn start(mut command: Command, port: u16) -> Result<Self> {
        let child = command.spawn();
        let mut server = Self(child.with_context(|| process::could_not_start(&command))?);
        let since = Instant::now();
        // Triton listens once it has loaded its models.
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = server.0.try_wait()? {
                bail!("the server ended ({status})");
            }
            if since.elapsed() > PATIENCE {
                bail!("the server did not start within {} s", PATIENCE.as_secs());
            }
            thread::sleep(PAUSE);
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It only computes: nothing is lost. An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
