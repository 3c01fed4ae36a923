//! Several instances on one device: their windows run together, and none is lost when the device has memory
//! for two of them only.

#[path = "devices/wait.rs"]
mod wait;

use std::env::consts::{DLL_EXTENSION, DLL_PREFIX};
use std::sync::Arc;
use std::thread;

use mertscope_audio::tap::{Transport, tap};
use mertscope_live::{Controls, Hop, Live, Settings, Stream};
use mertscope_model::device::{self, Choice};
use mertscope_model::runtime;
use mertscope_tests::{provider_library, repository};

use wait::{FOREVER, wait};

const RATE_HZ: u32 = 24_000;

/// Instances. While one window runs, those of the others wait, and go together next.
const STREAMS: usize = 4;

#[test]
fn windows_of_several_instances_run_together_on_a_device_and_none_is_lost() {
    // The file stays as long as the process, which has it loaded.
    let folder = tempfile::tempdir().unwrap();
    let library = folder
        .path()
        .join(format!("{DLL_PREFIX}onnxruntime_more.{DLL_EXTENSION}"));
    std::fs::copy(provider_library(), &library).unwrap();
    device::library::register(runtime::load(None).unwrap(), &library).unwrap();
    let narrow = Choice::provider("narrow");
    let controls = Controls {
        hop: Hop::Seconds(1.0),
        ..Controls::default()
    };
    let live = Live::acquire();
    let open = |_| {
        let model = repository("tests/fixtures/checkpoints/post-group");
        let settings = Settings {
            model: model.to_str().map(str::to_owned),
            device: narrow.clone(),
            exact_offline: true,
            ..Settings::default()
        };
        live.open(settings, Arc::new(move || controls))
    };
    let streams: Vec<Stream> = (0..STREAMS).map(open).collect();
    let (taps, readers): (Vec<_>, Vec<_>) = (0..STREAMS).map(|_| tap(RATE_HZ)).unzip();
    for (stream, reader) in streams.iter().zip(readers) {
        stream.attach(reader);
        let ready = wait(stream, "the model", |s| s.model.running.is_some());
        let used = &ready.model.running.as_ref().unwrap().device.used;
        assert_eq!(*used, narrow);
    }
    thread::scope(|scope| {
        for mut tap in taps {
            scope.spawn(move || {
                let mut position = 0;
                for _ in 0..(15 * RATE_HZ as usize / 512) {
                    let sample = |n: i64| 0.3 * ((position + n) as f32 * 0.05).sin();
                    let block: Vec<f32> = (0..512).map(sample).collect();
                    let transport = Transport {
                        playing: true,
                        position: Some(position),
                        offline: true,
                    };
                    tap.push_exact(&[&block], transport, FOREVER);
                    position += 512;
                }
            });
        }
    });
    for stream in &streams {
        let after = wait(stream, "the last result", |s| s.analyzed_windows >= 10);
        assert_eq!((after.error.as_ref(), after.skipped_windows), (None, 0));
        let on = after.model.running.as_ref().unwrap().device.clone();
        assert_eq!(on.used, narrow, "{on:?}");
        let notice = on.notice.as_ref().map(|notice| notice.text.as_str());
        assert!(
            notice.is_some_and(
                |text| text.contains("windows at once (") && text.contains("out of memory")
            ),
            "{on:?}"
        );
    }
}
