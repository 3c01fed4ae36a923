//! The plugin as the framework's wrapper sees it: without a window, with the layouts that the wrapper can choose.

use std::cell::Cell;
use std::sync::Arc;

use nih_plug::plugin::PluginState as HostState;
use nih_plug::prelude::*;

use crate::Mertscope;
use crate::connection::Connection;
use crate::editor::EditorWindow;
use crate::editor::repaint::Repaint;
use crate::params::MertscopeParams;
use crate::process::MAX_CHANNELS;

/// The widths of the main bus; the first is what a host gets that asks for none.
const WIDTHS: &[NonZeroU32; MAX_CHANNELS] = &[
    new_nonzero_u32(2),
    new_nonzero_u32(1),
    new_nonzero_u32(3),
    new_nonzero_u32(4),
    new_nonzero_u32(5),
    new_nonzero_u32(6),
    new_nonzero_u32(7),
    new_nonzero_u32(8),
];

/// Every width without a side-chain, and with one as wide as the main bus: the wrapper can choose no other.
const LAYOUTS: [AudioIOLayout; 2 * MAX_CHANNELS] = {
    let mut layouts = [AudioIOLayout::const_default(); 2 * MAX_CHANNELS];
    let mut index = 0;
    while index < MAX_CHANNELS {
        let width = Some(WIDTHS[index]);
        layouts[2 * index].main_input_channels = width;
        layouts[2 * index].main_output_channels = width;
        layouts[2 * index + 1] = layouts[2 * index];
        layouts[2 * index].aux_input_ports = std::slice::from_ref(&WIDTHS[index]);
        index += 1;
    }
    layouts
};

/// What the window of an instance needs of it.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) params: Arc<MertscopeParams>,
    pub(super) connection: Arc<Connection>,
    pub(super) repaint: Repaint,
}

thread_local! {
    /// The parts of the instance that was made last on this thread: the wrapper makes its plugin
    /// itself and shows it to nobody.
    static MADE: Cell<Option<Parts>> = const { Cell::new(None) };
}

/// Calls `make`, and returns what it makes with the parts of the instance that it has made on the way.
pub(super) fn with_parts<T>(make: impl FnOnce() -> T) -> Option<(T, Parts)> {
    MADE.take();
    let made = make();
    Some((made, MADE.take()?))
}

/// See the module.
pub(super) struct Windowless(Mertscope);

impl Default for Windowless {
    fn default() -> Self {
        let plugin = Mertscope::default();
        MADE.set(Some(Parts {
            params: Arc::clone(&plugin.params),
            connection: Arc::clone(&plugin.connection),
            repaint: plugin.repaint.clone(),
        }));
        Self(plugin)
    }
}

impl Plugin for Windowless {
    const NAME: &'static str = Mertscope::NAME;
    const VENDOR: &'static str = Mertscope::VENDOR;
    const URL: &'static str = Mertscope::URL;
    const EMAIL: &'static str = Mertscope::EMAIL;
    const VERSION: &'static str = Mertscope::VERSION;
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &LAYOUTS;

    type Editor = EditorWindow;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn filter_state(state: &mut HostState) {
        Mertscope::filter_state(state);
    }

    fn params(&self) -> Arc<dyn Params> {
        self.0.params()
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.0.connect(config)
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn process(
        &mut self,
        main: &mut Buffer,
        aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.0.hear(main, aux, context.transport())
    }
}

impl Vst3Plugin for Windowless {
    const VST3_CLASS_ID: [u8; 16] = *b"MertscopePlugin1";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Analyzer];
}
