//! A block of audio as hosts give it: some leave out channels or buses.

use std::ptr::null_mut;

use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IParameterChanges, ProcessData, ProcessModes_,
    SymbolicSampleSizes_,
};
use vst3::Steinberg::tresult;

/// The most channels of a bus that a test may ask for.
const MOST: usize = 16;

/// The samples of a bus; a channel that is `None` is null.
type Channels = Vec<Option<Vec<f32>>>;

/// See the module.
#[derive(Debug, Clone)]
pub struct Block {
    /// What passes through.
    pub input: Channels,
    /// The side-chain.
    pub side_chain: Channels,
    /// Where it comes out.
    pub output: Channels,
    /// How many frames there are, whatever the channels have.
    pub frames: i32,
    /// How many input buses there are: with 1 the side-chain is not even described.
    pub input_buses: i32,
    /// How many output buses there are.
    pub output_buses: i32,
    /// Whether a bus without channels is a null pointer.
    pub null_buses: bool,
    /// Whether input and output share their memory, that of the output.
    pub in_place: bool,
}

impl Block {
    /// A whole block of silence.
    #[must_use]
    pub fn new(main: usize, side_chain: usize, frames: usize) -> Self {
        let channels = |count| vec![Some(vec![0.0; frames]); count];
        Self {
            input: channels(main),
            side_chain: channels(side_chain),
            output: channels(main),
            frames: frames as i32,
            input_buses: 2,
            output_buses: 1,
            null_buses: false,
            in_place: false,
        }
    }

    pub(super) fn with_data(
        &mut self,
        changes: *mut IParameterChanges,
        play: impl FnOnce(&mut ProcessData) -> tresult,
    ) -> tresult {
        if self.in_place {
            self.output.clone_from(&self.input);
        }
        let null_buses = self.null_buses;
        let mut pointers = [[null_mut(); MOST]; 3];
        let fill = |places: &mut [*mut f32; MOST], channels: &mut Channels| {
            for (place, channel) in places.iter_mut().zip(channels.iter_mut()) {
                *place = channel.as_mut().map_or(null_mut(), |c| c.as_mut_ptr());
            }
        };
        fill(&mut pointers[2], &mut self.output);
        if self.in_place {
            pointers[0] = pointers[2];
        } else {
            fill(&mut pointers[0], &mut self.input);
        }
        fill(&mut pointers[1], &mut self.side_chain);
        let widths = [&self.input, &self.side_chain, &self.output].map(Vec::len);
        let mut buses = [0, 1, 2].map(|index| AudioBusBuffers {
            numChannels: widths[index] as i32,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 {
                channelBuffers32: if null_buses && widths[index] == 0 {
                    null_mut()
                } else {
                    pointers[index].as_mut_ptr()
                },
            },
        });
        let (inputs, outputs) = buses.split_at_mut(2);
        let bus = |buses: &mut [AudioBusBuffers], count| match count {
            0 if null_buses => null_mut(),
            _ => buses.as_mut_ptr(),
        };
        play(&mut ProcessData {
            processMode: ProcessModes_::kRealtime as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            numSamples: self.frames,
            numInputs: self.input_buses,
            numOutputs: self.output_buses,
            inputs: bus(inputs, self.input_buses),
            outputs: bus(outputs, self.output_buses),
            inputParameterChanges: changes,
            outputParameterChanges: null_mut(),
            inputEvents: null_mut(),
            outputEvents: null_mut(),
            processContext: null_mut(),
        })
    }
}
