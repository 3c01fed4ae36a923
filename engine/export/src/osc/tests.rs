//! Messages as a receiver on this machine reads them.

use std::net::UdpSocket;
use std::time::Duration;

use rosc::{OscPacket, OscType, decoder};

use super::*;
use crate::sample;
use mertscope_heads::head::{HeadInfo, Outputs, Reads};
use mertscope_heads::reference::{Reference, ReferenceSource};
use mertscope_live::{ModelStatus, RunningModel, Study};
use mertscope_model::device::{Choice, Report};
use mertscope_model::{Operators, Precision};
use mertscope_music::Confidence;

fn receiver() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Longer than a datagram takes on any machine: a limit for hangs, not a measure.
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn received(socket: &UdpSocket) -> (String, Vec<OscType>) {
    let mut room = [0; 65_536];
    let length = socket.recv(&mut room).unwrap();
    let (_, packet) = decoder::decode_udp(&room[..length]).unwrap();
    let OscPacket::Message(message) = packet else {
        panic!("a bundle");
    };
    (message.addr, message.args)
}

/// A head for moods.
fn mood() -> HeadInfo {
    HeadInfo {
        sha256: "5ha".to_owned(),
        id: "mood-1".to_owned(),
        task: "mood".to_owned(),
        labels: ["calm", "wild"].map(str::to_owned).to_vec().into(),
        reads: Reads::Window,
        outputs: Outputs::Multiclass,
        threshold: None,
        confidence: Confidence::unfitted(None),
        is_calibrated: false,
        layers_text: String::new(),
        metrics_text: String::new(),
        source_text: String::new(),
        license_text: String::new(),
        bytes: 0,
    }
}

fn model(labels: &[String]) -> ModelStatus {
    ModelStatus {
        running: Some(RunningModel {
            windows_s: [5.0].into(),
            id: "embedded".to_owned(),
            depth: None,
            sha256: String::new(),
            genre_labels: labels.into(),
            map: None,
            heads: Arc::new([mood()]),
            device: Arc::new(Report {
                name: "CPU".to_owned(),
                asked: Choice::Auto,
                used: Choice::Cpu,
                operators: Operators::Fused,
                precision: Precision::Fp32,
                err: None,
                share: None,
                fallbacks: Vec::new(),
                notice: None,
            }),
            devices: Arc::default(),
            window_s: 5.0,
            offered: Arc::default(),
            genre_head: None,
            key_head: None,
        }),
        state: ModelState::Ready,
        ..Snapshot::default().model
    }
}

fn snapshot(labels: &[String]) -> Snapshot {
    let mut timeline = sample::modulating().outcome.unwrap();
    let result = timeline.results[2].result.as_mut().unwrap();
    result.others = vec![(Arc::from("5ha"), vec![0.25, 0.75])];
    result.distances = vec![
        (Arc::from("0123456789abcdef"), 0.5),
        (Arc::from("gone"), 1.0),
    ];
    result.point = Some([1.5, -2.0]);
    let entry = |timed| {
        Arc::new(Entry {
            timed,
            host_samples: None,
            generation: 1,
            restarts: 0,
            bridged_frames: 0,
            published: std::time::UNIX_EPOCH,
        })
    };
    let source = ReferenceSource {
        name: "Last album",
        color: [0; 3],
        sha256: Some("0123456789abcdef0123"),
        encoder_sha256: "",
        layer: 0,
        windows: &[vec![1.0]],
        further: &[],
    };
    let reference = Reference::new(&source, None).unwrap();
    Snapshot {
        state: State::Analyzing,
        model: model(labels),
        study: Study {
            references: [Arc::new(reference)].into(),
            ..Study::default()
        },
        history: Arc::new(timeline.results.into_iter().map(entry).collect()),
        ..Snapshot::default()
    }
}

fn names() -> Vec<String> {
    sample::GENRES.map(str::to_owned).to_vec()
}

