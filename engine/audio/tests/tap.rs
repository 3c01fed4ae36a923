//! The two ends of a tap: every loss is counted, and samples and marks keep their order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mertscope_audio::tap::{Mark, Tap, TapReader, Transport, tap};

const RATE_HZ: u32 = 8_000;
/// Capacity of the ring at that rate.
const RING_SAMPLES: usize = 72_000;

fn at(position: i64) -> Transport {
    Transport {
        playing: true,
        position: Some(position),
        offline: false,
    }
}

fn push(tap: &mut Tap, from: usize, frames: usize, transport: Transport) {
    let block: Vec<f32> = (from..from + frames).map(|n| n as f32).collect();
    tap.push(&[block], transport);
}

/// Empties the ring: all samples and all marks.
fn take_all(reader: &mut TapReader) -> (Vec<f32>, Vec<Mark>) {
    let (mut samples, mut marks) = (Vec::new(), Vec::new());
    loop {
        let before = samples.len();
        let mark = reader.take(1_000, &mut samples);
        if mark.is_none() && samples.len() == before {
            return (samples, marks);
        }
        marks.extend(mark);
    }
}

#[test]
fn samples_keep_their_order_and_contiguous_blocks_need_one_mark() {
    let (mut tap, mut reader) = tap(RATE_HZ);
    let mut pushed = 0;
    for frames in [1, 64, 7, 513, 8_192, 1, 300] {
        push(&mut tap, pushed, frames, at(500 + pushed as i64));
        pushed += frames;
    }
    let (samples, marks) = take_all(&mut reader);
    assert!(samples.iter().enumerate().all(|(n, x)| *x == n as f32));
    assert_eq!(samples.len(), pushed);
    assert_eq!(tap.pushed_frames(), pushed as u64);
    assert_eq!(
        marks,
        [Mark {
            at: 0,
            transport: at(500),
            lost_frames: 0,
            reset: false,
            start_again: false
        }]
    );
}

#[test]
fn channels_become_their_mean_and_one_channel_keeps_its_bits() {
    let (mut tap, mut reader) = tap(RATE_HZ);
    let odd = [f32::from_bits(0x7fc0_1234), -0.0, 1.0e-45, f32::INFINITY];
    tap.push(&[odd], Transport::LIVE_INPUT);
    let left: Vec<f32> = (0..600).map(|n| n as f32).collect();
    let right: Vec<f32> = (0..600).map(|n| 3.0 * n as f32).collect();
    tap.push(&[&left[..], &right[..]], Transport::LIVE_INPUT);
    tap.push::<&[f32]>(&[], Transport::LIVE_INPUT);
    let (samples, _) = take_all(&mut reader);
    let bits = |samples: &[f32]| -> Vec<u32> { samples.iter().map(|x| x.to_bits()).collect() };
    assert_eq!(bits(&samples[..4]), bits(&odd));
    assert_eq!(samples.len(), 604);
    assert!(
        samples[4..]
            .iter()
            .enumerate()
            .all(|(n, x)| *x == 2.0 * n as f32)
    );
}

#[test]
fn a_stopped_reader_loses_exactly_the_blocks_that_found_no_room() {
    let (mut tap, mut reader) = tap(RATE_HZ);
    // Nobody reads for 60 s: blocks go in whole or not at all.
    let frames = 700;
    let blocks = 60 * RATE_HZ as usize / frames;
    for block in 0..blocks {
        push(
            &mut tap,
            block * frames,
            frames,
            at((block * frames) as i64),
        );
    }
    let kept = RING_SAMPLES / frames * frames;
    let lost = (blocks * frames - kept) as u64;
    assert_eq!(tap.lost_frames(), lost);
    assert_eq!(reader.lost_frames(), lost);
    let (samples, marks) = take_all(&mut reader);
    assert_eq!(samples.len(), kept);
    assert_eq!(marks.len(), 1);
    // The next block goes in again, and its mark has the loss; the loss is no jump.
    let next = blocks * frames;
    push(&mut tap, next, frames, at(next as i64));
    push(&mut tap, next + frames, frames, at((next + frames) as i64));
    let (samples, marks) = take_all(&mut reader);
    assert_eq!(samples[0], next as f32);
    assert_eq!(samples.len(), 2 * frames);
    assert_eq!(
        marks,
        [Mark {
            at: kept as u64,
            transport: at(next as i64),
            lost_frames: lost,
            reset: false,
            start_again: false
        }]
    );
    assert_eq!(tap.lost_frames(), lost);
}

