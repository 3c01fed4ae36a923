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
        let notable: Vec<_> = report
            .notable_fallbacks()
            .map(ToString::to_string)
            .collect();
        assert!(
            notable.iter().any(|it| it.contains("built without it")),
            "{notable:?}"
        );
        assert!(notable.iter().all(|it| it.ends_with('.')), "{notable:?}");
        assert_ne!(report.asked, report.used);
    }
}

#[test]
fn an_unknown_device_is_named() {
    let mut session = on("warp-drive:3");
    let report = session.device();
    assert!(report.is_cpu());
    let notable: Vec<_> = report
        .notable_fallbacks()
        .map(ToString::to_string)
        .collect();
    assert_eq!(notable.len(), 1, "{notable:?}");
    assert!(notable[0].contains("warp-drive:3"), "{notable:?}");
    assert!(session.run(&vec![0.1; 80_000]).is_ok());
}

#[test]
fn a_machine_without_a_gpu_has_no_notable_fallbacks() {
    let session = on("auto");
    let report = session.device();
    if report.is_cpu() && report.fallbacks.iter().all(|fallback| fallback.absent) {
        assert_eq!(report.notable_fallbacks().count(), 0);
        let tried: Vec<_> = report
            .fallbacks
            .iter()
            .map(|it| it.device.as_str())
            .collect();
        assert_eq!(tried.len(), Provider::AUTOMATIC.len(), "{tried:?}");
    }
}

#[test]
fn each_offer_has_its_own_choice() {
    let offers = offers(runtime::load(None).unwrap());
    let choices: HashSet<_> = offers
        .iter()
        .map(|offer| offer.choice.to_string())
        .collect();
    assert_eq!(choices.len(), offers.len());
    // The window and the doctor name the automatic choice themselves.
    assert!(choices.contains("cpu") && !choices.contains("auto"));
    for offer in offers {
        assert_eq!(
            offer.choice.to_string().parse::<Choice>().unwrap(),
            offer.choice
        );
        assert!(!offer.title.is_empty());
    }
}

#[test]
fn messages_of_onnx_runtime_become_one_short_line_that_keeps_the_reason() {
    assert_eq!(phrase("a\n\n  b.\n"), "a b");
    let long = format!("{} the reason.", "x".repeat(1000));
    let short = phrase(&long);
    assert!(short.chars().count() < 610, "{short}");
    assert!(
        short.starts_with('…') && short.ends_with("the reason"),
        "{short}"
    );
    // As ONNX Runtime 1.31.1 says it where cuBLAS is missing.
    let missing = "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 \
        onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : \
        Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot \
        open shared object file: No such file or directory\n";
    assert_eq!(
        phrase(missing),
        "Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: \
         cannot open shared object file: No such file or directory"
    );
    // From ONNX Runtime's source: core/providers/cuda/cuda_call.cc.
    let cuda = "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:129 \
        std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, \
        const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; \
        bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] \
        CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=studio ; \
        file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=282 ; \
        expr=cudaSetDevice(info_.device_id);";
    assert!(
        phrase(cuda).starts_with("CUDA failure 100: no CUDA-capable device is detected"),
        "{}",
        phrase(cuda)
    );
}
