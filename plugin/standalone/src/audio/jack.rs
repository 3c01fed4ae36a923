//! JACK: one client with ports of its own, for input or for output. The library is loaded when
//! it is needed, so that the app runs without it.
//!
//! Runs on the audio thread, which owns the client; the callbacks are in [`super::callback`]. A
//! device here is a JACK client with ports; the default device is the sound card's client.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use jack::{
    AudioIn, AudioOut, Client, ClientOptions, ClientStatus, Control, NotificationHandler, Port,
    PortFlags, ProcessHandler, ProcessScope,
};
use mertscope_audio::tap;

use super::callback::{InputCallback, OutputCallback, PIECE_FRAMES};
use super::device::Device;
use super::error::{AudioError, Direction, reason};
use super::running_stream::RunningStream;
use super::stream_health::StreamHealth;
use crate::choice::{AudioChoice, Backend};
use crate::player::{self, FilePlayer};

/// The name of the client, which patch bays show.
const CLIENT_NAME: &str = "mertscope";
/// The name of the client that lists devices, so that the other name stays free.
const LOOKING_NAME: &str = "mertscope-devices";

/// The prefix of ids of JACK devices.
pub(super) const ID_PREFIX: &str = "jack:";

fn open(name: &str) -> Result<Client, AudioError> {
    // By default JACK would try to start a server, and write about it to standard error.
    let opened = Client::new(name, ClientOptions::NO_START_SERVER);
    let (client, _) = opened.map_err(|error| AudioError::NoServer {
        reason: match error {
            jack::Error::LibraryError(_) => "its library is not installed".to_owned(),
            jack::Error::ClientError(status) if status.contains(ClientStatus::SERVER_FAILED) => {
                "none answers".to_owned()
            }
            other => reason(other),
        },
    })?;
    Ok(client)
}

/// The clients for one direction; none without a server.
pub(super) fn devices(direction: Direction) -> Vec<Device> {
    let Ok(client) = open(LOOKING_NAME) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for port in ports(&client, direction, PortFlags::empty()) {
        let name = port.split(':').next().unwrap_or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let device = |name: String| Device {
        id: format!("{ID_PREFIX}{name}"),
        name: match name.as_str() {
            "system" => "JACK's sound card".to_owned(),
            _ => name,
        },
        backend: Backend::Jack,
        is_adapter: false,
    };
    names.into_iter().map(device).collect()
}

/// Names of the other clients' audio ports: their outputs are our inputs.
fn ports(client: &Client, direction: Direction, flags: PortFlags) -> Vec<String> {
    let theirs = match direction {
        Direction::Input => PortFlags::IS_OUTPUT,
        Direction::Output => PortFlags::IS_INPUT,
    };
    client.ports(None, Some("audio"), theirs | flags)
}

/// The ports of the device with this id, or of the sound card.
fn ports_of(
    client: &Client,
    id: Option<&str>,
    direction: Direction,
) -> Result<Vec<String>, AudioError> {
    let Some(id) = id else {
        return Ok(ports(client, direction, PortFlags::IS_PHYSICAL));
    };
    let name = id.strip_prefix(ID_PREFIX).unwrap_or(id);
    let mut found = ports(client, direction, PortFlags::empty());
    found.retain(|port| {
        port.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(':'))
    });
    if found.is_empty() {
        return Err(AudioError::Unknown {
            name: id.to_owned(),
            direction,
        });
    }
    Ok(found)
}

/// Checks rate and block size, which the server sets.
fn check(client: &Client, choice: &AudioChoice) -> Result<(), AudioError> {
    let (rate_hz, frames) = (client.sample_rate(), client.buffer_size());
    if let Some(asked) = choice.rate_hz.filter(|asked| *asked != rate_hz) {
        return Err(AudioError::Rate {
            device: "JACK".to_owned(),
            rate_hz: asked,
            offered: format!("{rate_hz} Hz"),
        });
    }
    if let Some(asked) = choice.buffer_frames.filter(|asked| *asked != frames) {
        return Err(AudioError::BufferSize {
            device: "JACK".to_owned(),
            asked,
            runs: frames,
        });
    }
    Ok(())
}