#[test]
fn jumps_loops_stops_and_resets_are_marked_where_they_happen() {
    let (mut tap, mut reader) = tap(RATE_HZ);
    let stopped = |position| Transport {
        playing: false,
        ..at(position)
    };
    let blocks = [
        (at(0), true),           // the first
        (at(100), false),        // continues
        (at(201), false),        // off by one: rounding
        (at(300), false),        // continues
        (at(0), true),           // a loop
        (at(100), false),        // continues
        (at(5_000), true),       // a jump
        (stopped(5_100), true),  // a stop
        (stopped(5_100), false), // stays
        (stopped(9_999), false), // is moved while stopped
        (at(9_999), true),       // a start
        (
            Transport {
                position: None,
                ..at(0)
            },
            true,
        ), // the timeline disappears
        (
            Transport {
                position: None,
                ..at(0)
            },
            false,
        ), // stays away
        (
            Transport {
                offline: true,
                position: None,
                ..at(0)
            },
            true,
        ), // a bounce
    ];
    let mut expected = Vec::new();
    for (index, (transport, is_marked)) in blocks.into_iter().enumerate() {
        push(&mut tap, 0, 100, transport);
        if is_marked {
            expected.push((index as u64 * 100, transport, false));
        }
    }
    tap.reset();
    let last = blocks[blocks.len() - 1].0;
    push(&mut tap, 0, 100, last);
    push(&mut tap, 0, 100, last);
    expected.push((blocks.len() as u64 * 100, last, true));
    let (_, marks) = take_all(&mut reader);
    let found: Vec<_> = marks.iter().map(|m| (m.at, m.transport, m.reset)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_flood_of_jumps_loses_blocks_and_never_a_mark() {
    let (mut tap, mut reader) = tap(RATE_HZ);
    for block in 0..3_000 {
        push(&mut tap, 0, 2, at(block * 1_000));
    }
    let (samples, marks) = take_all(&mut reader);
    assert_eq!(samples.len() as u64 + tap.lost_frames(), 6_000);
    assert_eq!(samples.len(), 2 * marks.len());
    assert!(tap.lost_frames() > 0);
    push(&mut tap, 0, 2, at(0));
    let (_, marks) = take_all(&mut reader);
    assert_eq!(marks[0].lost_frames, tap.lost_frames());
}

#[test]
fn two_threads_agree_on_every_sample() {
    let (mut tap, mut reader) = tap(RATE_HZ);
    let total = 4_000_000;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = &done;
        let producer = scope.spawn(move || {
            // Each sample is its own position modulo 2^20, which a float holds exactly.
            let (mut n, mut size) = (0usize, 1);
            while n < total {
                let block: Vec<f32> = (n..n + size).map(|n| (n % (1 << 20)) as f32).collect();
                tap.push(&[&block[..], &block[..]], at(n as i64));
                n += size;
                size = size * 5 % 1_021 + 1;
            }
            done.store(true, Ordering::Release);
            (n as u64, tap.lost_frames())
        });
        let (mut position, mut lost, mut samples) = (0u64, 0, Vec::new());
        loop {
            let ended = done.load(Ordering::Acquire);
            samples.clear();
            let mark = reader.take(777, &mut samples);
            if let Some(mark) = mark {
                lost += mark.lost_frames;
                position += mark.lost_frames;
                assert_eq!(mark.transport.position, Some(position as i64));
            }
            for sample in &samples {
                assert_eq!(*sample, (position % (1 << 20)) as f32);
                position += 1;
            }
            if samples.is_empty() {
                if ended && mark.is_none() {
                    break;
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
        let (pushed, counted) = producer.join().unwrap();
        // A loss at the very end has no mark.
        assert_eq!(position - lost + counted, pushed);
        assert!(lost <= counted);
    });
}

/// A render that the host calls real time fills the ring in no time; a late reader does not.
#[test]
fn audio_that_outruns_the_clock_waits_if_asked_to() {
    let forever = Duration::from_secs(3_600);
    let total = 3 * RING_SAMPLES;
    let (mut tap, mut reader) = tap(RATE_HZ);
    thread::scope(|scope| {
        let producer = scope.spawn(move || {
            for from in (0..total).step_by(1_000) {
                tap.push_exact(&[[0.5; 1_000]], at(from as i64), forever);
            }
            tap
        });
        while !reader.take_waited() {
            thread::sleep(Duration::from_millis(1));
        }
        // Nobody waits any more as soon as the user says so.
        reader.set_exact(false);
        let mut tap = producer.join().unwrap();
        assert_eq!(tap.lost_frames(), (total - RING_SAMPLES) as u64);
        reader.set_exact(true);
        // Held up by a measured render, and let go by a reader that reads.
        reader.set_rendering(true);
        let producer = scope.spawn(move || {
            tap.push_exact(&[[0.5; 1_000]], at(total as i64), forever);
            tap
        });
        while !reader.take_waited() {
            thread::sleep(Duration::from_millis(1));
        }
        take_all(&mut reader);
        let tap = producer.join().unwrap();
        assert_eq!(tap.lost_frames(), (total - RING_SAMPLES) as u64);
        assert_eq!(reader.arrived_frames(), (total + 1_000) as u64);
    });
}

#[test]
fn only_an_exact_offline_render_waits_for_room() {
    let (mut tap, mut reader) = tap(RATE_HZ);
    let forever = Duration::from_secs(3_600);
    let total = 5 * RING_SAMPLES;
    thread::scope(|scope| {
        let producer = scope.spawn(move || {
            for from in (0..total).step_by(1_000) {
                let block: Vec<f32> = (from..from + 1_000).map(|n| n as f32).collect();
                let offline = Transport {
                    offline: true,
                    ..at(from as i64)
                };
                tap.push_exact(&[block], offline, forever);
            }
            tap
        });
        let mut samples = Vec::new();
        while samples.len() < total {
            reader.take(10_000, &mut samples);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(samples.iter().enumerate().all(|(n, x)| *x == n as f32));
        let mut tap = producer.join().unwrap();
        assert_eq!(tap.lost_frames(), 0);
        // In real time it does not wait, whatever the patience; nor for a reader that is gone.
        take_all(&mut reader);
        for block in 0..RING_SAMPLES as i64 / 1_000 {
            tap.push(&[[0.0; 1_000]], at(block * 1_000));
        }
        // The nine seconds that it took, on a clock of its own.
        thread::sleep(Duration::from_millis(4_600));
        for block in 0..RING_SAMPLES as i64 / 1_000 {
            tap.push_exact(&[[0.0; 1_000]], at(block * 1_000), forever);
        }
        assert_eq!(tap.lost_frames(), RING_SAMPLES as u64);
        drop(reader);
        let offline = Transport {
            offline: true,
            ..at(0)
        };
        tap.push_exact(&[[0.0; 1_000]], offline, forever);
        assert_eq!(tap.lost_frames(), RING_SAMPLES as u64 + 1_000);
    });
}
