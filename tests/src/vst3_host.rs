//! A small VST3 host for X11: it loads the built plugin, opens its window and plays blocks, as hosts do. The
//! handlers of its event loop run where a test wants them: hosts differ in that.

mod automation;
mod block;
mod frame;
mod stream;
mod view;

pub use block::Block;
pub use frame::EventLoop;
pub use view::{Content, View};

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

use libloading::Library;
use vst3::Steinberg::Vst::{
    BusInfo, IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentTrait, IEditController,
    IEditControllerTrait, IParameterChanges, MediaTypes_, ParameterInfo, ParameterInfo_,
    ProcessModes_, ProcessSetup, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IPlugView, IPluginBaseTrait, IPluginFactory, IPluginFactoryTrait,
    PClassInfo, kResultOk,
};
use vst3::{ComPtr, ComWrapper, Interface};

use crate::host::library;
use automation::Changes;
use stream::Stream;

/// Sample rate of the host, in hertz.
const RATE_HZ: f64 = 48_000.0;

/// Frames in a block of automation.
const FRAMES: usize = 256;

/// An instance of the plugin.
pub struct Vst3 {
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
    class: (Vec<u8>, String, String),
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
                class: (
                    class.cid.map(|letter| letter as u8).to_vec(),
                    text(&class.category),
                    text(&class.name),
                ),
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
        let mut count = 0..blocks;
        self.automate_while(|| count.next().is_some(), || {});
    }

    /// Does `work` on this thread while an audio thread plays blocks, each with another value of every parameter.
    ///
    /// # Panics
    /// If the plugin refuses to process.
    pub fn automate_during<T>(&self, work: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        self.automate_while(
            || !over.load(Ordering::Acquire),
            || {
                let done = work();
                over.store(true, Ordering::Release);
                done
            },
        )
    }

    fn automate_while<T>(
        &self,
        mut goes_on: impl FnMut() -> bool + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        assert!(self.set_up(RATE_HZ, FRAMES));
        assert!(self.set_active(true));
        let done = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut block = Block::new(2, 2, FRAMES);
                let values = [0.0, 1.0].map(|value| self.changes(value));
                let mut values = values.iter().cycle();
                while goes_on() {
                    assert!(self.process_with(&mut block, values.next()));
                }
            });
            work()
        });
        assert!(self.set_active(false));
        done
    }

    /// Gives every automatable parameter this value, in a block without audio.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn set_all(&self, value: f64) {
        let mut block = Block::new(2, 2, 0);
        assert!(self.process_with(&mut block, Some(&self.changes(value))));
    }

    /// Sets a parameter outside any block, as the host's own window does; returns whether the plugin takes it.
    #[must_use]
    pub fn set_value(&self, id: u32, value: f64) -> bool {
        // SAFETY: the controller lives.
        unsafe { self.controller.setParamNormalized(id, value) == kResultOk }
    }

    /// Changes of every automatable parameter to this value.
    ///
    /// # Panics
    /// If one of them can't be described.
    #[must_use]
    pub fn changes(&self, value: f64) -> ComPtr<IParameterChanges> {
        let changes = ComWrapper::new(Changes::new(&self.automatable(), value));
        changes.to_com_ptr().expect("changes")
    }

    /// Sets up processing; returns whether the plugin takes it.
    #[must_use]
    pub fn set_up(&self, rate_hz: f64, most_frames: usize) -> bool {
        let mut setup = ProcessSetup {
            processMode: ProcessModes_::kRealtime as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            maxSamplesPerBlock: most_frames as i32,
            sampleRate: rate_hz,
        };
        // SAFETY: the processor lives, and so does the set-up during the call.
        unsafe { self.processor.setupProcessing(&mut setup) == kResultOk }
    }

    /// Activates and begins processing, or ends both; returns whether the plugin takes it.
    #[must_use]
    pub fn set_active(&self, active: bool) -> bool {
        // SAFETY: both live; hosts switch the processing inside the activation.
        unsafe {
            if !active {
                self.processor.setProcessing(0);
            }
            let taken = self.component.setActive(active.into()) == kResultOk;
            if active && taken {
                self.processor.setProcessing(1);
            }
            taken
        }
    }

    /// Asks for buses with these numbers of channels; returns whether the plugin takes them.
    #[must_use]
    pub fn arrange(&self, inputs: &[usize], outputs: &[usize]) -> bool {
        let speakers = |widths: &[usize]| -> Vec<u64> {
            widths.iter().map(|width| (1 << width) - 1).collect()
        };
        let (mut inputs, mut outputs) = (speakers(inputs), speakers(outputs));
        let counts = [inputs.len() as i32, outputs.len() as i32];
        // SAFETY: there are as many arrangements as it says.
        let taken = unsafe {
            let (inputs, outputs) = (inputs.as_mut_ptr(), outputs.as_mut_ptr());
            self.processor
                .setBusArrangements(inputs, counts[0], outputs, counts[1])
        };
        taken == kResultOk
    }

    /// The channels of every input bus, or of every output bus, as told in both ways.
    ///
    /// # Panics
    /// If the two ways differ.
    #[must_use]
    pub fn widths(&self, inputs: bool) -> Vec<usize> {
        let direction = i32::from(!inputs);
        let audio = MediaTypes_::kAudio as i32;
        // SAFETY: both live, and fill in what they are given.
        unsafe {
            (0..self.component.getBusCount(audio, direction))
                .map(|index| {
                    let mut speakers = 0;
                    let told = &mut speakers;
                    let answer = self.processor.getBusArrangement(direction, index, told);
                    let mut info: BusInfo = std::mem::zeroed();
                    let described = self
                        .component
                        .getBusInfo(audio, direction, index, &mut info);
                    assert_eq!((answer, described), (kResultOk, kResultOk));
                    assert_eq!(speakers.count_ones() as i32, info.channelCount);
                    info.channelCount as usize
                })
                .collect()
        }
    }

    /// Switches the side-chain's bus on or off.
    pub fn switch_side_chain(&self, on: bool) {
        let (audio, input) = (MediaTypes_::kAudio as i32, 0);
        // SAFETY: the component lives.
        unsafe { self.component.activateBus(audio, input, 1, on.into()) };
    }

    /// Plays a block; returns whether the plugin takes it.
    pub fn process(&self, block: &mut Block) -> bool {
        self.process_with(block, None)
    }

    /// Plays a block in which parameters change; returns whether the plugin takes it.
    pub fn process_with(
        &self,
        block: &mut Block,
        changes: Option<&ComPtr<IParameterChanges>>,
    ) -> bool {
        let changes = changes.map_or(null_mut(), |changes| changes.as_ptr());
        // SAFETY: the buffers live until the call returns, as large as they are described.
        let answer = block.with_data(changes, |data| unsafe { self.processor.process(data) });
        answer == kResultOk
    }

    /// The state, as a project keeps it.
    ///
    /// # Panics
    /// If the plugin gives none.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let stream = ComWrapper::new(Stream::default());
        let place = stream.to_com_ptr::<IBStream>().expect("a stream");
        // SAFETY: both live.
        let answer = unsafe { self.component.getState(place.as_ptr()) };
        assert_eq!(answer, kResultOk);
        stream.bytes()
    }

    /// Loads a state; returns whether the plugin takes it.
    #[must_use]
    pub fn load(&self, state: &[u8]) -> bool {
        let stream = ComWrapper::new(Stream::new(state));
        let place = stream.to_com_ptr::<IBStream>().expect("a stream");
        // SAFETY: both live.
        unsafe { self.component.setState(place.as_ptr()) == kResultOk }
    }

    /// Whether all interfaces belong to one object, as COM asks.
    #[must_use]
    pub fn is_one_object(&self) -> bool {
        let unknowns = [
            self.component.cast::<FUnknown>(),
            self.processor.cast::<FUnknown>(),
            self.controller.cast::<FUnknown>(),
        ];
        let unknowns = unknowns.map(|unknown| unknown.expect("an object").as_ptr());
        let back = self.processor.cast::<IComponent>().expect("a component");
        unknowns.iter().all(|unknown| *unknown == unknowns[0])
            && back.as_ptr() == self.component.as_ptr()
    }

    /// The description of its class: the id, the category and the name.
    #[must_use]
    pub fn class(&self) -> &(Vec<u8>, String, String) {
        &self.class
    }

    /// Asks for the description of the parameter after the last.
    #[must_use]
    pub fn describes_one_parameter_too_many(&self) -> bool {
        // SAFETY: the controller lives, and fills in what it is given.
        unsafe {
            let mut info: ParameterInfo = std::mem::zeroed();
            let count = self.controller.getParameterCount();
            self.controller.getParameterInfo(count, &mut info) == kResultOk
        }
    }
}

/// A text of a class's description.
fn text(letters: &[std::ffi::c_char]) -> String {
    let letters = letters.iter().take_while(|letter| **letter != 0);
    letters.map(|letter| *letter as u8 as char).collect()
}

impl Drop for Vst3 {
    fn drop(&mut self) {
        // SAFETY: the component was initialized.
        unsafe { self.component.terminate() };
    }
}
