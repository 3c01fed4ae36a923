//! The audio callback never waits: no allocation, no contended lock, no system call.
//!
//! The framework of a debug build aborts the program when `process` allocates or frees, so these
//! tests fail by an abort. `strace` lists the system calls in a second run of the same test.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mertscope_tests::host::{AudioProcessor, Instance, entry, library};
use mertscope_tests::random::Random;
use mertscope_tests::{repository, traced};
use serde_json::{Value, json};

/// Sample rates in hertz, played one after another.
const RATES_HZ: [u32; 4] = [8_000, 44_100, 96_000, 768_000];

/// Plays a block: mostly short ones, sometimes one of any length, partly with invalid samples, with
/// automation, a moving transport and resets.
fn play(
    processor: &mut AudioProcessor,
    parameters: &[mertscope_tests::host::Parameter],
    random: &mut Random,
) {
    let frames = match random.below(64) {
        0 => 1 + random.below(8192),
        n => n,
    };
    // Filling every block would take longer than playing it.
    let at = random.below(frames);
    let sample = random.sample();
    for channel in processor.input() {
        channel[at] = sample;
    }
    match random.below(256) {
        0 => processor.position = random.bits() >> 24,
        1 => processor.playing = !processor.playing,
        2 => processor.reset(),
        3..20 => {
            let parameter = &parameters[random.below(parameters.len())];
            processor.set(parameter.id, parameter.any_value(random));
        }
        _ => {}
    }
    processor.play(frames);
}

/// States with which the engine loads, misses and swaps models.
fn states(instance: &mut Instance) -> [Value; 3] {
    let tiny = repository("tests/fixtures/tiny");
    let with_model = |model: Value| {
        let mut state = Instance::default().state();
        let object = json!({ "version": 1, "model": model });
        state["fields"]["mertscope"] = json!(object.to_string());
        state
    };
    [
        with_model(json!({ "id": tiny.to_str() })),
        with_model(json!({ "id": "gone", "sha256": "00" })),
        instance.state(),
    ]
}

/// In a build without the check the other tests could not fail.
#[test]
fn the_allocation_check_is_active() {
    let bytes = fs::read(library()).unwrap();
    let name = b"assert_no_alloc";
    assert!(bytes.windows(name.len()).any(|window| window == name));
}

/// Blocks of 1 to 8192 frames at 8 to 768 kHz, with the ring drained and with it full, while the
/// main thread loads states that load, swap and unload models: a million blocks.
#[test]
fn nothing_is_allocated_while_models_come_and_go() {
    const BLOCKS: usize = 1_000_000;
    let mut random = Random::new(9);
    let mut instance = Instance::default();
    let parameters = instance.automatable();
    let states = states(&mut instance);
    for rate_hz in RATES_HZ {
        let mut processor = instance.activate(rate_hz, 8192);
        let done = AtomicBool::new(false);
        let mut processor = std::thread::scope(|scope| {
            let audio = scope.spawn(|| {
                for _ in 0..BLOCKS / RATES_HZ.len() {
                    play(&mut processor, &parameters, &mut random);
                }
                done.store(true, Ordering::Release);
                processor
            });
            for state in states.iter().cycle() {
                assert!(instance.load_state(state));
                if done.load(Ordering::Acquire) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            audio.join().expect("the audio thread ends well")
        });
        processor.playing = true;
        instance.deactivate(processor);
    }
}

/// No system call between the first block and the last rules out locks that wait, wake-ups, files and
/// sleeping.
#[test]
fn the_audio_thread_makes_no_system_call() {
    if !traced::traced() {
        let Some(calls) = traced::trace("the_audio_thread_makes_no_system_call") else {
            return;
        };
        assert!(calls.is_empty(), "{} calls: {calls:#?}", calls.len());
        return;
    }
    let mut random = Random::new(10);
    let mut instance = Instance::default();
    // The worker sends OSC meanwhile, to a port without a receiver.
    let mut state = instance.state();
    let object = json!({ "osc": { "enabled": true, "address": "127.0.0.1:9" } });
    state["fields"]["mertscope"] = json!(object.to_string());
    assert!(instance.load_state(&state));
    let parameters = instance.automatable();
    let mut processor = instance.activate(48_000, 8192);
    let played = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                // The first block touches pages and binds symbols, as on any thread.
                play(&mut processor, &parameters, &mut random);
                traced::mark("begin");
                for _ in 0..20_000 {
                    play(&mut processor, &parameters, &mut random);
                }
                traced::mark("end");
                processor
            })
            .join()
            .expect("the audio thread ends well")
    });
    instance.deactivate(played);
}

/// Nor does it while renders are to wait for the analysis, as long as the audio keeps to the clock.
#[test]
fn exact_rendering_costs_no_system_call_in_real_time() {
    if !traced::traced() {
        let Some(calls) = traced::trace("exact_rendering_costs_no_system_call_in_real_time") else {
            return;
        };
        assert!(calls.is_empty(), "{} calls: {calls:#?}", calls.len());
        return;
    }
    let mut instance = Instance::default();
    let mut state = instance.state();
    let object = json!({ "engine": { "exact_offline": true } });
    state["fields"]["mertscope"] = json!(object.to_string());
    assert!(instance.load_state(&state));
    let mut processor = instance.activate(48_000, 480);
    let played = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                processor.play(480);
                let begun = Instant::now();
                traced::mark("begin");
                for n in 1..400u32 {
                    // Reading the clock is no system call; sleeping would be one.
                    while begun.elapsed() < Duration::from_millis(10) * n {
                        std::hint::spin_loop();
                    }
                    processor.play(480);
                }
                traced::mark("end");
                processor
            })
            .join()
            .expect("the audio thread ends well")
    });
    instance.deactivate(played);
}

/// A scan also starts no inference runtime. Loading the library is the linker's part and not traced.
#[test]
fn a_scan_opens_no_file_and_no_connection() {
    if !traced::traced() {
        let Some(calls) = traced::trace("a_scan_opens_no_file_and_no_connection") else {
            return;
        };
        let touched: Vec<_> = calls
            .iter()
            // The C library's allocator asks this of the kernel once in a process.
            .filter(|call| !call.contains("/proc/sys/vm/overcommit_memory"))
            .filter(|call| {
                ["open", "socket", "connect", "stat", "readlink", "mkdir"]
                    .iter()
                    .any(|name| call.split('(').next().unwrap_or("").contains(name))
            })
            .collect();
        assert!(touched.is_empty(), "{touched:#?}");
        return;
    }
    let entry = entry();
    traced::mark("begin");
    let mut instance = Instance::new(&entry);
    assert!(!instance.parameters().is_empty());
    assert!(!instance.ports(true).is_empty());
    let saved = instance.save();
    assert!(instance.load(&saved));
    drop(instance);
    traced::mark("end");
}
