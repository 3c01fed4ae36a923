//! Live figures on this machine, printed: what scanning the plugin takes, what a block costs the
//! audio callback, how long after its last sample a window's answer is there, and what 16
//! instances take.
//!
//! Usage: `live_figures PLUGIN [seconds]`: the plugin's library in release, and how long each
//! measurement takes, 20 by default. Everything runs in real time. Linux only, for the processor
//! time of a thread.

#[cfg(target_os = "linux")]
#[path = "live_figures/measure.rs"]
mod measure;

#[cfg(target_os = "linux")]
#[path = "live_figures/plugin.rs"]
mod plugin;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let plugin = arguments
        .next()
        .ok_or("usage: live_figures PLUGIN [seconds]")?;
    let seconds = match arguments.next() {
        Some(seconds) => seconds.to_string_lossy().parse()?,
        None => 20.0,
    };
    plugin::scan(plugin.as_ref());
    plugin::process_cost(plugin.as_ref(), seconds)?;
    measure::push_cost(seconds)?;
    measure::latency(seconds);
    let one = measure::instances(1, seconds)?;
    let many = measure::instances(16, seconds)?;
    println!(
        "each further instance: {:.2} MiB, {:.2} % of a core",
        (many.resident_mib - one.resident_mib) / 15.0,
        (many.share - one.share) * 100.0 / 15.0
    );
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("live_figures measures on Linux only");
}
