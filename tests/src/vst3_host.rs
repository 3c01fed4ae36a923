//! A small VST3 host for X11: it loads the built plugin, opens its window and plays blocks, as hosts do. The
//! handlers of its event loop run where a test wants them: hosts differ in that.

mod automation;
mod frame;
mod view;

pub use frame::EventLoop;
pub use view::{Content, View};

use std::ptr::null_mut;

use libloading::Library;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IAudioProcessor, IAudioProcessorTrait, IComponent,
    IComponentTrait, IEditController, IEditControllerTrait, IParameterChanges, ParameterInfo,
    ParameterInfo_, ProcessData, ProcessModes_, ProcessSetup, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    FUnknown, IPlugView, IPluginBaseTrait, IPluginFactory, IPluginFactoryTrait, PClassInfo,
    kResultOk,
};
use vst3::{ComPtr, ComWrapper, Interface};

use crate::host::library;
use automation::Changes;

/// Sample rate of the host, in hertz.
const RATE_HZ: f64 = 48_000.0;

/// Frames in a block.
const FRAMES: usize = 256;

/// Channels of every bus.
const CHANNELS: usize = 2;

/// An instance of the plugin.
pub struct Vst3 {
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
    _library: Library,
}

impl Default for Vst3 {
    fn default() -> Self {
        Self::new()
    }
}

impl Vst3 {
    /// A new instance.
    ///
    /// # Panics
    /// If the plugin can't be loaded.
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: the library is a build of our own plugin, and the calls follow the order that the
        // interface prescribes.
        unsafe {
            let library = Library::new(library()).expect("the plugin's library");
            let enter: unsafe extern "C" fn(*mut std::ffi::c_void) -> bool =
                *library.get(b"ModuleEntry").expect("a VST3 library");
            assert!(enter(null_mut()));
            let factory: unsafe extern "system" fn() -> *mut IPluginFactory =
                *library.get(b"GetPluginFactory").expect("a VST3 library");
            let factory = ComPtr::from_raw(factory()).expect("a factory");
            let mut class: PClassInfo = std::mem::zeroed();
            assert_eq!(factory.getClassInfo(0, &mut class), kResultOk);
            let mut made = null_mut();
            let iid = IComponent::IID;
            factory.createInstance(class.cid.as_ptr().cast(), iid.as_ptr().cast(), &mut made);
            let component = ComPtr::from_raw(made.cast::<IComponent>()).expect("a component");
            assert_eq!(component.initialize(null_mut::<FUnknown>()), kResultOk);
            Self {
                processor: component.cast().expect("an audio processor"),
                controller: component.cast().expect("an edit controller"),
                component,
                _library: library,
            }
        }
    }

    /// Makes the view of its window, without a window yet.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    pub fn view(&self) -> Content {
        // SAFETY: the controller lives; the view is ours.
        let view = unsafe {
            ComPtr::<IPlugView>::from_raw(self.controller.createView(c"editor".as_ptr()))
        };
        Content::new(view.expect("a view"))
    }

    /// The ids of its automatable parameters.
    ///
    /// # Panics
    /// If one of them can't be described.
    #[must_use]
    pub fn automatable(&self) -> Vec<u32> {
        // SAFETY: the controller lives, and fills in what it is given.
        let all = unsafe {
            (0..self.controller.getParameterCount()).map(|index| {
                let mut info: ParameterInfo = std::mem::zeroed();
                assert_eq!(
                    self.controller.getParameterInfo(index, &mut info),
                    kResultOk
                );
                info
            })
        };
        let flag = ParameterInfo_::ParameterFlags_::kCanAutomate;
        all.filter(|info| info.flags & flag != 0)
            .map(|info| info.id)
            .collect()
    }

    /// The normalized values of its automatable parameters, in the order of [`Vst3::automatable`].
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        let ids = self.automatable().into_iter();
        // SAFETY: the controller lives.
        ids.map(|id| unsafe { self.controller.getParamNormalized(id) })
            .collect()
    }

    /// Plays blocks on an audio thread, each with another value of every parameter.
    ///
    /// # Panics
    /// If the plugin refuses to process.
    pub fn automate(&self, blocks: usize) {
        let ids = self.automatable();
        let mut setup = ProcessSetup {
            processMode: ProcessModes_::kRealtime as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            maxSamplesPerBlock: FRAMES as i32,
            sampleRate: RATE_HZ,
        };
        // SAFETY: the calls follow the order that the interface prescribes.
        unsafe {
            assert_eq!(self.processor.setupProcessing(&mut setup), kResultOk);
            assert_eq!(self.component.setActive(1), kResultOk);
            self.processor.setProcessing(1);
        }
        std::thread::scope(|scope| {
            let processor = self.processor.clone();
            scope.spawn(move || {
                for block in 0..blocks {
                    play(&processor, &ids, (block % 2) as f64);
                }
            });
        });
        // SAFETY: as above.
        unsafe {
            self.processor.setProcessing(0);
            self.component.setActive(0);
        }
    }
}

/// Plays a silent block, in which every parameter gets a value.
fn play(processor: &ComPtr<IAudioProcessor>, ids: &[u32], value: f64) {
    let mut samples = vec![vec![0.0f32; FRAMES]; 3 * CHANNELS];
    let mut channels: Vec<*mut f32> = samples.iter_mut().map(|c| c.as_mut_ptr()).collect();
    let mut busses: Vec<AudioBusBuffers> = channels
        .chunks_mut(CHANNELS)
        .map(|channels| AudioBusBuffers {
            numChannels: CHANNELS as i32,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 {
                channelBuffers32: channels.as_mut_ptr(),
            },
        })
        .collect();
    let changes = ComWrapper::new(Changes::new(ids, value));
    let changes = changes.to_com_ptr::<IParameterChanges>().expect("changes");
    let mut data = ProcessData {
        processMode: ProcessModes_::kRealtime as i32,
        symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
        numSamples: FRAMES as i32,
        numInputs: 2,
        numOutputs: 1,
        inputs: busses.as_mut_ptr(),
        outputs: busses[2..].as_mut_ptr(),
        inputParameterChanges: changes.as_ptr(),
        outputParameterChanges: null_mut(),
        inputEvents: null_mut(),
        outputEvents: null_mut(),
        processContext: null_mut(),
    };
    // SAFETY: the buffers live until the call returns, as large as they are described.
    assert_eq!(unsafe { processor.process(&mut data) }, kResultOk);
}

impl Drop for Vst3 {
    fn drop(&mut self) {
        // SAFETY: the component was initialized.
        unsafe { self.component.terminate() };
    }
}
