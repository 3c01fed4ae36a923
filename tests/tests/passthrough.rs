//! Audio passes bit for bit, with any samples and any block lengths.

use mertscope_tests::host::{AudioProcessor, Instance};
use mertscope_tests::random::Random;

/// Sample rates in hertz, from the lowest to the highest that hosts offer.
const RATES_HZ: [u32; 8] = [
    8_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000, 768_000,
];

/// The largest block, in frames.
const MAX_FRAMES: usize = 8192;

fn fill(processor: &mut AudioProcessor, frames: usize, random: &mut Random) -> Vec<Vec<u32>> {
    for channel in processor.input() {
        channel[..frames].fill_with(|| random.sample());
    }
    processor
        .input()
        .iter()
        .map(|channel| channel[..frames].iter().map(|x| x.to_bits()).collect())
        .collect()
}

fn check(processor: &mut AudioProcessor, frames: usize, random: &mut Random) {
    let before = fill(processor, frames, random);
    processor.play(frames);
    for (channel, (went_in, came_out)) in before.iter().zip(processor.output()).enumerate() {
        for (n, (a, b)) in went_in.iter().zip(came_out).enumerate() {
            assert_eq!(*a, b.to_bits(), "channel {channel}, frame {n} of {frames}");
        }
    }
}

/// In every layout, in place and not, with NaNs of any payload, infinities, denormals and both
/// zeros, in blocks of any length.
#[test]
fn every_layout_passes_every_bit() {
    let mut random = Random::new(1);
    let mut instance = Instance::default();
    let layouts = instance.layouts();
    assert_eq!(layouts.len(), 10);
    for (name, id) in layouts {
        instance.choose_layout(id);
        let expected = match name.split(' ').next() {
            Some("Mono") => 1,
            Some("5.1") => 6,
            Some("7.1") => 8,
            _ => 2,
        };
        for in_place in [false, true] {
            let mut processor = instance.activate(48_000, MAX_FRAMES);
            processor.in_place = in_place;
            let channels = processor.output().len();
            assert_eq!(channels, expected, "{name}");
            for _ in 0..40 {
                let frames = 1 + random.below(MAX_FRAMES);
                check(&mut processor, frames, &mut random);
            }
            for frames in [1, 2, 3, 63, 64, 65, MAX_FRAMES] {
                check(&mut processor, frames, &mut random);
            }
            instance.deactivate(processor);
        }
    }
}

/// At every rate, with parameters and transport that change from block to block.
#[test]
fn every_rate_passes_every_bit_while_parameters_and_transport_jump_about() {
    let mut random = Random::new(2);
    let mut instance = Instance::default();
    let parameters = instance.automatable();
    for rate_hz in RATES_HZ {
        let mut processor = instance.activate(rate_hz, MAX_FRAMES);
        for _ in 0..60 {
            let parameter = &parameters[random.below(parameters.len())];
            processor.set(parameter.id, parameter.any_value(&mut random));
            match random.below(8) {
                0 => processor.position = random.bits() >> 24,
                1 => processor.playing = !processor.playing,
                2 => processor.reset(),
                _ => {}
            }
            let frames = 1 + random.below(MAX_FRAMES);
            check(&mut processor, frames, &mut random);
        }
        instance.deactivate(processor);
    }
}

/// A render faster than real time gives the same bits, and never waits for the analysis: these ten
/// minutes of audio fill the ring of nine seconds.
#[test]
fn an_offline_render_is_identical() {
    let mut random = Random::new(3);
    let mut instance = Instance::default();
    instance.set_offline(true);
    let mut processor = instance.activate(8_000, MAX_FRAMES);
    for _ in 0..(600 * 8_000 / MAX_FRAMES) {
        check(&mut processor, MAX_FRAMES, &mut random);
    }
    instance.deactivate(processor);
}
