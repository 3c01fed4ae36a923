use std::sync::Arc;

use super::*;
use crate::{Model, Session, SessionOptions, runtime};

fn on(device: &str) -> Session {
    let options = SessionOptions {
        threads: 1,
        device: device.parse().unwrap(),
        ..SessionOptions::default()
    };
    let model = Arc::new(Model::embedded().unwrap());
    Session::new(runtime::load(None).unwrap(), model, options).unwrap()
}

#[test]
fn the_cpu_is_named_and_nothing_is_tried_before_it() {
    let session = on("cpu");
    let report = session.device();
    assert!(report.is_cpu() && report.fallbacks.is_empty(), "{report:?}");
    assert!(
        report.name.starts_with("CPU (") && report.name.len() > 6,
        "{report:?}"
    );
    assert_eq!(
        (report.operators, report.precision),
        (Operators::Fused, Precision::Fp32)
    );
}

#[test]
fn a_provider_that_does_not_start_gives_way_to_the_cpu_with_a_reason() {
    // No build of ONNX Runtime has both: at least one of them can't start.
    let sessions = ["directml", "coreml"].map(on);
    let fell_back: Vec<_> = sessions.iter().filter(|it| it.device().is_cpu()).collect();
    assert!(!fell_back.is_empty());
    for session in fell_back {
        let report = session.device();
        let told: Vec<_> = report.to_tell().map(ToString::to_string).collect();
        assert!(
            told.iter().any(|it| it.contains("built without it")),
            "{told:?}"
        );
        assert!(told.iter().all(|it| it.ends_with('.')), "{told:?}");
        assert_ne!(report.asked, report.used);
    }
}

#[test]
fn what_nobody_offers_is_named() {
    let mut session = on("warp-drive:3");
    let report = session.device();
    assert!(report.is_cpu());
    let told: Vec<_> = report.to_tell().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("warp-drive:3"), "{told:?}");
    assert!(session.run(&vec![0.1; 80_000]).is_ok());
}

#[test]
fn nothing_is_told_of_a_machine_that_simply_has_no_gpu() {
    let session = on("auto");
    let report = session.device();
    if report.is_cpu() && report.fallbacks.iter().all(|fallback| fallback.absent) {
        assert_eq!(report.to_tell().count(), 0);
        let tried: Vec<_> = report
            .fallbacks
            .iter()
            .map(|it| it.device.as_str())
            .collect();
        assert_eq!(tried.len(), Provider::AUTOMATIC.len(), "{tried:?}");
    }
}

#[test]
fn each_offer_can_be_asked_for_once() {
    let offers = offers(runtime::load(None).unwrap());
    let choices: HashSet<_> = offers
        .iter()
        .map(|offer| offer.choice.to_string())
        .collect();
    assert_eq!(choices.len(), offers.len());
    for choice in ["auto", "cpu"] {
        assert!(choices.contains(choice));
    }
    for offer in offers {
        assert_eq!(
            offer.choice.to_string().parse::<Choice>().unwrap(),
            offer.choice
        );
        assert!(!offer.title.is_empty());
    }
}

#[test]
fn what_onnx_runtime_says_is_brought_onto_one_short_line() {
    assert_eq!(phrase("a\n\n  b.\n"), "a b");
    assert!(phrase(&"x".repeat(1000)).chars().count() < 410);
}
