//! Attention of whole songs: queries in parts give what they give at once, and a song's memory stays bounded.

use std::env;
use std::process::Command;

use crate::checkpoint::Checkpoint;
use crate::graph::tests::{
    largest_difference, made, opened, outputs, rms, session_of, signals, variant,
};
use crate::graph::{LayerSet, Network, Operators, Variant};

/// The tiny MERT-v2, made for a context of so many seconds.
fn made_for(context_s: f64) -> Checkpoint {
    let mut checkpoint = opened("mert2");
    let Network::Mert2(network) = &mut checkpoint.network else {
        panic!("this is no MERT-v2: {:?}", checkpoint.network);
    };
    network.context_s = context_s;
    checkpoint
}

fn plain() -> Variant {
    Variant {
        operators: Operators::Plain,
        ..variant()
    }
}

#[test]
fn queries_in_parts_give_the_hidden_states_of_the_reference() {
    let mut parts = session_of(&made_for(360.0), &plain());
    let mut at_once = session_of(&made_for(30.0), &plain());
    for (signal, audio, states) in signals("mert2") {
        let found = outputs(&mut parts, &plain(), &audio);
        let same = outputs(&mut at_once, &plain(), &audio);
        assert_eq!(found.len(), states.len());
        for (layer, (found, expected)) in found.iter().zip(&states).enumerate() {
            let limit = rms(expected).max(1.0);
            let difference = largest_difference(found, expected);
            assert!(
                difference <= 1e-4 * limit,
                "{signal}, layer {layer}: {difference}"
            );
            let difference = largest_difference(found, &same[layer]);
            assert!(
                difference <= 1e-6 * limit,
                "{signal}, layer {layer}: {difference}"
            );
        }
    }
}

/// Names the context and the form of the graph in the environment of a process that measures its memory.
const CHILD: &str = "MERTSCOPE_TEST_SONG";

#[test]
#[ignore = "long: six minutes of audio, three times"]
fn a_song_in_parts_takes_no_more_memory_than_with_fused_operators() {
    if let Ok(settings) = env::var(CHILD) {
        return run_a_song(&settings);
    }
    let [fused, parts, at_once] = ["fused 360 360", "plain 360 360", "plain 30 360"].map(peak_mb);
    println!("fused {fused} MB, in parts {parts} MB, at once {at_once} MB");
    // What is left are the spectra. The scores of two heads alone would take 648 MB, those of 16 heads 5.2 GB.
    assert!(parts < fused + 150, "{parts} and {fused}");
    assert!(at_once > parts + 500, "{at_once} and {parts}");
}

/// The peak memory of a process that runs a song through a graph, in MB.
fn peak_mb(settings: &str) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap());
    let name =
        "graph::attention::tests::a_song_in_parts_takes_no_more_memory_than_with_fused_operators";
    child.args(["--exact", name, "--nocapture", "--include-ignored"]);
    let ran = child.env(CHILD, settings).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes
        .unwrap_or_else(|| panic!("{text}"))
        .trim()
        .parse::<u64>()
        .unwrap()
        / 1000
}

/// Runs noise, and prints the peak memory of this process.
fn run_a_song(settings: &str) {
    let mut words = settings.split(' ');
    let mut word = || words.next().unwrap();
    let operators = match word() {
        "plain" => Operators::Plain,
        _ => Operators::Fused,
    };
    let variant = Variant {
        operators,
        frames: false,
        layers: LayerSet::of([0], 3),
        ..variant()
    };
    let checkpoint = made_for(word().parse().unwrap());
    let samples = 24_000 * word().parse::<usize>().unwrap();
    let mut session = session_of(&checkpoint, &variant);
    outputs(&mut session, &variant, &made("noise", samples));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    println!("\n{}", line.unwrap());
}
