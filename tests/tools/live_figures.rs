//! Prints live figures of this machine: the time of a host's scan, the cost of a block in the audio
//! callback, the time from a window's last sample to its result, and the cost of 16 instances.
//!
//! Usage: `live_figures PLUGIN [seconds]`: the plugin's library in release, and the length of each
//! measurement, 20 s by default. Everything runs in real time. Linux only, because it reads the
//! processor time of a thread.

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
