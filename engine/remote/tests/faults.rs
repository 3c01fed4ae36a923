//! Servers with faults: each is a small server in this file that speaks the protocol up to the fault. Good servers are
//! real ones, in `tests/tests/servers.rs`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mertscope_remote::{Server, ServerError, Settings, Wanted};

/// Where a server goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// It is not HTTP.
    NoHttp,
    /// It is a web server of another kind: 404 for everything.
    NotFound,
    /// A web page for everything.
    Page,
    /// It refuses without a token.
    Denied,
    /// It serves no such model.
    NoModel,
    /// The model has another hash.
    OtherHash,
    /// The model was not exported by us.
    NoHash,
    /// The model's hidden states are in 8 bits.
    OtherType,
    /// It redirects elsewhere.
    Redirect,
    /// Inference fails.
    Broken,
    /// Its answer has fewer values than its shape.
    WrongShape,
    /// It answers to another question.
    OtherOutput,
    /// Its body ends in the middle.
    Half,
    /// It never answers an inference.
    Hangs,
}

/// A server on this machine, with what was asked of it.
struct Faulty {
    url: String,
    requests: Arc<AtomicUsize>,
    /// While set it behaves, as far as the protocol.
    behaves: Arc<AtomicBool>,
}

fn serve(fault: Fault) -> Faulty {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (requests, behaves) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let (count, is_good) = (Arc::clone(&requests), Arc::clone(&behaves));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (count, is_good) = (Arc::clone(&count), Arc::clone(&is_good));
            thread::spawn(move || {
                // A client that goes away ends the connection.
                let _ = connection(stream.unwrap(), fault, &count, &is_good);
            });
        }
    });
    Faulty {
        url,
        requests,
        behaves,
    }
}

fn connection(
    mut stream: TcpStream,
    fault: Fault,
    count: &AtomicUsize,
    is_good: &AtomicBool,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut line, mut length, mut token) = (String::new(), 0, false);
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let header = header.trim().to_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(text) = header.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            token |= header == "authorization: bearer the-token";
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        count.fetch_add(1, Ordering::Relaxed);
        let fault = (!is_good.load(Ordering::Relaxed)).then_some(fault);
        if fault == Some(Fault::NoHttp) {
            stream.write_all(b"220 mail.example ESMTP\r\n")?;
            return Ok(());
        }
        if fault == Some(Fault::Hangs) && path.ends_with("/infer") {
            thread::sleep(Duration::from_secs(600));
        }
        let (status, text) = answer(&path, fault, token);
        let declared = match fault {
            Some(Fault::Half) if path.ends_with("/infer") => 2 * text.len(),
            _ => text.len(),
        };
        let location = "location: http://127.0.0.1:1/\r\n";
        write!(
            stream,
            "HTTP/1.1 {status} x\r\ncontent-length: {declared}\r\n{}\r\n{text}",
            if status == 302 { location } else { "" }
        )?;
        if declared != text.len() {
            return Ok(());
        }
    }
}

/// The status and the text of an answer.
fn answer(path: &str, fault: Option<Fault>, token: bool) -> (u16, String) {
    let hash = match fault {
        Some(Fault::OtherHash) => r#"{"mertscope_hash":"beef","mertscope_version":"0.0.9"}"#,
        Some(Fault::NoHash) => "{}",
        _ => r#"{"mertscope_hash":"cafe","mertscope_precision":"fp32","mertscope_batch":"4"}"#,
    };
    let of_output = match fault {
        Some(Fault::OtherType) => "UINT8",
        _ => "FP32",
    };
    let is_inference = path.ends_with("/infer");
    let text = match (path, fault) {
        (_, Some(Fault::NotFound)) => return (404, "nothing here".to_owned()),
        (_, Some(Fault::Page)) => "<html>It works!</html>".to_owned(),
        (_, Some(Fault::Redirect)) => return (302, String::new()),
        (_, Some(Fault::Denied)) if !token => return (401, String::new()),
        ("/v2", _) => r#"{"name":"faulty","version":"1","extensions":[]}"#.to_owned(),
        (_, Some(Fault::NoModel)) => return (400, r#"{"error":"unknown model"}"#.to_owned()),
        (_, Some(Fault::Broken)) if is_inference => {
            return (500, r#"{"error":"out of memory on the card"}"#.to_owned());
        }
        _ if is_inference => {
            let (name, data) = match fault {
                Some(Fault::OtherOutput) => ("weather", "1,2"),
                Some(Fault::WrongShape) => ("pooled", "1"),
                _ => ("pooled", "1,2"),
            };
            format!(
                r#"{{"outputs":[{{"name":"{name}","shape":[1,2],"datatype":"FP32","data":[{data}]}}]}}"#
            )
        }
        _ => format!(
            r#"{{"name":"tiny","inputs":[{{"name":"audio","datatype":"FP32","shape":[-1,4]}}],
            "outputs":[{{"name":"pooled","datatype":"{of_output}","shape":[-1,2]}}],"parameters":{hash}}}"#
        ),
    };
    (200, text)
}

fn settings(url: &str) -> Settings {
    let mut settings = Settings::of_environment(Some(url));
    settings.timeout = Duration::from_secs(2);
    settings
}

