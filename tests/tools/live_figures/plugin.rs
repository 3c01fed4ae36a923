//! Figures of the built plugin, taken through a CLAP host.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use mertscope_tests::host::{Instance, load};

use super::measure::{BLOCK, RATE_HZ, beside_a_busy_encoder, costs, music, quantile};

/// The time of a host's scan: load the library, make an instance, ask for ports and parameters.
pub(crate) fn scan(library: &Path) {
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let start = Instant::now();
            let entry = load(library);
            let mut instance = Instance::new(&entry);
            let known = (
                instance.parameters(),
                instance.ports(true),
                instance.ports(false),
            );
            std::hint::black_box(known);
            drop(instance);
            start.elapsed()
        })
        .collect();
    println!(
        "scan of the library: {:.2?} the first time (aim: 20 ms)",
        times[0]
    );
    times.sort();
    println!("  {:.2?} as a median of 20", quantile(&times, 0.5));
}

/// The cost of the plugin's `process` as a share of a block's time, beside an encoder at full load.
pub(crate) fn process_cost(library: &Path, seconds: f64) -> Result<(), Box<dyn Error>> {
    let entry = load(library);
    let mut instance = Instance::new(&entry);
    let mut processor = instance.activate(RATE_HZ, BLOCK);
    processor.playing = true;
    let audio = music(1.0);
    beside_a_busy_encoder(|| {
        let costs = costs(seconds, |position| {
            let from = position as usize % (audio.len() - BLOCK);
            for channel in processor.input() {
                channel[..BLOCK].copy_from_slice(&audio[from..from + BLOCK]);
            }
            processor.play(BLOCK);
        });
        println!(
            "the plugin's process through a CLAP host, its buffers filled, stereo with side-chain, \
             blocks of {BLOCK} at {RATE_HZ} Hz, encoder at full load: {costs}"
        );
    })?;
    instance.deactivate(processor);
    Ok(())
}
