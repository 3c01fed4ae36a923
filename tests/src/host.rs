//! A small CLAP host: it loads the plugin as it was built, and does to it what hosts do.
//!
//! The plugin is built by the first test that asks for it, in the profile of the tests, so that
//! the framework's check for allocations in the audio callback is on: it aborts the program.

use std::env;
use std::ffi::CString;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::OnceLock;

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_extensions::tail::{PluginTail, TailLength};
use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::prelude::*;
use clap_sys::audio_buffer::clap_audio_buffer;
use serde_json::Value;

use crate::built;
use crate::random::Random;

/// The plugin's id in the CLAP world.
pub const CLAP_ID: &str = "dev.mertscope.mertscope";

/// Bytes before the JSON in a saved state.
const STATE_HEAD_BYTES: usize = size_of::<u64>();

/// The plugin's library, built by the first test that asks for it.
///
/// # Panics
/// If it can't be built.
#[must_use]
pub fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
        let name = format!("{prefix}mertscope{suffix}");
        built(&["--package", "mertscope", "--lib"], &name)
    })
}

/// Loads the library as a host does that scans it.
///
/// # Panics
/// If it is no CLAP library.
#[must_use]
pub fn entry() -> PluginEntry {
    load(library())
}

/// Loads a build of the plugin.
///
/// # Panics
/// If it is no CLAP library.
#[must_use]
pub fn load(library: &Path) -> PluginEntry {
    // SAFETY: the library is a build of our own plugin.
    unsafe { PluginEntry::load(library) }.expect("a CLAP library")
}

/// The host's side of an instance: it grants nothing and needs nothing.
#[derive(Debug)]
pub struct Host;

impl SharedHandler<'_> for Host {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostGuiImpl for Host {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, _size: GuiSize) -> Result<(), HostError> {
        Err(HostError::Message("this host keeps its window's size"))
    }

    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn closed(&self, _was_destroyed: bool) {}
}

impl HostHandlers for Host {
    type Shared<'a> = Self;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self) {
        // The framework opens no window in a host without it.
        builder.register::<HostGui>();
    }
}

/// A parameter, as the plugin describes it.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its id.
    pub id: ClapId,
    /// Its name.
    pub name: String,
    /// Lowest, highest and first value.
    pub values: [f64; 3],
    /// Whether it takes whole numbers only.
    pub stepped: bool,
    /// Whether it can be automated.
    pub automatable: bool,
}

impl Parameter {
    /// Some value of its range.
    pub fn any_value(&self, random: &mut Random) -> f64 {
        let [lowest, highest, _] = self.values;
        let value = lowest + random.unit() * (highest - lowest);
        if self.stepped { value.round() } else { value }
    }
}

/// An instance of the plugin, seen from the host's main thread.
pub struct Instance {
    /// What the host framework makes of it.
    pub plugin: PluginInstance<Host>,
}

impl Default for Instance {
    fn default() -> Self {
        Self::new(&entry())
    }
}

impl Instance {
    /// A new instance out of a loaded library.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[must_use]
    pub fn new(entry: &PluginEntry) -> Self {
        let host = HostInfo::new("Mertscope tests", "", "", "1").expect("plain text");
        let id = CString::new(CLAP_ID).expect("no null in it");
        let plugin = PluginInstance::<Host>::new(|_| Host, |_| (), entry, &id, &host)
            .expect("the plugin starts");
        Self { plugin }
    }

    /// One of the plugin's extensions.
    ///
    /// # Panics
    /// If it has none of this kind.
    pub fn extension<E>(&mut self) -> E
    where
        E: clack_host::extensions::Extension<
                ExtensionSide = clack_host::extensions::PluginExtensionSide,
            >,
    {
        self.plugin
            .plugin_handle()
            .get_extension()
            .expect("the plugin has this extension")
    }

    /// The plugin's parameters.
    ///
    /// # Panics
    /// If one of them can't be described.
    pub fn parameters(&mut self) -> Vec<Parameter> {
        let params: PluginParams = self.extension();
        let handle = self.plugin.plugin_handle();
        (0..params.count(&handle))
            .map(|index| {
                let mut buffer = ParamInfoBuffer::new();
                let info = params
                    .get_info(&handle, index, &mut buffer)
                    .expect("a description");
                Parameter {
                    id: info.id,
                    name: String::from_utf8(info.name.to_vec()).expect("UTF-8"),
                    values: [info.min_value, info.max_value, info.default_value],
                    stepped: info.flags.contains(ParamInfoFlags::IS_STEPPED),
                    automatable: info.flags.contains(ParamInfoFlags::IS_AUTOMATABLE),
                }
            })
            .collect()
    }

    /// The parameters that hosts automate.
    pub fn automatable(&mut self) -> Vec<Parameter> {
        let mut parameters = self.parameters();
        parameters.retain(|parameter| parameter.automatable);
        parameters
    }

