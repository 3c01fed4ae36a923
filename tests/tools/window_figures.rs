//! Prints the cost of an open window: processor time of the process and paints, with nothing new and
//! while music plays in real time, beside the same without a window.
//!
//! Usage: `window_figures PLUGIN [seconds]`: the plugin's library in release, and the length of each
//! measurement, 10 s by default. Linux with Xvfb only: the software renderer paints, and a graphics
//! card would take less.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    use mertscope_tests::window::tool_on_a_screen;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(plugin) = arguments.first() else {
        eprintln!("usage: window_figures PLUGIN [seconds]");
        return ExitCode::from(2);
    };
    let seconds = arguments.get(1).and_then(|text| text.parse().ok());
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    tool_on_a_screen(&words, || {
        linux::measure(plugin.as_ref(), seconds.unwrap_or(10.0));
    })
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("window_figures measures on Linux only");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;
    use std::thread;
    use std::time::{Duration, Instant};

    use mertscope_tests::chord;
    use mertscope_tests::host::{AudioProcessor, Instance, load};
    use mertscope_tests::window::{Picture, Screen};

    const RATE_HZ: u32 = 48_000;

    /// Frames in a block.
    const FRAMES: usize = 512;

    pub(crate) fn measure(plugin: &Path, seconds: f64) {
        let entry = load(plugin);
        let screen = Screen::connect();
        let mut instance = Instance::new(&entry);
        let mut processor = instance.activate(RATE_HZ, FRAMES);
        let audio = chord(RATE_HZ, 1.0);
        let settle = || thread::sleep(Duration::from_secs_f64(seconds));
        play(&mut processor, &audio, 12.0);
        thread::sleep(Duration::from_secs(2));
        let quiet = share(settle);
        let playing = share(|| play(&mut processor, &audio, seconds));
        println!(
            "without a window: {} with nothing new, {} while music plays",
            quiet, playing
        );
        let editor = screen.open(&mut instance, (0, 0));
        editor.wait_for("the window", Picture::is_covered);
        editor.wait_until_still();
        editor.paints();
        let quiet = share(settle);
        let quiet_paints = editor.paints();
        let playing = share(|| play(&mut processor, &audio, seconds));
        let paints = editor.paints() as f64 / seconds;
        println!("with a window: {quiet} with nothing new, {playing} while music plays");
        println!(
            "  {quiet_paints} paints with nothing new, {paints:.1} a second while music plays"
        );
        editor.close(&mut instance);
        instance.deactivate(processor);
    }

    /// Plays in real time.
    fn play(processor: &mut AudioProcessor, audio: &[f32], seconds: f64) {
        let begun = Instant::now();
        let mut played_s = 0.0;
        let mut from = 0;
        while played_s < seconds {
            for channel in processor.input() {
                channel[..FRAMES].copy_from_slice(&audio[from..from + FRAMES]);
            }
            processor.play(FRAMES);
            from = (from + FRAMES) % (audio.len() - FRAMES);
            played_s += FRAMES as f64 / f64::from(RATE_HZ);
            let ahead_s = played_s - begun.elapsed().as_secs_f64();
            thread::sleep(Duration::from_secs_f64(ahead_s.max(0.0)));
        }
    }

    /// The share of a core that this process takes during `body`.
    fn share(body: impl FnOnce()) -> String {
        let (begun, before) = (Instant::now(), processor_time());
        body();
        let took = processor_time() - before;
        let share = took.as_secs_f64() / begun.elapsed().as_secs_f64();
        format!("{:.1} % of a core", share * 100.0)
    }

    fn processor_time() -> Duration {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: `usage` is storage for one `rusage`, of which all bytes zero is a value.
        let usage = unsafe {
            libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
            usage.assume_init()
        };
        [usage.ru_utime, usage.ru_stime]
            .iter()
            .map(|time| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000))
            .sum()
    }
}
