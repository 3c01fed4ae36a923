//! The audio buses that hosts see: a main bus in and out, and a side-chain that may be empty.
//!
//! Widths count, not the places of speakers: audio passes as it comes, and what is heard is the mean of the channels.

use super::sdk::Steinberg::Vst::{
    BusDirection, BusDirections_, BusInfo, BusInfo_::BusFlags_, BusTypes_, MediaType, MediaTypes_,
    SpeakerArr, SpeakerArrangement, String128,
};
use super::sdk::Steinberg::int32;
use crate::process::MAX_CHANNELS;

/// Every bus is on until a host switches it off. The constant has another type on Windows.
#[allow(clippy::unnecessary_cast)]
const FLAGS: u32 = BusFlags_::kDefaultActive as u32;

/// The most channels of a side-chain.
const MOST_SIDE_CHAIN_CHANNELS: usize = 2;

/// An audio bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bus {
    Input,
    SideChain,
    Output,
}

impl Bus {
    /// The bus that a host names; `None` if there is no such bus.
    pub(super) fn new(media: MediaType, direction: BusDirection, index: int32) -> Option<Self> {
        let is_input = direction == BusDirections_::kInput as BusDirection;
        let is_output = direction == BusDirections_::kOutput as BusDirection;
        if media != MediaTypes_::kAudio as MediaType {
            return None;
        }
        match index {
            0 if is_input => Some(Self::Input),
            1 if is_input => Some(Self::SideChain),
            0 if is_output => Some(Self::Output),
            _ => None,
        }
    }

    /// How many there are in a direction.
    pub(super) fn count(media: MediaType, direction: BusDirection) -> int32 {
        let exists = |index: &int32| Self::new(media, direction, *index).is_some();
        (0..2).filter(exists).count() as int32
    }
}

/// The arrangement that a host has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buses {
    main: SpeakerArrangement,
    side_chain: SpeakerArrangement,
    side_chain_is_on: bool,
}

impl Default for Buses {
    fn default() -> Self {
        Self {
            main: SpeakerArr::kStereo,
            side_chain: SpeakerArr::kStereo,
            side_chain_is_on: true,
        }
    }
}

fn width(arrangement: SpeakerArrangement) -> usize {
    arrangement.count_ones() as usize
}

impl Buses {
    /// The arrangement that a host asks for; `None` if it can't be had: main buses of unlike width, of none or more
    /// than [`MAX_CHANNELS`], a wider side-chain, more buses than there are. A side-chain that is
    /// not named is empty.
    pub(super) fn arranged(
        self,
        inputs: &[SpeakerArrangement],
        outputs: &[SpeakerArrangement],
    ) -> Option<Self> {
        let (main, side_chain) = match *inputs {
            [main] => (main, SpeakerArr::kEmpty),
            [main, side_chain] => (main, side_chain),
            _ => return None,
        };
        let [output] = *outputs else {
            return None;
        };
        let fits = (1..=MAX_CHANNELS).contains(&width(main))
            && width(output) == width(main)
            && width(side_chain) <= MOST_SIDE_CHAIN_CHANNELS;
        fits.then_some(Self {
            main,
            side_chain,
            ..self
        })
    }

    /// Switches a bus on or off. The main buses are always on.
    pub(super) fn switch(&mut self, bus: Bus, on: bool) {
        if bus == Bus::SideChain {
            self.side_chain_is_on = on;
        }
    }

    /// The speakers of a bus.
    pub(super) fn arrangement(self, bus: Bus) -> SpeakerArrangement {
        match bus {
            Bus::Input | Bus::Output => self.main,
            Bus::SideChain => self.side_chain,
        }
    }

    /// Channels of the main buses.
    pub(super) fn main_width(self) -> usize {
        width(self.main)
    }

    /// Channels of the side-chain; 0 when it is empty or switched off.
    pub(super) fn side_chain_width(self) -> usize {
        if self.side_chain_is_on {
            width(self.side_chain)
        } else {
            0
        }
    }

    /// The description of a bus, as hosts have always seen it.
    pub(super) fn describe(self, bus: Bus) -> BusInfo {
        let (name, direction, kind) = match bus {
            Bus::Input => ("Input", BusDirections_::kInput, BusTypes_::kMain),
            Bus::SideChain => ("Side-chain", BusDirections_::kInput, BusTypes_::kAux),
            Bus::Output => ("Output", BusDirections_::kOutput, BusTypes_::kMain),
        };
        let mut text: String128 = [0; 128];
        for (place, unit) in text.iter_mut().zip(name.encode_utf16()) {
            *place = unit;
        }
        BusInfo {
            mediaType: MediaTypes_::kAudio as MediaType,
            direction: direction as BusDirection,
            channelCount: width(self.arrangement(bus)) as int32,
            name: text,
            busType: kind as int32,
            flags: FLAGS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_WIDTH: [SpeakerArrangement; 11] = [
        SpeakerArr::kEmpty,
        SpeakerArr::kMono,
        SpeakerArr::kStereo,
        SpeakerArr::k30Cine,
        SpeakerArr::k40Music,
        SpeakerArr::k50,
        SpeakerArr::k51,
        SpeakerArr::k70Cine,
        SpeakerArr::k71Cine,
        SpeakerArr::k71Cine | 1 << 30,
        SpeakerArrangement::MAX,
    ];

    #[test]
    fn the_main_bus_has_one_to_eight_channels_and_the_side_chain_up_to_two() {
        let buses = Buses::default();
        for main in EVERY_WIDTH {
            for side_chain in EVERY_WIDTH {
                let arranged = buses.arranged(&[main, side_chain], &[main]);
                let fits = (1..=8).contains(&width(main)) && width(side_chain) <= 2;
                assert_eq!(arranged.is_some(), fits, "{main:x} with {side_chain:x}");
                if let Some(arranged) = arranged {
                    assert_eq!(arranged.main_width(), width(main));
                    assert_eq!(arranged.side_chain_width(), width(side_chain));
                }
            }
        }
        let (mono, stereo) = (SpeakerArr::kMono, SpeakerArr::kStereo);
        let alone = buses.arranged(&[mono], &[mono]).unwrap();
        assert_eq!((alone.main_width(), alone.side_chain_width()), (1, 0));
        assert_eq!(buses.arranged(&[mono, stereo], &[stereo]), None);
        assert_eq!(buses.arranged(&[stereo, mono, mono], &[stereo]), None);
        assert_eq!(buses.arranged(&[], &[stereo]), None);
        assert_eq!(buses.arranged(&[stereo], &[]), None);
    }

    #[test]
    fn a_side_chain_that_is_switched_off_is_none_until_it_is_on_again() {
        let mut buses = Buses::default();
        buses.switch(Bus::SideChain, false);
        buses.switch(Bus::Input, false);
        assert_eq!((buses.main_width(), buses.side_chain_width()), (2, 0));
        assert_eq!(buses.arrangement(Bus::SideChain), SpeakerArr::kStereo);
        buses.switch(Bus::SideChain, true);
        assert_eq!(buses, Buses::default());
    }
}
