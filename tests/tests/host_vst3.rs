//! The built plugin in a VST3 host: its description, the widths that it takes, and hosts that leave out channels,
//! buses or calls. Each channel passes bit for bit in all of them.
#![cfg(target_os = "linux")]

use mertscope_tests::host::Instance;
use mertscope_tests::random::Random;
use mertscope_tests::traced;
use mertscope_tests::vst3_host::{Block, Vst3};

/// Sample rate of the host, in hertz.
const RATE_HZ: f64 = 48_000.0;

/// The longest block that the host announces, in frames.
const MOST_FRAMES: usize = 1024;

/// Lengths of blocks, in frames.
const FRAMES: [usize; 8] = [1, 2, 3, 63, 64, 65, 441, MOST_FRAMES];

fn fill(channels: &mut [Option<Vec<f32>>], random: &mut Random) {
    for channel in channels.iter_mut().flatten() {
        channel.fill_with(|| random.sample());
    }
}

fn bits(channel: &Option<Vec<f32>>) -> Option<Vec<u32>> {
    let samples = channel.as_ref()?.iter();
    Some(samples.map(|sample| sample.to_bits()).collect())
}

/// Plays a block of noise, and checks that each channel of the output is that of the input, or silence where the
/// input has none.
fn check(plugin: &Vst3, mut block: Block, random: &mut Random, what: &str) {
    fill(&mut block.input, random);
    fill(&mut block.side_chain, random);
    fill(&mut block.output, random);
    let silence = Some(vec![0; block.frames as usize]);
    let inputs = if block.input_buses > 0 {
        &block.input[..]
    } else {
        &[]
    };
    let expected: Vec<_> = inputs.iter().map(bits).collect();
    assert!(plugin.process(&mut block), "{what}");
    for (index, output) in block.output.iter().enumerate().filter(|(_, o)| o.is_some()) {
        let expected = expected.get(index).cloned().flatten().or(silence.clone());
        assert!(bits(output) == expected, "{what}: channel {index}");
    }
}

#[test]
fn the_class_and_the_state_are_those_of_older_projects() {
    let plugin = Vst3::new();
    let (id, category, name) = plugin.class();
    assert_eq!(id, b"MertscopePlugin1");
    assert_eq!(
        (&category[..], &name[..]),
        ("Audio Module Class", "Mertscope")
    );
    assert!(plugin.is_one_object());
    assert!(!plugin.describes_one_parameter_too_many());
    // The framework writes the CLAP plugin's state without anything of ours in between, after its length.
    let saved = &Instance::default().save()[size_of::<u64>()..];
    assert!(plugin.save() == saved);
    assert!(plugin.load(saved));
    assert!(plugin.save() == saved);
    assert!(!plugin.load(b"{"));
}

/// Main buses of one to eight channels, with a side-chain of none, one or two, and with one that is switched off.
#[test]
fn every_width_passes_every_bit() {
    let mut random = Random::new(31);
    let plugin = Vst3::new();
    assert!(plugin.set_up(RATE_HZ, MOST_FRAMES));
    for main in 1..=8 {
        for side_chain in 0..=2 {
            assert!(plugin.arrange(&[main, side_chain], &[main]));
            assert_eq!(plugin.widths(true), [main, side_chain]);
            assert_eq!(plugin.widths(false), [main]);
            for on in [true, false] {
                plugin.switch_side_chain(on);
                assert!(plugin.set_active(true));
                for (frames, in_place) in FRAMES.into_iter().zip([false, true].into_iter().cycle())
                {
                    let what = format!("{main} with {side_chain}, on {on}, {frames} frames");
                    let mut block = Block::new(main, side_chain, frames);
                    block.in_place = in_place;
                    check(&plugin, block, &mut random, &what);
                    // What hosts pass of a bus that is off: null channels.
                    let mut block = Block::new(main, side_chain, frames);
                    block.side_chain.fill(None);
                    check(&plugin, block, &mut random, &what);
                }
                assert!(plugin.set_active(false));
            }
            plugin.switch_side_chain(true);
        }
    }
}

