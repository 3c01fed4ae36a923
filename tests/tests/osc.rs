//! OSC messages from the built plugin in a host to a receiver on this machine.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use mertscope_tests::chord;
use mertscope_tests::host::{AudioProcessor, Instance};
use rosc::{OscMessage, OscPacket, OscType, decoder};
use serde_json::{Value, json};

const RATE_HZ: u32 = 16_000;

/// The sample rate of an hour without music: the lowest one takes the least time.
const QUIET_RATE_HZ: u32 = 8_000;

/// Frames in a block.
const FRAMES: usize = 2048;

/// The time limit for a message: only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A receiver, and its address.
fn receiver() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let patience = Some(Duration::from_millis(100));
    socket.set_read_timeout(patience).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// The next message, if one arrives within the limit.
fn next(socket: &UdpSocket) -> Option<OscMessage> {
    let mut room = [0; 4096];
    let length = socket.recv(&mut room).ok()?;
    match decoder::decode_udp(&room[..length]).unwrap().1 {
        OscPacket::Message(message) => Some(message),
        OscPacket::Bundle(bundle) => panic!("a bundle: {bundle:?}"),
    }
}

/// An instance in an exact offline render, with this OSC object in its project.
fn instance(osc: &Value) -> Instance {
    let mut instance = Instance::default();
    let mut state = instance.state();
    let mut object: Value =
        serde_json::from_str(state["fields"]["mertscope"].as_str().unwrap()).unwrap();
    object["engine"] = json!({ "exact_offline": true, "cpu_share": 1.0 });
    object["osc"] = osc.clone();
    state["fields"]["mertscope"] = json!(object.to_string());
    state["params"]["hop"] = json!({ "f32": 1.0 });
    assert!(instance.load_state(&state), "{osc}");
    instance.set_offline(true);
    instance
}

/// Plays audio through all channels, and checks that it passes unchanged.
fn play(processor: &mut AudioProcessor, audio: &[f32]) {
    for block in audio.chunks(FRAMES) {
        for channel in processor.input() {
            channel[..block.len()].copy_from_slice(block);
        }
        processor.play(block.len());
        assert_eq!(processor.output()[0][..block.len()], *block);
    }
}

/// Plays audio, and returns the messages at `socket` up to the first one with this address, or all
/// of them without one.
fn played(
    instance: &mut Instance,
    audio: &[f32],
    socket: &UdpSocket,
    until: &str,
) -> Vec<OscMessage> {
    let mut processor = instance.activate(RATE_HZ, FRAMES);
    play(&mut processor, audio);
    let begun = Instant::now();
    let mut messages = Vec::new();
    while begun.elapsed() < PATIENCE {
        let Some(message) = next(socket) else {
            continue;
        };
        let found = message.addr == until;
        messages.push(message);
        if found {
            break;
        }
    }
    instance.deactivate(processor);
    messages
}

/// A project with OSC off sends nothing; one with OSC on sends each window's key and genre, under its
/// own name, with the host's time.
#[test]
fn osc_sends_nothing_until_it_is_enabled() {
    let ((silent, silent_address), (socket, address)) = (receiver(), receiver());
    let audio = chord(RATE_HZ, 12.0);
    let mut off = instance(&json!({ "enabled": false, "address": silent_address, "name": "off" }));
    let mut processor = off.activate(RATE_HZ, FRAMES);
    play(&mut processor, &audio);

    let osc = json!({ "enabled": true, "address": address, "name": "front" });
    let mut on = instance(&osc);
    let messages = played(&mut on, &audio, &socket, "/mertscope/genre");
    assert_eq!(messages.last().unwrap().addr, "/mertscope/genre");
    let key = messages
        .iter()
        .find(|m| m.addr == "/mertscope/key")
        .unwrap();
    let [
        OscType::String(name),
        OscType::Float(start_s),
        OscType::Float(end_s),
        OscType::String(_),
        OscType::Int(_),
        OscType::String(best),
        OscType::String(_),
        OscType::Float(probability),
        OscType::String(runner_up),
        OscType::Float(second),
        OscType::String(standing),
    ] = &key.args[..]
    else {
        panic!("{key:?}");
    };
    assert_eq!((name.as_str(), best.as_str()), ("front", "C major"));
    assert!((end_s - start_s - 5.0).abs() < 0.01 && (0.0..7.0).contains(start_s));
    assert!((0.1..=1.0).contains(probability) && second <= probability);
    assert!(runner_up != best && ["named", "pair", "unclear"].contains(&standing.as_str()));
    let states = messages.iter().filter(|m| m.addr == "/mertscope/state");
    assert!(states.count() > 0);
    // The instance with OSC off has had the same audio earlier.
    assert_eq!(next(&silent), None);
    off.deactivate(processor);
}

