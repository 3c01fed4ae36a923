//! The audio processor: what passes through, and in which arrangement.

use std::sync::TryLockError;
use std::sync::atomic::Ordering;

use mertscope_model::lock;
use nice_assert_no_alloc::assert_no_alloc;

use super::blocks::pass_block;
use super::buses::Bus;
use super::component::Component;
use super::sdk::ComRef;
use super::sdk::Steinberg::Vst::{
    BusDirection, IAudioProcessorTrait, IParamValueQueueTrait, IParameterChanges,
    IParameterChangesTrait, IProcessContextRequirementsTrait, MediaTypes_, ProcessData,
    ProcessSetup, SpeakerArrangement, SymbolicSampleSizes_,
};
use super::sdk::Steinberg::{
    TBool, int32, kInternalError, kInvalidArgument, kResultFalse, kResultOk, tresult, uint32,
};
use super::wrapped::contained;

/// The host's word for samples of 32 bits, the only ones that are taken.
const SAMPLES_OF_32_BITS: int32 = SymbolicSampleSizes_::kSample32 as int32;

/// The arrangements of `count` buses; none for a null pointer or a negative count.
///
/// # Safety
/// `buses` is null or has as many.
unsafe fn arrangements<'a>(
    buses: *const SpeakerArrangement,
    count: int32,
) -> &'a [SpeakerArrangement] {
    match usize::try_from(count) {
        // SAFETY: the caller's promise.
        Ok(count) if !buses.is_null() => unsafe { std::slice::from_raw_parts(buses, count) },
        _ => &[],
    }
}

impl IAudioProcessorTrait for Component {
    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        input_count: int32,
        outputs: *mut SpeakerArrangement,
        output_count: int32,
    ) -> tresult {
        // SAFETY: the host passes as many as it says.
        let (inputs, outputs) = unsafe {
            (
                arrangements(inputs, input_count),
                arrangements(outputs, output_count),
            )
        };
        let mut settled = lock(&self.settled);
        match settled.buses.arranged(inputs, outputs) {
            Some(buses) => {
                settled.buses = buses;
                kResultOk
            }
            None => kResultFalse,
        }
    }

    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: int32,
        arrangement: *mut SpeakerArrangement,
    ) -> tresult {
        match Bus::new(MediaTypes_::kAudio as int32, direction, index) {
            Some(bus) if !arrangement.is_null() => {
                // SAFETY: the host passes a place for it.
                unsafe { arrangement.write(lock(&self.settled).buses.arrangement(bus)) };
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    unsafe fn canProcessSampleSize(&self, size: int32) -> tresult {
        if size == SAMPLES_OF_32_BITS {
            kResultOk
        } else {
            kResultFalse
        }
    }

    unsafe fn getLatencySamples(&self) -> uint32 {
        // SAFETY: it takes no pointer.
        unsafe { self.wrapped.framework().getLatencySamples() }
    }

    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        // SAFETY: the host passes a set-up or null.
        let Some(told) = (unsafe { setup.as_ref() }) else {
            return kInvalidArgument;
        };
        let most_frames = usize::try_from(told.maxSamplesPerBlock);
        let (Ok(most_frames), SAMPLES_OF_32_BITS) = (most_frames, told.symbolicSampleSize) else {
            return kInvalidArgument;
        };
        if !told.sampleRate.is_finite() || told.sampleRate <= 0.0 {
            return kInvalidArgument;
        }
        let mut settled = lock(&self.settled);
        // SAFETY: the set-up is the host's.
        let answer = contained(kInternalError, || unsafe {
            self.wrapped.framework().setupProcessing(setup)
        });
        if answer != kResultOk {
            return answer;
        }
        let is_first = settled.most_frames.replace(most_frames).is_none();
        if is_first && settled.is_active {
            return self.start(&settled, most_frames);
        }
        kResultOk
    }

    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        self.is_processing.store(state != 0, Ordering::Release);
        // SAFETY: it takes no pointer.
        contained(kInternalError, || unsafe {
            self.wrapped.framework().setProcessing(state)
        })
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        // SAFETY: the host passes a block or null.
        let Some(data) = (unsafe { data.as_ref() }) else {
            return kInvalidArgument;
        };
        if data.symbolicSampleSize != SAMPLES_OF_32_BITS || data.numSamples < 0 {
            return kInvalidArgument;
        }
        // SAFETY: the block is the host's.
        assert_no_alloc(|| contained(kInternalError, || unsafe { self.play(data) }))
    }

    unsafe fn getTailSamples(&self) -> uint32 {
        // SAFETY: it takes no pointer.
        unsafe { self.wrapped.framework().getTailSamples() }
    }
}

impl Component {
    /// Plays a block. Audio passes in any case: before an activation, during one, and when a block is longer than was
    /// agreed, nothing of it is heard.
    ///
    /// # Safety
    /// `data` is as it describes itself, of 32-bit samples, and its frames are not negative.
    unsafe fn play(&self, data: &ProcessData) -> tresult {
        // SAFETY: the caller's promise.
        unsafe { self.take_parameters(data.inputParameterChanges) };
        let mut blocks = match self.blocks.try_lock() {
            Ok(blocks) => Some(blocks),
            Err(TryLockError::Poisoned(blocks)) => Some(blocks.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let active = blocks.as_mut().and_then(|blocks| blocks.as_mut());
        let heard = match active.filter(|blocks| blocks.can_play(data.numSamples as usize)) {
            // SAFETY: the caller's promise; the framework takes what it is handed.
            Some(blocks) => unsafe {
                blocks.play(data, |block| self.wrapped.framework().process(block))
            },
            None => kResultFalse,
        };
        // The framework plays nothing while another thread calls `setProcessing`.
        if heard != kResultOk {
            // SAFETY: the caller's promise.
            unsafe { pass_block(data) };
        }
        kResultOk
    }

    /// Sets the parameters that change in a block, each to its last value.
    ///
    /// # Safety
    /// `changes` is the host's or null.
    unsafe fn take_parameters(&self, changes: *mut IParameterChanges) {
        // SAFETY: the caller's promise; changes and their queues live during the block, and fill in what they are
        // given.
        unsafe {
            let Some(changes) = ComRef::from_raw(changes) else {
                return;
            };
            for index in 0..changes.getParameterCount() {
                let Some(queue) = ComRef::from_raw(changes.getParameterData(index)) else {
                    continue;
                };
                let (mut offset, mut value) = (0, 0.0);
                let last = queue.getPointCount() - 1;
                if last >= 0 && queue.getPoint(last, &mut offset, &mut value) == kResultOk {
                    self.wrapped.set(queue.getParameterId(), value);
                }
            }
        }
    }
}

impl IProcessContextRequirementsTrait for Component {
    unsafe fn getProcessContextRequirements(&self) -> uint32 {
        // SAFETY: it takes no pointer.
        unsafe { self.wrapped.framework().getProcessContextRequirements() }
    }
}