#[test]
fn other_widths_are_refused_and_change_nothing() {
    let plugin = Vst3::new();
    assert_eq!(plugin.widths(true), [2, 2]);
    assert!(plugin.arrange(&[1, 1], &[1]));
    for (inputs, outputs) in [
        (&[1, 1][..], &[2][..]),
        (&[2, 2], &[1]),
        (&[2, 3], &[2]),
        (&[9, 2], &[9]),
        (&[0, 2], &[0]),
        (&[2, 2, 2], &[2]),
        (&[2, 2], &[2, 2]),
        (&[2, 2], &[]),
        (&[], &[2]),
    ] {
        assert!(!plugin.arrange(inputs, outputs), "{inputs:?} {outputs:?}");
        assert_eq!(plugin.widths(true), [1, 1], "{inputs:?} {outputs:?}");
    }
    assert!(plugin.arrange(&[6], &[6]), "a side-chain need not be named");
    assert_eq!(plugin.widths(true), [6, 0]);
}

/// Fewer or more channels and buses than were arranged, null channels and null buses.
#[test]
fn what_a_host_leaves_out_is_silence() {
    let mut random = Random::new(32);
    let plugin = Vst3::new();
    assert!(plugin.set_up(RATE_HZ, MOST_FRAMES));
    for main in [1, 2, 6] {
        assert!(plugin.arrange(&[main, 2], &[main]));
        assert!(plugin.set_active(true));
        for frames in FRAMES {
            let whole = Block::new(main, 2, frames);
            let mut blocks = vec![whole.clone(); 9];
            blocks[0].input_buses = 1;
            blocks[1].input_buses = 0;
            (blocks[2].input_buses, blocks[2].null_buses) = (0, true);
            blocks[3].input[0] = None;
            blocks[4].output[main - 1] = None;
            blocks[5].side_chain[0] = None;
            blocks[6].input.clear();
            (blocks[7].side_chain, blocks[7].null_buses) = (vec![], true);
            blocks[8] = Block::new(main + 3, 7, frames);
            for (index, block) in blocks.into_iter().enumerate() {
                let what = format!("{main} channels, block {index}, {frames} frames");
                check(&plugin, block, &mut random, &what);
            }
        }
        assert!(plugin.set_active(false));
    }
}

/// Blocks without an output or without frames only have parameters; impossible ones are refused.
#[test]
fn blocks_without_audio_are_taken_and_impossible_ones_refused() {
    let plugin = Vst3::new();
    assert!(plugin.set_up(RATE_HZ, MOST_FRAMES) && plugin.set_active(true));
    let mut none = Block::new(2, 2, 64);
    (none.output_buses, none.null_buses) = (0, true);
    assert!(plugin.process(&mut none));
    none.output.clear();
    none.output_buses = 1;
    assert!(plugin.process(&mut none));
    assert!(plugin.process(&mut Block::new(2, 2, 0)));
    let mut negative = Block::new(2, 2, 64);
    negative.frames = -1;
    assert!(!plugin.process(&mut negative));
    for (rate_hz, frames) in [(0.0, 64), (f64::NAN, 64), (-1.0, 64), (RATE_HZ, usize::MAX)] {
        assert!(!plugin.set_up(rate_hz, frames), "{rate_hz} {frames}");
    }
}

/// Audio passes before the set-up, before and after the activation, and in longer blocks than were announced.
#[test]
fn audio_passes_whatever_a_host_forgets() {
    let mut random = Random::new(33);
    let plugin = Vst3::new();
    let block = || Block::new(2, 2, 256);
    check(&plugin, block(), &mut random, "before anything");
    assert!(plugin.set_active(true), "an activation before the set-up");
    check(&plugin, block(), &mut random, "before the set-up");
    assert!(plugin.set_up(RATE_HZ, MOST_FRAMES));
    check(&plugin, block(), &mut random, "after the set-up");
    let long = Block::new(2, 2, 3 * MOST_FRAMES);
    check(&plugin, long, &mut random, "a long block");
    plugin.set_all(1.0);
    check(&plugin, block(), &mut random, "after a long block");
    assert!(plugin.set_active(false));
    check(&plugin, block(), &mut random, "after all");
}