/// Listens to a device's chosen channels.
///
/// # Errors
/// [`AudioError`]
pub(super) fn listen(id: Option<&str>, choice: &AudioChoice) -> Result<RunningStream, AudioError> {
    let client = open(CLIENT_NAME)?;
    check(&client, choice)?;
    let sources = ports_of(&client, id, Direction::Input)?;
    let first = usize::from(choice.channels.first);
    // Without a sound card the user can connect the ports by hand.
    if first >= sources.len() && !(sources.is_empty() && first == 0) {
        return Err(AudioError::Channels {
            device: device_name(id),
            channels: choice.channels,
            has: sources.len() as u16,
        });
    }
    let names: &[&str] = match choice.channels.count {
        1 => &["input"],
        _ => &["input_1", "input_2"],
    };
    let inputs = register(&client, names, AudioIn::default)?;
    let own = names_of(&inputs)?;
    let (rate_hz, buffer_frames) = (client.sample_rate(), client.buffer_size());
    let health = Arc::new(StreamHealth::default());
    let (tap, tap_reader) = tap::tap(rate_hz);
    let listen = Listen {
        inputs,
        callback: InputCallback::new(tap, Arc::clone(&health), choice.channels),
    };
    let client = client
        .activate_async(Watch(Arc::clone(&health)), listen)
        .map_err(refused)?;
    for (source, own) in sources.iter().skip(first).zip(&own) {
        let _ = client.as_client().connect_ports_by_name(source, own);
    }
    Ok(RunningStream {
        stream: Box::new(client),
        tap_reader: Some(tap_reader),
        device: device_name(id),
        backend: Backend::Jack,
        rate_hz,
        buffer_frames: Some(buffer_frames),
        health,
    })
}

/// Plays the file player through a device.
///
/// # Errors
/// [`AudioError`]
pub(super) fn play(
    id: Option<&str>,
    choice: &AudioChoice,
    file_player: &Arc<FilePlayer>,
    volume: &Arc<AtomicU32>,
) -> Result<RunningStream, AudioError> {
    let client = open(CLIENT_NAME)?;
    check(&client, choice)?;
    let sinks = ports_of(&client, id, Direction::Output)?;
    let outputs = register(&client, &["output_1", "output_2"], AudioOut::default)?;
    let own = names_of(&outputs)?;
    let (rate_hz, buffer_frames) = (client.sample_rate(), client.buffer_size());
    let health = Arc::new(StreamHealth::default());
    let (tap, tap_reader) = tap::tap(rate_hz);
    let (player_callback, reader) =
        player::start(file_player, rate_hz).map_err(AudioError::File)?;
    let callback = OutputCallback::new(
        tap,
        Arc::clone(&health),
        player_callback,
        Arc::clone(volume),
    );
    let client = client
        .activate_async(Watch(Arc::clone(&health)), Play { outputs, callback })
        .map_err(refused)?;
    for (own, sink) in own.iter().zip(&sinks) {
        let _ = client.as_client().connect_ports_by_name(own, sink);
    }
    Ok(RunningStream {
        stream: Box::new((client, reader)),
        tap_reader: Some(tap_reader),
        device: device_name(id),
        backend: Backend::Jack,
        rate_hz,
        buffer_frames: Some(buffer_frames),
        health,
    })
}

fn device_name(id: Option<&str>) -> String {
    let name = id.map(|id| id.strip_prefix(ID_PREFIX).unwrap_or(id));
    match name {
        None | Some("system") => "JACK".to_owned(),
        Some(name) => format!("{name} (JACK)"),
    }
}

fn refused(error: jack::Error) -> AudioError {
    AudioError::Refused {
        device: "JACK".to_owned(),
        reason: reason(error),
    }
}

fn register<S: jack::PortSpec>(
    client: &Client,
    names: &[&str],
    spec: impl Fn() -> S,
) -> Result<Vec<Port<S>>, AudioError> {
    let ports = names.iter().map(|name| client.register_port(name, spec()));
    ports.collect::<Result<_, _>>().map_err(refused)
}

fn names_of<S>(ports: &[Port<S>]) -> Result<Vec<String>, AudioError> {
    let names = ports.iter().map(Port::name);
    names.collect::<Result<_, _>>().map_err(refused)
}

/// Notices that the server shuts down.
pub(super) struct Watch(Arc<StreamHealth>);

impl NotificationHandler for Watch {
    // SAFETY: JACK calls it as a signal handler might be called; it stores into an atomic.
    unsafe fn shutdown(&mut self, _status: ClientStatus, _reason: &str) {
        self.0.lose_silently();
    }
}

/// The callback of a client that listens.
pub(super) struct Listen {
    inputs: Vec<Port<AudioIn>>,
    callback: InputCallback,
}

impl ProcessHandler for Listen {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        match &self.inputs[..] {
            [left, right] => self
                .callback
                .push(&[left.as_slice(scope), right.as_slice(scope)]),
            [mono] => self.callback.push(&[mono.as_slice(scope)]),
            _ => {}
        }
        Control::Continue
    }
}

/// The callback of a client that plays.
pub(super) struct Play {
    outputs: Vec<Port<AudioOut>>,
    callback: OutputCallback,
}

impl ProcessHandler for Play {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        if let [left, right] = &mut self.outputs[..] {
            let left = left.as_mut_slice(scope).chunks_mut(PIECE_FRAMES);
            let right = right.as_mut_slice(scope).chunks_mut(PIECE_FRAMES);
            for (left, right) in left.zip(right) {
                self.callback.play(left, right);
            }
        }
        Control::Continue
    }
}