fn connect(settings: Settings) -> Result<Server, ServerError> {
    let wanted = Wanted {
        model: "tiny".to_owned(),
        hash: "cafe".to_owned(),
        precision: "fp32".to_owned(),
        input: "audio".to_owned(),
        outputs: vec!["pooled".to_owned()],
    };
    Server::start(settings, wanted)
}

fn never() -> bool {
    false
}

/// Waits until the server is usable again.
fn until_ready(server: &Server) {
    let since = Instant::now();
    while server.ready().is_none() {
        assert!(
            since.elapsed() < Duration::from_secs(300),
            "it is never found again"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_is_no_server_of_the_model_is_named_with_the_reason() {
    for (fault, words) in [
        (Fault::NoHttp, "not HTTP"),
        (Fault::NotFound, "status 404: nothing here"),
        (Fault::Page, "no JSON"),
        (Fault::Redirect, "status 302"),
        (Fault::Denied, "MERTSCOPE_SERVER_TOKEN"),
        (Fault::NoModel, "mertscope models export tiny"),
        (
            Fault::OtherHash,
            "begins with beef instead of cafe (exported by version 0.0.9",
        ),
        (Fault::NoHash, "names no hash"),
        (Fault::OtherType, "UINT8"),
    ] {
        let faulty = serve(fault);
        let server = connect(settings(&faulty.url)).unwrap();
        let error = server.check(&never).unwrap_err().to_string();
        assert!(error.contains(words), "{fault:?}: {error}");
        assert!(server.ready().is_none());
        // It is found by itself once it behaves.
        faulty.behaves.store(true, Ordering::Relaxed);
        until_ready(&server);
        assert_eq!(server.ready().unwrap().name, "faulty 1");
    }
}

#[test]
fn an_inference_that_fails_is_an_error_and_the_server_is_used_again_when_it_is_back() {
    for (fault, words) in [
        (
            Fault::Broken,
            "status 500: {\"error\":\"out of memory on the card\"}",
        ),
        (Fault::WrongShape, "1 values have the shape [1, 2]"),
        (Fault::OtherOutput, "lacks the output \"pooled\""),
        (Fault::Half, "can't be reached"),
        (Fault::Hangs, "no answer within 2 s"),
    ] {
        let faulty = serve(fault);
        let server = connect(settings(&faulty.url)).unwrap();
        assert_eq!(server.check(&never).unwrap().at_once, 4, "{fault:?}");
        let infer = || server.infer(vec![0.5; 4], 1, None, &never);
        let error = infer().unwrap_err().to_string();
        assert!(error.contains(words), "{fault:?}: {error}");
        faulty.behaves.store(true, Ordering::Relaxed);
        until_ready(&server);
        let tensors = infer().unwrap();
        assert_eq!(
            (&*tensors[0].shape, &*tensors[0].values),
            (&[1, 2][..], &[1.0, 2.0][..])
        );
    }
}

/// Whether an answer can be used shows only after the thread has given it and waits for the next call.
#[test]
fn a_server_whose_answer_was_rejected_is_looked_for() {
    let faulty = serve(Fault::Hangs);
    faulty.behaves.store(true, Ordering::Relaxed);
    let server = connect(settings(&faulty.url)).unwrap();
    server.check(&never).unwrap();
    assert!(server.infer(vec![0.5; 4], 1, None, &never).is_ok());
    // The thread has had time to fall asleep.
    thread::sleep(Duration::from_millis(100));
    server.reject();
    assert!(server.ready().is_none());
    until_ready(&server);
}

#[test]
fn a_closing_program_waits_for_no_server() {
    let faulty = serve(Fault::Hangs);
    let mut patient = settings(&faulty.url);
    patient.timeout = Duration::from_secs(3600);
    let server = connect(patient).unwrap();
    server.check(&never).unwrap();
    let error = server.infer(vec![0.5; 4], 1, None, &|| true).unwrap_err();
    assert_eq!(error, ServerError::Closing);
}

#[test]
fn a_server_that_is_gone_can_not_be_reached() {
    // A port below those that the system gives to servers of other tests.
    let mut patient = settings("http://127.0.0.1:1");
    // Windows tries a closed port for two seconds.
    patient.timeout = Duration::from_secs(30);
    let server = connect(patient).unwrap();
    let error = server.check(&never).unwrap_err();
    assert!(matches!(error, ServerError::Unreachable { .. }), "{error}");
}

#[test]
fn the_token_goes_into_its_header() {
    let faulty = serve(Fault::Denied);
    let server = connect(settings(&faulty.url).with_token("the-token")).unwrap();
    assert!(server.check(&never).is_ok());
    assert!(faulty.requests.load(Ordering::Relaxed) >= 2);
}

#[test]
fn a_certificate_of_an_unknown_issuer_is_refused() {
    let certificate = include_bytes!("certificate/unknown_issuer.der").to_vec();
    let key = include_bytes!("certificate/unknown_issuer.key.der").to_vec();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            // The client ends the handshake.
            let _ = connection.complete_io(&mut stream.unwrap());
        }
    });
    let server = connect(settings(&format!("https://127.0.0.1:{port}"))).unwrap();
    let error = server.check(&never).unwrap_err().to_string().to_lowercase();
    assert!(error.contains("certificate"), "{error}");
}
