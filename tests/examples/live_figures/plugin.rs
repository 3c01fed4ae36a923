//! Figures of the built plugin, taken through a CLAP host.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use mertscope_tests::host::{Instance, load};

use super::measure::{BLOCK, RATE_HZ, beside_a_busy_encoder, costs, music, quantile};

/// What a host's scan takes: load the library, make an instance, ask for ports and parameters.
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

/// What the plugin's `process` costs of a block's time, with an encoder at full load beside it.
pub(crate) fn process_cost(library: &Path, seconds: f64) -> Result<(), Box<dyn Error>> {
    let entry = load(library);
    let mut instance = Instance::new(&entry);
    let mut deck = instance.activate(RATE_HZ, BLOCK);
    deck.playing = true;
    let audio = music(1.0);
    beside_a_busy_encoder(|| {
        let costs = costs(seconds, |position| {
            let from = position as usize % (audio.len() - BLOCK);
            for channel in deck.input() {
                channel[..BLOCK].copy_from_slice(&audio[from..from + BLOCK]);
            }
            deck.play(BLOCK);
        });
        println!(
            "the plugin's process through a CLAP host, its buffers filled, stereo with side-chain, \
             blocks of {BLOCK} at {RATE_HZ} Hz, encoder at full load: {costs}"
        );
    })?;
    instance.deactivate(deck);
    Ok(())
}
