//! An instance of the plugin on the host's main thread, and its parameters.

use std::ffi::CString;
use std::io::Cursor;

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::prelude::*;
use serde_json::Value;

use super::callbacks::Host;
use super::library::entry;
use super::processor::AudioProcessor;
use crate::random::Random;

/// The plugin's CLAP id.
pub const CLAP_ID: &str = "dev.mertscope.mertscope";

/// Bytes before the JSON in a saved state.
const STATE_HEAD_BYTES: usize = size_of::<u64>();

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
    /// A random value of its range.
    pub fn any_value(&self, random: &mut Random) -> f64 {
        let [lowest, highest, _] = self.values;
        let value = lowest + random.unit() * (highest - lowest);
        if self.stepped { value.round() } else { value }
    }
}

/// An instance of the plugin, seen from the host's main thread.
pub struct Instance {
    /// The host framework's instance.
    pub plugin: PluginInstance<Host>,
}

impl Default for Instance {
    fn default() -> Self {
        Self::new(&entry())
    }
}

impl Instance {
    /// A new instance from a loaded library.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[must_use]
    pub fn new(entry: &PluginEntry) -> Self {
        let host = HostInfo::new("Mertscope tests", "", "", "1").expect("plain text");
        let id = CString::new(CLAP_ID).expect("no null in it");
        let plugin = PluginInstance::<Host>::new(|_| Host::default(), |_| (), entry, &id, &host)
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

    /// Loads a state; returns whether the plugin has accepted it.
    pub fn load(&mut self, bytes: &[u8]) -> bool {
        let state: PluginState = self.extension();
        state
            .load(&self.plugin.plugin_handle(), &mut Cursor::new(bytes))
            .is_ok()
    }

    /// The state, parsed as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn state(&mut self) -> Value {
        // The framework puts the length before the text.
        serde_json::from_slice(&self.save()[STATE_HEAD_BYTES..]).expect("JSON")
    }

    /// Loads a state of JSON; returns whether the plugin has accepted it.
    pub fn load_state(&mut self, state: &Value) -> bool {
        let json = state.to_string();
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json.as_bytes());
        self.load(&bytes)
    }

    /// Opens a project with this state, of this version or an older one, and asserts that each parameter and
    /// field of it is there.
    ///
    /// # Panics
    /// If one is not.
    pub fn open_project(&mut self, project: &[u8]) {
        assert!(self.load(project), "the plugin refuses the project");
        let opened = self.state();
        let project: Value = serde_json::from_slice(&project[STATE_HEAD_BYTES..]).expect("JSON");
        assert_eq!(opened["fields"], project["fields"]);
        let parameters = project["params"].as_object().expect("parameters");
        assert!(!parameters.is_empty());
        for (id, value) in parameters {
            assert_eq!(&opened["params"][id], value, "{id}");
        }
    }

    /// Sets offline or real-time rendering from the next activation on.
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

    /// The channels of each port in the current layout.
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

    /// Activates the plugin and starts its processing, for an audio thread.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn activate(&mut self, rate_hz: u32, max_frames: usize) -> AudioProcessor {
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
        AudioProcessor::new(started, &inputs, &outputs, rate_hz, max_frames)
    }

    /// Stops processing and deactivates the plugin.
    pub fn deactivate(&mut self, processor: AudioProcessor) {
        self.plugin.deactivate(processor.stop());
    }
}