    /// A parameter's value.
    ///
    /// # Panics
    /// If it has none.
    pub fn value(&mut self, id: ClapId) -> f64 {
        let params: PluginParams = self.extension();
        params
            .get_value(&self.plugin.plugin_handle(), id)
            .expect("a value")
    }

    /// The state, as it goes into a project.
    ///
    /// # Panics
    /// If the plugin can't save it.
    pub fn save(&mut self) -> Vec<u8> {
        let state: PluginState = self.extension();
        let mut bytes = Vec::new();
        state
            .save(&self.plugin.plugin_handle(), &mut bytes)
            .expect("the state is saved");
        bytes
    }

    /// Loads a state; whether the plugin took it.
    pub fn load(&mut self, bytes: &[u8]) -> bool {
        let state: PluginState = self.extension();
        state
            .load(&self.plugin.plugin_handle(), &mut Cursor::new(bytes))
            .is_ok()
    }

    /// The state, read as the JSON that it is.
    ///
    /// # Panics
    /// If it is none.
    pub fn state(&mut self) -> Value {
        // The framework puts the length before the text.
        serde_json::from_slice(&self.save()[STATE_HEAD_BYTES..]).expect("JSON")
    }

    /// Loads a state of JSON; whether the plugin took it.
    pub fn load_state(&mut self, state: &Value) -> bool {
        let json = state.to_string();
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        self.load(&bytes)
    }

    /// Tells the plugin that rendering is offline from the next activation on, or is not.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn set_offline(&mut self, offline: bool) {
        let render: PluginRender = self.extension();
        let mode = if offline {
            RenderMode::Offline
        } else {
            RenderMode::Realtime
        };
        render
            .set(&self.plugin.plugin_handle(), mode)
            .expect("it takes either");
    }

    /// The names of the layouts that can be chosen, with their ids.
    ///
    /// # Panics
    /// If one of them can't be described.
    pub fn layouts(&mut self) -> Vec<(String, ClapId)> {
        let configs: PluginAudioPortsConfig = self.extension();
        let handle = self.plugin.plugin_handle();
        (0..configs.count(&handle))
            .map(|index| {
                let mut buffer = AudioPortsConfigBuffer::new();
                let config = configs
                    .get(&handle, index, &mut buffer)
                    .expect("a description");
                (
                    String::from_utf8(config.name.to_vec()).expect("UTF-8"),
                    config.id,
                )
            })
            .collect()
    }

    /// Chooses a layout; the instance must not be active.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn choose_layout(&mut self, id: ClapId) {
        let configs: PluginAudioPortsConfig = self.extension();
        configs
            .select(&self.plugin.plugin_handle(), id)
            .expect("it has this layout");
    }

    /// Channels of each port in the present layout.
    ///
    /// # Panics
    /// If one of them can't be described.
    pub fn ports(&mut self, inputs: bool) -> Vec<usize> {
        let ports: PluginAudioPorts = self.extension();
        let handle = self.plugin.plugin_handle();
        (0..ports.count(&handle, inputs))
            .map(|index| {
                let mut buffer = AudioPortInfoBuffer::new();
                let port = ports
                    .get(&handle, index, inputs, &mut buffer)
                    .expect("a description");
                port.channel_count as usize
            })
            .collect()
    }

    /// Activates the plugin and starts its processing; what comes back goes to an audio thread.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn activate(&mut self, rate_hz: u32, max_frames: usize) -> Deck {
        let (inputs, outputs) = (self.ports(true), self.ports(false));
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(rate_hz),
            min_frames_count: 1,
            max_frames_count: max_frames as u32,
        };
        let stopped = self
            .plugin
            .activate(|_, _| (), configuration)
            .expect("the plugin is activated");
        let started = stopped.start_processing().expect("processing starts");
        Deck::new(started, &inputs, &outputs, rate_hz, max_frames)
    }

    /// Stops processing and deactivates the plugin.
    pub fn deactivate(&mut self, deck: Deck) {
        self.plugin.deactivate(deck.processor.stop_processing());
    }
}

/// The audio buffers of all ports, one after another, and the C structures that describe them.
struct Buffers {
    samples: Vec<Vec<f32>>,
    // Rebuilt never: the vectors above don't move their samples.
    _channels: Vec<Vec<*mut f32>>,
    ports: Vec<clap_audio_buffer>,
}

// SAFETY: the pointers point into `samples`, which go where the rest goes.
unsafe impl Send for Buffers {}

impl Buffers {
    fn new(ports: &[usize], max_frames: usize) -> Self {
        let count = ports.iter().sum();
        let mut samples = vec![vec![0.0f32; max_frames]; count];
        let mut pointers = samples.iter_mut().map(|channel| channel.as_mut_ptr());
        let mut channels: Vec<Vec<*mut f32>> = ports
            .iter()
            .map(|count| pointers.by_ref().take(*count).collect())
            .collect();
        let ports = channels
            .iter_mut()
            .map(|port| clap_audio_buffer {
                data32: port.as_mut_ptr(),
                data64: null_mut(),
                channel_count: port.len() as u32,
                latency: 0,
                constant_mask: 0,
            })
            .collect();
        Self {
            samples,
            _channels: channels,
            ports,
        }
    }
}

