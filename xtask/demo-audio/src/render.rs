//! Renders MIDI bytes to an audio file with Debian's `fluidsynth` and `ffmpeg`.
//!
//! Both run with a timeout and a limit on the size of their output: a renderer that misses the end
//! of a song would otherwise fill the disk.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

const SOUNDFONT: &str = "/usr/share/sounds/sf2/FluidR3_GM.sf2";
const PACKAGES: &str = "apt-get install fluidsynth fluid-soundfont-gm ffmpeg";
const TIME_OUT: Duration = Duration::from_secs(120);
const MAX_BYTES: u64 = 16 << 20; // 60 s of 44.1 kHz stereo 16-bit is 10.6 MB
const LOUDNESS_LUFS: f64 = -16.0;
/// Sample-peak ceiling of the limiter (-1.9 dBFS), so that lossy decoders do not clip either.
const PEAK: f64 = 0.8;
const FADE_S: f64 = 1.0;
const RATE_HZ: &str = "44100";

/// Renders `midi` (a Standard MIDI File) to `out`, cut to `length_s` seconds;
/// the extension of `out` selects FLAC, Ogg Vorbis or MP3.
pub(crate) fn render(midi: &[u8], length_s: f64, out: &Path) -> Result<()> {
    ensure!(
        Path::new(SOUNDFONT).exists(),
        "{SOUNDFONT} is missing; install it with: {PACKAGES}"
    );
    let (song, wave) = (out.with_extension("mid.tmp"), out.with_extension("wav.tmp"));
    std::fs::write(&song, midi)
        .with_context(|| format!("{} could not be written", song.display()))?;
    let result = synthesize(&song, &wave).and_then(|()| encode(&wave, length_s, out));
    for scratch in [song, wave] {
        let _ = std::fs::remove_file(scratch); // a leftover is no reason to fail
    }
    result
}

fn synthesize(song: &Path, wave: &Path) -> Result<()> {
    let mut fluidsynth = Command::new("fluidsynth");
    // One thread and fixed effects: the same samples each time.
    fluidsynth.args([
        "-q", "-n", "-i", "-r", RATE_HZ, "-g", "0.35", "-O", "s16", "-T", "wav",
    ]);
    fluidsynth.args([
        "-o",
        "synth.cpu-cores=1",
        "-o",
        "synth.chorus.active=0",
        "-o",
        "synth.polyphony=256",
    ]);
    fluidsynth.args([
        "-o",
        "synth.reverb.room-size=0.55",
        "-o",
        "synth.reverb.level=0.6",
    ]);
    fluidsynth.arg("-F").arg(wave).arg(SOUNDFONT).arg(song);
    finish(fluidsynth, wave).map(drop)
}

/// The gain that brings the integrated loudness of `wave` to [`LOUDNESS_LUFS`].
fn gain_db(wave: &Path, out: &Path) -> Result<f64> {
    let mut meter = Command::new("ffmpeg");
    meter
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(wave)
        .args(["-af", "ebur128", "-f", "null", "-"]);
    let report = finish(meter, out)?;
    let measured = report
        .rsplit_once("I:")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse::<f64>().ok());
    Ok(LOUDNESS_LUFS
        - measured.context("ffmpeg's ebur128 filter printed no integrated loudness")?)
}

fn encode(wave: &Path, length_s: f64, out: &Path) -> Result<()> {
    let gain_db = gain_db(wave, out)?;
    let codec: &[&str] = match out.extension().and_then(|e| e.to_str()) {
        Some("flac") => &["-c:a", "flac", "-compression_level", "12"],
        Some("ogg") => &["-c:a", "libvorbis", "-q:a", "4"],
        Some("mp3") => &["-c:a", "libmp3lame", "-q:a", "4"],
        _ => bail!("{}: only .flac, .ogg and .mp3 can be made", out.display()),
    };
    let filter = format!(
        "volume={gain_db:.2}dB,alimiter=limit={PEAK}:attack=3:release=60:level=disabled,\
         atrim=end={length_s:.3},afade=out:start_time={:.3}:duration={FADE_S}",
        length_s - FADE_S
    );
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-i"])
        .arg(wave);
    // Bit-exact flags keep encoder versions and random stream serials out of the file.
    ffmpeg.args([
        "-af",
        &filter,
        "-ar",
        RATE_HZ,
        "-sample_fmt",
        sample_format(out),
    ]);
    ffmpeg.args([
        "-map_metadata",
        "-1",
        "-flags",
        "+bitexact",
        "-fflags",
        "+bitexact",
    ]);
    ffmpeg.args(codec).arg(out);
    finish(ffmpeg, out).map(drop)
}

fn sample_format(out: &Path) -> &'static str {
    if out.extension().is_some_and(|e| e == "flac") {
        "s16"
    } else {
        "fltp"
    }
}

/// Runs `command` to its end and returns its stderr; kills it when it exceeds [`TIME_OUT`] or
/// `output` exceeds [`MAX_BYTES`].
fn finish(mut command: Command, output: &Path) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let log = output.with_extension("log.tmp");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log)?);
    let mut child = command
        .spawn()
        .with_context(|| format!("{name} could not be started; {PACKAGES}"))?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let size = std::fs::metadata(output).map_or(0, |m| m.len());
        if started.elapsed() > TIME_OUT || size > MAX_BYTES {
            child.kill()?;
            child.wait()?;
            bail!(
                "{name} was stopped after {:?} with {size} bytes in {}",
                started.elapsed(),
                output.display()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    std::fs::remove_file(&log)?;
    ensure!(status.success(), "{name} failed with {status}: {said}");
    Ok(said)
}