/// Activations while another thread plays: hosts should not, and some do.
#[test]
fn audio_passes_while_the_plugin_is_activated_again() {
    let mut random = Random::new(34);
    let plugin = Vst3::new();
    assert!(plugin.set_up(RATE_HZ, MOST_FRAMES));
    std::thread::scope(|scope| {
        let playing = scope.spawn(|| {
            for _ in 0..3000 {
                check(&plugin, Block::new(2, 2, 64), &mut random, "meanwhile");
            }
        });
        while !playing.is_finished() {
            for active in [true, false] {
                assert!(plugin.set_active(active));
            }
        }
    });
}

/// As in the CLAP plugin. An allocation would end the program.
#[test]
fn the_audio_thread_makes_no_system_call_in_a_vst3_host() {
    let name = "the_audio_thread_makes_no_system_call_in_a_vst3_host";
    if !traced::traced() {
        let Some(calls) = traced::trace(name) else {
            return;
        };
        assert!(calls.is_empty(), "{} calls: {calls:#?}", calls.len());
        return;
    }
    let plugin = Vst3::new();
    assert!(plugin.set_up(RATE_HZ, MOST_FRAMES));
    // A side-chain that is folded, then one that is null; parameters that change in each block.
    assert!(plugin.arrange(&[1, 2], &[1]) && plugin.set_active(true));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut block = Block::new(1, 2, 64);
            let mut silent = Block::new(1, 2, 64);
            silent.side_chain.fill(None);
            let [low, high] = [0.0, 1.0].map(|value| plugin.changes(value));
            let mut play = || {
                let whole = plugin.process_with(&mut block, Some(&low));
                whole && plugin.process_with(&mut silent, Some(&high))
            };
            // The first blocks touch pages and bind symbols, as on any thread.
            assert!(play());
            traced::mark("begin");
            let played = (0..10_000).all(|_| play());
            traced::mark("end");
            assert!(played);
        });
    });
    assert!(plugin.set_active(false));
}

/// Values that a host sets and reads without playing; those of a playing host come with its blocks.
#[test]
fn parameters_take_the_values_that_a_host_sets() {
    let plugin = Vst3::new();
    let before = plugin.save();
    // All but the last, which is a trigger and off again at once.
    let on = || {
        let mut values = vec![1.0; plugin.automatable().len() - 1];
        values.push(0.0);
        values
    };
    plugin.set_all(1.0);
    assert_eq!(plugin.values(), on());
    plugin.set_all(0.0);
    assert_eq!(plugin.values(), vec![0.0; plugin.automatable().len()]);
    for id in plugin.automatable() {
        assert!(plugin.set_value(id, 1.0) && !plugin.set_value(id, f64::NAN));
    }
    assert!(!plugin.set_value(u32::MAX, 1.0));
    assert!(plugin.set_up(RATE_HZ, MOST_FRAMES) && plugin.set_active(true));
    for id in plugin.automatable() {
        assert!(plugin.set_value(id, 0.0));
    }
    assert_eq!(plugin.values(), on());
    assert!(plugin.load(&before));
    assert!(plugin.save() == before);
}

/// Instances that go while others stay, in the middle of automation.
#[test]
fn instances_go_in_any_order() {
    let plugins = [(); 4].map(|()| Vst3::new());
    for plugin in &plugins {
        plugin.automate(200);
    }
    let [first, second, third, fourth] = plugins;
    for plugin in [second, fourth, first, third] {
        plugin.automate(50);
        drop(plugin);
    }
    drop(Vst3::new());
}
