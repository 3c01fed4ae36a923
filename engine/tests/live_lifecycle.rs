//! The engine's life: started by the first instance, ended with the last, whatever it is doing.
//! In a process of its own, since these tests hold the only instances.

#[path = "live/stage.rs"]
mod stage;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mertscope_audio::Status;
use mertscope_audio::tap::{Transport, tap};
use mertscope_live::{Controls, Hop, Live, ModelState, Request, Settings, Snapshot};
use mertscope_model::runtime;

use stage::{Stage, chord, count, faulty};

/// These tests share the process's engine one after another.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // ONNX Runtime keeps a thread of its own from here on; it must not take our encoder's name.
    runtime::load(None).unwrap();
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the system has taken this process's joined threads off its list.
#[cfg(target_os = "linux")]
fn assert_no_threads_are_left() {
    let start = Instant::now();
    while (threads("mertscope-work"), threads("mertscope-enco")) != (0, 0) {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Threads of this process whose name begins so, and its resident memory in MiB. Linux only.
#[cfg(target_os = "linux")]
fn threads(name: &str) -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|comm| comm.starts_with(name))
        .count()
}

#[cfg(target_os = "linux")]
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1024.0
}

#[test]
fn sixteen_instances_share_one_worker_one_encoder_and_one_session() {
    let _alone = alone();
    let one = Stage::exact(48_000, 1.0, Settings::default());
    #[cfg(target_os = "linux")]
    let before_mib = resident_mib();
    let mut stages: Vec<Stage> = (0..15)
        .map(|_| Stage::exact(48_000, 1.0, Settings::default()))
        .collect();
    stages.push(one);
    for stage in &mut stages {
        stage.play_chord(5.1);
    }
    for stage in &stages {
        let result = stage.wait_for_answer(5.0);
        assert_eq!(result.analyzed_windows, 1);
    }
    let lives: Vec<_> = (0..2).map(|_| Live::acquire()).collect();
    assert!(Arc::ptr_eq(&lives[0], &lives[1]));
    #[cfg(target_os = "linux")]
    {
        assert_eq!(
            (threads("mertscope-work"), threads("mertscope-enco")),
            (1, 1)
        );
        let each_mib = (resident_mib() - before_mib) / 15.0;
        println!("each further instance took {each_mib:.1} MiB");
        // A second copy of the model's session alone would take more.
        assert!(each_mib < 12.0, "{each_mib}");
    }
    drop(stages);
    drop(lives);
    #[cfg(target_os = "linux")]
    assert_no_threads_are_left();
}

#[test]
fn an_inference_without_an_end_does_not_hold_up_the_end() {
    let _alone = alone();
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        let mut stage = Stage::exact(16_000, 0.5, faulty());
        stage.wait("the model", |s| s.model.state == ModelState::Ready);
        // It would run for hours; only ending it lets this test go on.
        stage.play(&vec![5.0; 16_000]);
        stage.wait("the audio", |s| s.position_s > 0.4);
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        drop(stage);
        slowest = slowest.max(start.elapsed());
    }
    println!("slowest end during an inference: {slowest:?} (aim: 300 ms)");
}

#[test]
fn a_file_that_is_listened_to_does_not_hold_up_the_end() {
    let _alone = alone();
    for at_window in [false, true] {
        let stage = Stage::exact(48_000, 1.0, Settings::default());
        stage.stream.ask(Request::File {
            path: concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo/two-rooms.ogg").into(),
            name: "two rooms".to_owned(),
            color: [0; 3],
        });
        stage.wait("its beginning", |s| {
            let progress = s.study.file_progress.as_ref();
            progress.is_some_and(|file| !at_window || file.done_s > 0.0)
        });
        let start = Instant::now();
        drop(stage);
        println!("the end while a file is listened to: {:?}", start.elapsed());
        #[cfg(target_os = "linux")]
        {
            assert_no_threads_are_left();
            assert_eq!(threads("mertscope-file"), 0);
        }
    }
}

#[test]
fn a_thousand_changes_while_inferring_leave_nothing_behind() {
    let _alone = alone();
    let rates_hz = [44_100, 48_000, 96_000, 22_050, 8_000, 192_000];
    let audio: Vec<Vec<f32>> = rates_hz.iter().map(|rate| chord(*rate, 5.2)).collect();
    let controls = Controls {
        hop: Hop::Seconds(0.5),
        ..Controls::default()
    };
    let mut slowest = Duration::ZERO;
    let mut analyzed = 0;
    #[cfg(target_os = "linux")]
    let mut settled_mib = 0.0;
    for round in 0..20 {
        // A teardown with all threads each round, and fifty other changes within.
        let stage = Stage::loading(48_000, controls, Settings::default());
        if round % 2 == 0 {
            stage.wait("the model", |s| s.model.state == ModelState::Ready);
        }
        for cycle in 0..50 {
            let index = (round + cycle) % rates_hz.len();
            let (mut other, reader) = tap(rates_hz[index]);
            stage.stream.attach(reader);
            for block in audio[index].chunks(1 << (cycle % 14)).take(20_000) {
                other.push(&[block], Transport::LIVE_INPUT);
            }
            match cycle % 5 {
                0 => stage.stream.reset(),
                1 => stage.stream.detach(),
                2 => stage.stream.set(Settings {
                    cpu_share: 0.4,
                    ..Settings::default()
                }),
                3 => {
                    other.reset();
                    stage.controls.lock().unwrap().smoothing = cycle % 2 == 0;
                }
                _ => {
                    let result = |s: &Snapshot| count(s, Status::Ok) > 0;
                    if round % 2 == 0 && cycle == 9 {
                        stage.wait("a result", result);
                    }
                }
            }
        }
        analyzed += stage.stream.snapshot().analyzed_windows;
        let start = Instant::now();
        drop(stage);
        slowest = slowest.max(start.elapsed());
        #[cfg(target_os = "linux")]
        {
            assert_no_threads_are_left();
            if round == 4 {
                settled_mib = resident_mib();
            }
        }
    }
    assert!(analyzed > 0);
    println!("{analyzed} windows analyzed; slowest end: {slowest:?} (aim: 300 ms)");
    #[cfg(target_os = "linux")]
    {
        let grown_mib = resident_mib() - settled_mib;
        println!("memory grew by {grown_mib:.1} MiB over 750 cycles");
        // One ring at 192 kHz leaked a cycle would be 5 GiB, one session a round 500 MiB.
        assert!(grown_mib < 150.0, "{grown_mib}");
    }
}
