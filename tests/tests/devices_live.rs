//! A device is lost while music plays. The test is alone in its process, where the device stays lost.

#[path = "devices/wait.rs"]
mod wait;

use std::sync::Arc;

use mertscope_audio::tap::{Transport, tap};
use mertscope_live::{Controls, Hop, Live, Settings, Snapshot};
use mertscope_model::device::{self, Choice};
use mertscope_model::runtime;
use mertscope_tests::{provider_library, repository};

use wait::{FOREVER, wait};

/// The sample rate of the tiny model of three layers, of which two are products.
const RATE_HZ: u32 = 24_000;

#[test]
fn a_lost_device_is_replaced_by_the_cpu_and_reported_in_the_snapshot() {
    device::library::register(runtime::load(None).unwrap(), &provider_library()).unwrap();
    let stumbling = Choice::provider("stumbling");
    let settings = Settings {
        model: repository("tests/fixtures/tiny")
            .to_str()
            .map(str::to_owned),
        device: stumbling.clone(),
        exact_offline: true,
        ..Settings::default()
    };
    let controls = Controls {
        hop: Hop::Seconds(0.5),
        ..Controls::default()
    };
    let stream = Live::acquire().open(settings, Arc::new(move || controls));
    let (mut tap, reader) = tap(RATE_HZ);
    stream.attach(reader);
    let running = |s: &Snapshot| s.model.running.clone();
    let ready = wait(&stream, "the model", |s| running(s).is_some());
    let running_on = running(&ready).unwrap();
    assert_eq!(running_on.device.used, stumbling, "{:?}", running_on.device);
    assert!(
        running_on
            .devices
            .iter()
            .any(|offer| offer.choice == stumbling)
    );

    // Loud enough for a product above 1.
    let mut position = 0;
    for _ in 0..(20 * RATE_HZ as usize / 512) {
        let block: Vec<f32> = (0..512)
            .map(|n| 0.9 * ((position + n) as f32 * 0.05).sin())
            .collect();
        let transport = Transport {
            playing: true,
            position: Some(position),
            offline: true,
        };
        tap.push_exact(&[&block], transport, FOREVER);
        position += 512;
    }
    let after = wait(&stream, "a result", |s| s.analyzed_windows > 0);
    let on = running(&after).unwrap().device;
    assert!(on.is_cpu() && on.asked == stumbling, "{on:?}");
    let messages: Vec<_> = on.notable_fallbacks().map(ToString::to_string).collect();
    assert!(
        messages.len() == 1 && messages[0].contains("the device was lost"),
        "{messages:?}"
    );
    // The window that lost the device has a result too.
    assert_eq!(after.error, None);
}