#[test]
fn each_new_window_is_a_key_and_a_genre_and_nothing_is_sent_twice() {
    let (socket, to) = receiver();
    let whole = snapshot(&names());
    let mut part = whole.clone();
    part.history = Arc::new(whole.history[..2].to_vec());
    let mut sender = Sender::open(to, "stage left", &part).unwrap();
    // Windows from before it was opened are not sent.
    assert!(sender.follow(&part));
    assert!(!sender.follow(&part));
    part.history = Arc::new(whole.history[..3].to_vec());
    assert!(sender.follow(&part));

    let analyzing = "analysing"; // spelling as stored
    let state = ["stage left", analyzing, "ready", "embedded"];
    let mut state = state.map(|t| OscType::String(t.into())).to_vec();
    state.push(OscType::Int(0));
    let (address, arguments) = received(&socket);
    assert_eq!(
        (address.as_str(), &arguments[..]),
        ("/mertscope/state", &state[..])
    );
    assert_eq!(received(&socket).0, "/mertscope/state");
    let (address, arguments) = received(&socket);
    assert_eq!(address, "/mertscope/key");
    let result = whole.history[2].timed.result.clone().unwrap();
    let probability = result.key_smoothed.unwrap()[21];
    let (runner_up, second) = result.key_answer.unwrap().runner_up;
    let named = result.key_label().map_or(String::new(), |key| key.label());
    let expected = [
        OscType::String("stage left".into()),
        OscType::Float(2.0),
        OscType::Float(7.0),
        OscType::String(named),
        OscType::Int(result.key_label().map_or(-1, |_| 21)),
        OscType::String("A minor".into()),
        OscType::String("8A".into()),
        OscType::Float(probability),
        OscType::String(runner_up.label()),
        OscType::Float(second),
        OscType::String("named".into()),
    ];
    assert_eq!(arguments, expected);
    let (address, arguments) = received(&socket);
    assert_eq!(address, "/mertscope/genre");
    assert_eq!(arguments.len(), 3 + 2 * 10);
    assert_eq!(arguments[3], OscType::String("classical".into()));
    let (address, arguments) = received(&socket);
    assert_eq!(address, "/mertscope/tuning");
    let sharp = [OscType::Float(32.25), OscType::Float(0.75), OscType::Int(1)];
    assert_eq!(arguments[3..], sharp);
    let (address, arguments) = received(&socket);
    assert_eq!(address, "/mertscope/head");
    let mood = ["mood-1", "mood", "wild"].map(|t| OscType::String(t.into()));
    assert_eq!(
        (&arguments[3..6], &arguments[6]),
        (&mood[..], &OscType::Float(0.75))
    );
    let (address, arguments) = received(&socket);
    assert_eq!(address, "/mertscope/map");
    assert_eq!(arguments[3..], [OscType::Float(1.5), OscType::Float(-2.0)]);
    let (address, arguments) = received(&socket);
    assert_eq!(address, "/mertscope/reference");
    let album = OscType::String("Last album".into());
    assert_eq!(arguments[3..], [album, OscType::Float(0.5)]);
    assert_eq!((sender.sent().messages, sender.sent().failed), (8, 0));
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 16]).is_err(), "more was sent");
}

#[test]
fn many_and_endless_labels_stay_in_one_small_datagram() {
    let (socket, to) = receiver();
    let mut whole = snapshot(&vec!["ä\0".repeat(500); 10]);
    let mut sender = Sender::open(to, &"n".repeat(9_999), &Snapshot::default()).unwrap();
    whole.history = Arc::new(whole.history[..1].to_vec());
    assert!(sender.follow(&whole));
    let (_, arguments) = received(&socket);
    assert_eq!(arguments[0], OscType::String("n".repeat(200)));
    received(&socket);
    let (address, arguments) = received(&socket);
    assert_eq!(address, "/mertscope/genre");
    let OscType::String(label) = &arguments[3] else {
        panic!("{arguments:?}");
    };
    assert!(label.len() <= 600 && !label.contains('\0'));
}

#[test]
fn a_missing_receiver_is_counted_and_named() {
    let (socket, to) = receiver();
    drop(socket);
    let mut sender = Sender::open(to, "1", &Snapshot::default()).unwrap();
    let mut snapshot = Snapshot::default();
    // The system reports it with the message after the one that nobody received.
    for state in [State::Stopped, State::Silent, State::Analyzing, State::Idle] {
        snapshot.state = state;
        assert!(sender.follow(&snapshot));
        std::thread::sleep(Duration::from_millis(20));
    }
    if cfg!(target_os = "linux") {
        assert!(sender.sent().failed > 0);
    }
    assert_eq!(sender.sent().messages + sender.sent().failed, 4);
    let sentence = sender.reason(&ErrorKind::ConnectionRefused.into());
    assert!(sentence.contains(&to.to_string()) && sentence.contains("nobody listens"));
}