/// The addresses are malformed, broadcast, multicast, public or endless: audio passes, the project's
/// object is saved again byte for byte, and nothing is sent to the receiver.
#[test]
fn invalid_osc_settings_send_nothing_and_are_kept() {
    let (socket, address) = receiver();
    let audio = chord(RATE_HZ, 1.0);
    let port = address.rsplit(':').next().unwrap().to_owned();
    for osc in [
        json!({ "enabled": true, "address": "everywhere" }),
        json!({ "enabled": true, "address": "" }),
        json!({ "enabled": true, "address": format!("127.0.0.1:0{}", "9".repeat(100_000)) }),
        json!({ "enabled": true, "address": format!("255.255.255.255:{port}") }),
        json!({ "enabled": true, "address": format!("0.0.0.0:{port}") }),
        json!({ "enabled": true, "address": format!("224.0.0.1:{port}") }),
        json!({ "enabled": true, "address": "8.8.8.8:53" }),
        json!({ "enabled": true, "address": "127.0.0.1:0" }),
        json!({ "enabled": "yes", "address": address }),
        json!({ "enabled": true, "address": 7 }),
        json!({ "enabled": true, "address": address, "name": ["x"] }),
        json!([address]),
        json!(null),
    ] {
        let mut instance = instance(&osc);
        let saved = instance.save();
        let mut processor = instance.activate(RATE_HZ, FRAMES);
        play(&mut processor, &audio);
        instance.deactivate(processor);
        assert_eq!(instance.save(), saved, "{osc}");
    }
    assert_eq!(next(&socket), None);
}

/// The next state of the instance whose count of restarts is at least this.
fn wait_for_restarts(socket: &UdpSocket, count: i32) -> i32 {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let state = next(socket).filter(|message| message.addr == "/mertscope/state");
        if let Some(&[.., OscType::Int(restarts)]) = state.as_ref().map(|state| &state.args[..])
            && restarts >= count
        {
            return restarts;
        }
    }
    panic!("it never started again");
}

/// A host's automation starts again: each press once, however often it repeats the value, and the windows after
/// it begin there.
#[test]
fn automation_starts_again() {
    let (socket, address) = receiver();
    let mut instance = instance(&json!({ "enabled": true, "address": address }));
    let parameters = instance.automatable();
    let trigger = parameters.iter().find(|p| p.name == "Start again").unwrap();
    let mut processor = instance.activate(RATE_HZ, FRAMES);
    play(&mut processor, &chord(RATE_HZ, 6.4));
    // Held for some blocks by a host that repeats the value, then let go.
    let begun_s = processor.position as f32 / RATE_HZ as f32;
    for value in [1.0, 1.0, 1.0, 0.0] {
        processor.set(trigger.id, value);
        play(&mut processor, &chord(RATE_HZ, 0.1));
    }
    assert_eq!(wait_for_restarts(&socket, 1), 1);
    play(&mut processor, &chord(RATE_HZ, 6.0));
    let begun = Instant::now();
    let start_s = loop {
        assert!(begun.elapsed() < PATIENCE, "no result after the start");
        let key = next(&socket).filter(|message| message.addr == "/mertscope/key");
        if let Some(&[_, OscType::Float(start_s), ..]) = key.as_ref().map(|key| &key.args[..])
            && start_s > 1.5
        {
            break start_s;
        }
    };
    assert!((start_s - begun_s).abs() < 1e-3, "{start_s}, not {begun_s}");
    // It reads off, so the next press needs no release.
    processor.set(trigger.id, 1.0);
    play(&mut processor, &chord(RATE_HZ, 0.1));
    assert_eq!(wait_for_restarts(&socket, 2), 2);
    instance.deactivate(processor);
}

/// An hour of silence and an hour of a stopped transport send states and no key or genre; music after
/// them does.
#[test]
fn hours_without_music_send_states_only_and_music_then_gets_results() {
    let (socket, address) = receiver();
    let mut instance = instance(&json!({ "enabled": true, "address": address }));
    let mut processor = instance.activate(QUIET_RATE_HZ, FRAMES);
    for playing in [true, false] {
        processor.playing = playing;
        for _ in 0..3600 * QUIET_RATE_HZ as usize / FRAMES {
            processor.play(FRAMES);
        }
    }
    instance.deactivate(processor);
    let mut before = Vec::new();
    while let Some(message) = next(&socket) {
        before.push(message);
    }
    let of = |address: &str| before.iter().filter(|m| m.addr == address).count();
    assert_eq!(of("/mertscope/key") + of("/mertscope/genre"), 0);
    assert!(of("/mertscope/state") > 0);
    let messages = played(
        &mut instance,
        &chord(RATE_HZ, 12.0),
        &socket,
        "/mertscope/key",
    );
    assert_eq!(messages.last().unwrap().addr, "/mertscope/key");
}
