//! The small notation that the demo pieces are written in, and its parser, which gives timed notes.
//!
//! There are three kinds of line. All have bars separated by `|`; a closing `*n` repeats a bar:
//! - **notes** `E5:1.5 A4:.5 C4+E4:2 r:1 ~:.5 @70`: pitches joined by `+`, beats after the colon (kept until
//!   changed), `r` rest, `~` tie, `@v` velocity from here on, `'` staccato, `!` accent;
//! - **figures** over chord symbols (`Cm7 F13`, sharing a bar evenly): one character per step, `x`/`X` the whole
//!   chord soft/accented, `1`…`9` its voices from below, `b`/`B`/`f` bass, its octave and fifth, `-` hold, `.` rest;
//! - **drums**, a grid per instrument: `X` accent, `x` normal, `o` ghost.
//!
//! Not here: the voicing of chords ([`crate::harmony`]); tempo, swing and humanizing
//! ([`crate::midi`]).

use anyhow::{Context, Result, bail, ensure};

use crate::harmony::{Voicing, pitch, voiced};

/// One instrument's line.
pub(crate) enum Line {
    /// Written-out notes.
    Notes(&'static str),
    /// A rhythm played on chord symbols, voiced around the MIDI pitch `center`.
    Figure {
        chords: &'static str,
        center: i32,
        velocity: i32,
        steps: &'static str,
    },
    /// General MIDI percussion key and grid, one pair per instrument.
    Drums(&'static [(i32, &'static str)]),
}

/// A note in score time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    /// Onset, beats from the start of the piece.
    pub on_beat: f64,
    /// Length in beats.
    pub beats: f64,
    /// MIDI pitch (60 = C4) or percussion key.
    pub pitch: i32,
    /// MIDI velocity before humanizing.
    pub velocity: i32,
}

const DRUM_HIT_BEATS: f64 = 0.2;
/// The share of its length that a staccato note sounds for.
const STACCATO: f64 = 0.45;
/// The share of its last step that a note of a figure sounds for.
const DETACHED: f64 = 0.92;
/// Added to the velocity by an accent.
const ACCENT: i32 = 18;

impl Line {
    /// Reads the line into notes; every bar must be full and there must be `bars` of them.
    pub(crate) fn notes(&self, bars: usize, beats_per_bar: f64) -> Result<Vec<Note>> {
        match self {
            Line::Notes(text) => written(&unfold(text, bars)?, beats_per_bar),
            Line::Figure {
                chords,
                center,
                velocity,
                steps,
            } => {
                let chords = voiced(&unfold(chords, bars)?, *center)?;
                figure(&chords, &unfold(steps, bars)?, beats_per_bar, *velocity)
            }
            Line::Drums(rows) => {
                let mut notes = Vec::new();
                for (key, grid) in *rows {
                    drum(*key, &unfold(grid, bars)?, beats_per_bar, &mut notes)?;
                }
                Ok(notes)
            }
        }
    }

    /// Onsets, in beats, at which the harmony of a figure changes: a pianist lifts the pedal there.
    pub(crate) fn changes(&self, bars: usize, beats_per_bar: f64) -> Result<Vec<f64>> {
        let Line::Figure { chords, .. } = self else {
            return Ok(Vec::new());
        };
        let at = |(bar, text): (usize, &str)| {
            let n = text.split_whitespace().count();
            (0..n)
                .map(move |i| (bar as f64 + i as f64 / n as f64) * beats_per_bar)
                .collect::<Vec<_>>()
        };
        Ok(unfold(chords, bars)?
            .into_iter()
            .enumerate()
            .flat_map(at)
            .collect())
    }
}

