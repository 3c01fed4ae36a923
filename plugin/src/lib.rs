//! The Mertscope plugin, VST3 and CLAP: one effect that passes audio through bit for bit and
//! shows the engine's results.
//!
//! Host glue: parameters, state, the window's frame, and the connection to the engine. Deliberately not here:
//! the views (`mertscope-ui`) and all analysis. `process.rs` is the only file whose code runs in
//! the audio callback. Nothing here touches disk, ONNX Runtime, a GPU or the network before the
//! first activation, so that a scan costs a host nothing.
//!
//! The framework is nih-plug in its published continuation, nice-plug, under its old name.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

// The derive macros write paths into a crate of this name.
extern crate nih_plug as nice_plug;

pub mod connection;
pub mod editor;
mod example_store;
mod export;
pub mod instance;
mod location;
pub mod log;
mod osc;
pub mod params;
mod process;
pub mod state;
mod trigger;
mod vst3;

use std::sync::Arc;

use nih_plug::plugin::PluginState as HostState;
use nih_plug::prelude::*;

use crate::connection::Connection;
use crate::editor::EditorWindow;
use crate::editor::repaint::Repaint;
use crate::params::MertscopeParams;
use crate::process::Callback;

/// One instance of the plugin.
pub struct Mertscope {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    callback: Callback,
    repaint: Repaint,
}

impl Default for Mertscope {
    fn default() -> Self {
        let params = Arc::new(MertscopeParams::default());
        let repaint = Repaint::default();
        let wake = repaint.clone();
        let hook = Arc::new(move || wake.request());
        Self {
            connection: Connection::new(Arc::clone(&params), hook),
            callback: Callback::default(),
            repaint,
            params,
        }
    }
}

const fn layout(
    channels: u32,
    side_chain: &'static [NonZeroU32],
    name: &'static str,
) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(channels),
        main_output_channels: NonZeroU32::new(channels),
        aux_input_ports: side_chain,
        names: PortNames {
            layout: Some(name),
            aux_inputs: &["Side-chain"],
            ..PortNames::const_default()
        },
        ..AudioIOLayout::const_default()
    }
}

impl Plugin for Mertscope {
    const NAME: &'static str = "Mertscope";
    const VENDOR: &'static str = "The Mertscope developers";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    // For CLAP; a host that chooses none gets the first. VST3 hosts arrange buses: see `vst3`.
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        layout(2, &[new_nonzero_u32(2)], "Stereo with side-chain"),
        layout(2, &[new_nonzero_u32(1)], "Stereo with mono side-chain"),
        layout(2, &[], "Stereo"),
        layout(1, &[new_nonzero_u32(2)], "Mono with side-chain"),
        layout(1, &[], "Mono"),
        layout(6, &[new_nonzero_u32(2)], "5.1 with side-chain"),
        layout(6, &[], "5.1"),
        layout(8, &[new_nonzero_u32(2)], "7.1 with side-chain"),
        layout(8, &[], "7.1"),
        // Hosts know layouts by their place: new ones come last.
        layout(1, &[new_nonzero_u32(1)], "Mono with mono side-chain"),
    ];

    type Editor = EditorWindow;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn filter_state(state: &mut HostState) {
        params::migrate(state);
    }

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.params) as Arc<dyn Params>
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<EditorWindow> {
        Some(EditorWindow::new(
            Arc::clone(&self.params),
            Arc::clone(&self.connection),
            self.repaint.clone(),
        ))
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.connect(config)
    }

    fn reset(&mut self) {
        self.callback.reset();
    }

    fn process(
        &mut self,
        main: &mut Buffer,
        aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.hear(main, aux, context.transport())
    }
}

impl Mertscope {
    /// Connects to the engine. Hosts activate often and in any order, so existing connections and taps are
    /// kept.
    fn connect(&mut self, config: &BufferConfig) -> bool {
        let offline = config.process_mode == ProcessMode::Offline;
        self.connection
            .connect(&mut self.callback, config.sample_rate, offline);
        // Audio passes even when the analysis fails.
        true
    }

    /// Captures a block, in the audio callback.
    fn hear(
        &mut self,
        main: &Buffer,
        aux: &AuxiliaryBuffers,
        transport: &Transport,
    ) -> ProcessStatus {
        self.callback
            .process(&self.params, main, aux.inputs, transport);
        ProcessStatus::Normal
    }
}

impl Drop for Mertscope {
    /// Releases the engine, even while others hold the connection; with the last instance the
    /// engine joins its threads, so that the library can be unloaded.
    fn drop(&mut self) {
        self.connection.close();
    }
}

impl ClapPlugin for Mertscope {
    const CLAP_ID: &'static str = "dev.mertscope.mertscope";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Shows live what a music model hears: genre, key and the path of its embedding");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::Analyzer,
        ClapFeature::Utility,
        ClapFeature::Stereo,
        ClapFeature::Mono,
        ClapFeature::Surround,
    ];
}

nice_export_clap!(Mertscope);
