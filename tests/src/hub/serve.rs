//! The part of HTTP/1.1 that the tests need: one request after another on a connection.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use mertscope_model::sha256;

use super::{Asked, Faults, Shared, locked};

/// The pause of a stalled body: longer than any test waits.
const STALL: Duration = Duration::from_secs(60);

/// A server's answer to one request.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

/// Serves a connection until the other end closes it.
pub(crate) fn connection(stream: TcpStream, shared: &Shared, second: bool) {
    let Ok(mut write) = stream.try_clone() else {
        return;
    };
    let mut read = BufReader::new(stream);
    while let Ok(Some(asked)) = request(&mut read, second) {
        locked(&shared.asked).push(asked.clone());
        let answer = if second {
            from_second(&asked, shared)
        } else {
            from_hub(&asked, shared)
        };
        if send(&mut write, &asked, &answer, shared).is_err() {
            return;
        }
    }
}

fn request(read: &mut BufReader<TcpStream>, second: bool) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if read.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let mut asked = Asked {
        second,
        method: word(),
        path: word(),
        headers: Default::default(),
    };
    loop {
        let mut line = String::new();
        read.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            return Ok(Some(asked));
        };
        asked
            .headers
            .insert(name.to_lowercase(), value.trim().to_owned());
    }
}

fn from_hub(asked: &Asked, shared: &Shared) -> Answer {
    let faults = locked(&shared.faults).clone();
    if asked.method == "CONNECT" {
        // The answer of a proxy whose target can't be reached.
        return Answer::new(502);
    }
    if let Some((status, code)) = faults.status {
        return Answer::new(status).header("X-Error-Code", code);
    }
    if count_down(shared, |faults| &mut faults.busy) {
        return Answer::new(503);
    }
    if let Some(server) = faults.mirror_of {
        return Answer::new(308).header("Location", format!("{server}{}", asked.path));
    }
    if faults.redirect_loop {
        return Answer::new(302).header("Location", asked.path.clone());
    }
    let path = asked.path.strip_prefix("/cached").unwrap_or(&asked.path);
    let Some((name, bytes)) = shared.resolve(path) else {
        return Answer::new(404).header("X-Error-Code", "EntryNotFound");
    };
    let commit = locked(&shared.commit).clone();
    let answer = |status: u16| {
        let answer = Answer::new(status);
        if faults.no_commit {
            answer
        } else {
            answer.header("X-Repo-Commit", &*commit)
        }
    };
    if Shared::is_large(&name) {
        let hash = sha256(&bytes);
        let elsewhere = format!("http://127.0.0.1:{}/{hash}?signature=s", shared.second);
        let size = faults.reported_size.unwrap_or(bytes.len() as u64);
        answer(302)
            .header("X-Linked-Size", size.to_string())
            .header("X-Linked-Etag", format!("\"{hash}\""))
            .header("Location", faults.redirect.unwrap_or(elsewhere))
    } else if path == asked.path {
        answer(307).header("Location", format!("/cached{path}"))
    } else {
        // The hub's tags of small files are not their SHA-256.
        let tag = format!("\"{}\"", &sha256(&bytes)[..40]);
        answer(200).header("ETag", tag).body(bytes)
    }
}

fn from_second(asked: &Asked, shared: &Shared) -> Answer {
    let faults = locked(&shared.faults).clone();
    if count_down(shared, |faults| &mut faults.expired) {
        return Answer::new(403);
    }
    let hash = asked.path.trim_start_matches('/').split('?').next();
    let hash = hash.unwrap_or_default();
    let Some(mut bytes) = shared.content(hash) else {
        return Answer::new(404);
    };
    if faults.wrong_bytes {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    }
    let tag = format!("\"{hash}\"");
    let start = asked.header("range").and_then(|range| {
        let from = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        from.parse::<usize>().ok()
    });
    let same = asked.header("if-range").is_none_or(|of| of == tag);
    match start.filter(|_| same && !faults.no_ranges) {
        Some(from) if from >= bytes.len() => Answer::new(416),
        Some(from) => {
            let (last, size) = (bytes.len() - 1, bytes.len());
            let first = if faults.wrong_range { from + 1 } else { from };
            Answer::new(206)
                .header("ETag", tag)
                .header("Content-Range", format!("bytes {first}-{last}/{size}"))
                .body(bytes.split_off(from))
        }
        None => Answer::new(200).header("ETag", tag).body(bytes),
    }
}

/// Makes a fault if its count is above zero, and counts down.
fn count_down(shared: &Shared, count: impl Fn(&mut Faults) -> &mut usize) -> bool {
    let mut faults = locked(&shared.faults);
    let count = count(&mut faults);
    let make = *count > 0;
    *count = count.saturating_sub(1);
    make
}

fn send(write: &mut TcpStream, asked: &Asked, answer: &Answer, shared: &Shared) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Answer\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n", answer.body.len());
    write.write_all(head.as_bytes())?;
    if asked.method == "HEAD" {
        return write.flush();
    }
    let faults = locked(&shared.faults).clone();
    let is_weights = asked.second;
    if let Some((times, after)) = faults.cut.filter(|(times, _)| *times > 0 && is_weights) {
        locked(&shared.faults).cut = Some((times - 1, after));
        write.write_all(&answer.body[..after.min(answer.body.len())])?;
        write.flush()?;
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    if let Some((times, after)) = faults.stall.filter(|(times, _)| *times > 0 && is_weights) {
        locked(&shared.faults).stall = Some((times - 1, after));
        write.write_all(&answer.body[..after.min(answer.body.len())])?;
        write.flush()?;
        thread::sleep(STALL);
        return Err(io::ErrorKind::TimedOut.into());
    }
    if let Some((piece, pause)) = faults.slow.filter(|_| is_weights) {
        for piece in answer.body.chunks(piece) {
            write.write_all(piece)?;
            write.flush()?;
            thread::sleep(pause);
        }
        return Ok(());
    }
    write.write_all(&answer.body)?;
    write.flush()
}