/// Splits a line into its bars, repeats written out.
fn unfold(text: &'static str, bars: usize) -> Result<Vec<&'static str>> {
    let mut out = Vec::new();
    for bar in text.split('|').map(str::trim) {
        let (bar, times) = match bar.rsplit_once('*') {
            Some((bar, n)) => (
                bar.trim(),
                n.trim()
                    .parse()
                    .with_context(|| format!("repeat in bar “{bar}”"))?,
            ),
            None => (bar, 1),
        };
        out.extend(std::iter::repeat_n(bar, times));
    }
    ensure!(
        out.len() == bars,
        "a line has {} bars instead of {bars}: “{text}”",
        out.len()
    );
    Ok(out)
}

fn written(bars: &[&str], beats_per_bar: f64) -> Result<Vec<Note>> {
    let (mut notes, mut now, mut length, mut loudness) = (Vec::<Note>::new(), 0.0, 1.0, 80);
    let mut sounding = 0..0; // the notes a tie prolongs
    for (index, bar) in bars.iter().enumerate() {
        for token in bar.split_whitespace() {
            if let Some(v) = token.strip_prefix('@') {
                loudness = v.parse().with_context(|| format!("velocity “{token}”"))?;
                continue;
            }
            let plain = token.trim_end_matches(['\'', '!']);
            let (what, beats) = plain
                .split_once(':')
                .map_or((plain, None), |(w, b)| (w, Some(b)));
            if let Some(beats) = beats {
                length = beats.parse().with_context(|| format!("length “{token}”"))?;
            }
            let velocity = loudness + if token.ends_with('!') { ACCENT } else { 0 };
            let sounds = if token.contains('\'') {
                length * STACCATO
            } else {
                length
            };
            match what {
                "r" => sounding = 0..0,
                "~" => notes[sounding.clone()]
                    .iter_mut()
                    .for_each(|n| n.beats += length),
                chord => {
                    let first = notes.len();
                    for name in chord.split('+') {
                        notes.push(Note {
                            on_beat: now,
                            beats: sounds,
                            pitch: pitch(name)?,
                            velocity,
                        });
                    }
                    sounding = first..notes.len();
                }
            }
            now += length;
        }
        let end = (index + 1) as f64 * beats_per_bar;
        ensure!(
            (now - end).abs() < 1e-6,
            "bar {} “{bar}” ends on beat {now}, not {end}",
            index + 1
        );
    }
    Ok(notes)
}

fn figure(
    chords: &[Vec<Voicing>],
    steps: &[&str],
    beats_per_bar: f64,
    velocity: i32,
) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for (bar, (chords, steps)) in chords.iter().zip(steps).enumerate() {
        let steps: Vec<char> = steps.chars().filter(|c| !c.is_whitespace()).collect();
        let step_beats = beats_per_bar / steps.len() as f64;
        for (i, &step) in steps.iter().enumerate() {
            let Voicing { bass, voices } = &chords[i * chords.len() / steps.len()];
            let n = voices.len();
            let pitches = match step {
                '-' | '.' => continue,
                'x' | 'X' => voices.clone(),
                'b' => vec![*bass],
                'B' => vec![bass + 12],
                'f' => vec![bass + 7],
                '1'..='9' => {
                    let voice = step as usize - '1' as usize;
                    vec![voices[voice % n] + 12 * (voice / n) as i32]
                }
                other => bail!("“{other}” is not a step of a figure"),
            };
            let held = steps[i + 1..].iter().take_while(|&&c| c == '-').count();
            let velocity = velocity + if step == 'X' { ACCENT } else { 0 };
            notes.extend(pitches.into_iter().map(|pitch| Note {
                on_beat: bar as f64 * beats_per_bar + i as f64 * step_beats,
                beats: (held as f64 + DETACHED) * step_beats,
                pitch,
                velocity,
            }));
        }
    }
    Ok(notes)
}

fn drum(key: i32, bars: &[&str], beats_per_bar: f64, notes: &mut Vec<Note>) -> Result<()> {
    for (bar, grid) in bars.iter().enumerate() {
        let steps: Vec<char> = grid.chars().filter(|c| !c.is_whitespace()).collect();
        for (i, step) in steps.iter().enumerate() {
            let velocity = match step {
                'X' => 112,
                'x' => 90,
                'o' => 52,
                '.' => continue,
                other => bail!("“{other}” is not a drum stroke"),
            };
            let on_beat = (bar as f64 + i as f64 / steps.len() as f64) * beats_per_bar;
            notes.push(Note {
                on_beat,
                beats: DRUM_HIT_BEATS,
                pitch: key,
                velocity,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onsets(line: &Line, bars: usize) -> Vec<(f64, f64, i32)> {
        let notes = line.notes(bars, 4.0).expect("the line reads");
        notes
            .iter()
            .map(|n| (n.on_beat, n.beats, n.pitch))
            .collect()
    }

    #[test]
    fn notes_keep_their_length_and_ties_cross_bar_lines() {
        let line = Line::Notes("C4:1 r Bb3+F#4:2 | ~:1 C5:3");
        let expected = [
            (0.0, 1.0, 60),
            (2.0, 3.0, 58),
            (2.0, 3.0, 66),
            (5.0, 3.0, 72),
        ];
        assert_eq!(onsets(&line, 2), expected);
    }

    #[test]
    fn figures_hold_and_follow_the_chords_of_a_bar() {
        let line = Line::Figure {
            chords: "C G *2",
            center: 60,
            velocity: 80,
            steps: "b-.. | ..1.",
        };
        let expected = [(0.0, 1.0 + DETACHED, 36), (6.0, DETACHED, 55)];
        assert_eq!(onsets(&line, 2), expected);
    }

    #[test]
    fn a_bar_that_is_not_full_is_named() {
        let error = Line::Notes("C4:4 | D4:3").notes(2, 4.0).unwrap_err();
        assert!(error.to_string().starts_with("bar 2 “D4:3”"), "{error}");
    }
}