/// What the audio thread holds: the processor, its buffers and its clock. Playing a block
/// allocates nothing and makes no system call.
pub struct Deck {
    processor: StartedPluginAudioProcessor<Host>,
    inputs: Buffers,
    outputs: Buffers,
    aliased: Vec<clap_audio_buffer>,
    events: EventBuffer,
    /// The rate it was activated with.
    pub rate_hz: u32,
    /// Where the next block begins on the host's timeline.
    pub position: u64,
    /// Whether the transport runs.
    pub playing: bool,
    /// Whether the plugin writes into the buffers that it reads.
    pub in_place: bool,
}

impl Deck {
    fn new(
        processor: StartedPluginAudioProcessor<Host>,
        inputs: &[usize],
        outputs: &[usize],
        rate_hz: u32,
        max_frames: usize,
    ) -> Self {
        let inputs = Buffers::new(inputs, max_frames);
        let outputs = Buffers::new(outputs, max_frames);
        Self {
            processor,
            aliased: inputs.ports[..outputs.ports.len()].to_vec(),
            inputs,
            outputs,
            events: EventBuffer::with_capacity(64),
            rate_hz,
            position: 0,
            playing: true,
            in_place: false,
        }
    }

    /// The samples of all input channels, main input first, for writing.
    pub fn input(&mut self) -> &mut [Vec<f32>] {
        &mut self.inputs.samples
    }

    /// The samples that came out, one slice a channel; in place they are where the input was.
    #[must_use]
    pub fn output(&self) -> &[Vec<f32>] {
        let count = self.outputs.samples.len();
        if self.in_place {
            &self.inputs.samples[..count]
        } else {
            &self.outputs.samples
        }
    }

    /// Sets a parameter at the start of the next block.
    pub fn set(&mut self, id: ClapId, value: f64) {
        self.events
            .push(&ParamValueEvent::new(0, id, Pckn::match_all(), value));
    }

    /// How long the plugin sounds on after its input ended.
    pub fn tail(&mut self, tail: PluginTail) -> TailLength {
        tail.get(&self.processor.plugin_handle())
    }

    /// Clears the plugin as hosts do on a relocation.
    pub fn reset(&mut self) {
        self.processor.reset();
    }

    /// Processes `frames` frames of the input buffers at the present position, and moves on.
    ///
    /// # Panics
    /// If the plugin reports an error.
    pub fn play(&mut self, frames: usize) {
        let transport = transport(self.position, self.rate_hz, self.playing);
        self.play_at(frames, Some(&transport));
        if self.playing {
            self.position += frames as u64;
        }
    }

    /// Processes `frames` frames under any transport.
    ///
    /// # Panics
    /// If the plugin reports an error, or more frames are asked for than there are.
    pub fn play_at(&mut self, frames: usize, transport: Option<&TransportEvent>) {
        assert!(
            self.inputs
                .samples
                .iter()
                .all(|samples| samples.len() >= frames)
        );
        let outputs = if self.in_place {
            &mut self.aliased
        } else {
            &mut self.outputs.ports
        };
        // SAFETY: each pointer leads to a vector of at least `frames` samples that lives in this
        // structure; CLAP allows outputs to be the inputs.
        let (input, mut output) = unsafe {
            (
                InputAudioBuffers::from_raw_buffers(&self.inputs.ports, frames as u32),
                OutputAudioBuffers::from_raw_buffers(outputs, frames as u32),
            )
        };
        self.processor
            .process(
                &input,
                &mut output,
                &self.events.as_input(),
                &mut OutputEvents::void(),
                None,
                transport,
            )
            .expect("the block is processed");
        self.events.clear();
    }
}

/// The transport of a host that runs, or stands, at `position` samples and 120 beats a minute.
#[must_use]
pub fn transport(position: u64, rate_hz: u32, playing: bool) -> TransportEvent {
    let mut flags = TransportFlags::HAS_SECONDS_TIMELINE | TransportFlags::HAS_TEMPO;
    flags.set(TransportFlags::IS_PLAYING, playing);
    TransportEvent {
        header: EventHeader::new_core(0, clack_host::events::EventFlags::empty()),
        flags,
        song_pos_beats: 0.0.into(),
        song_pos_seconds: (position as f64 / f64::from(rate_hz)).into(),
        tempo: 120.0,
        tempo_inc: 0.0,
        loop_start_beats: 0.0.into(),
        loop_end_beats: 0.0.into(),
        loop_start_seconds: 0.0.into(),
        loop_end_seconds: 0.0.into(),
        bar_start: 0.0.into(),
        bar_number: 0,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}
