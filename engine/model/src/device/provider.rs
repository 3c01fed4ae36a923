//! The execution providers that ONNX Runtime may have built in. ONNX Runtime states which of them it
//! has; a provider that is built in may still fail to start.

use ort::ep::{
    self, ArbitrarilyConfigurableExecutionProvider, ExecutionProvider, ExecutionProviderDispatch,
};
use ort::session::builder::SessionBuilder;

use super::cuda::{self, Wishes};
use crate::Operators;

/// A provider that Mertscope can select.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    Cuda,
    TensorRt,
    MiGraphX,
    DirectMl,
    CoreMl,
    OpenVino,
    WebGpu,
}

impl Provider {
    /// All of them, in the order in which they are listed.
    pub(super) const ALL: [Self; 7] = [
        Self::Cuda,
        Self::TensorRt,
        Self::MiGraphX,
        Self::DirectMl,
        Self::CoreMl,
        Self::OpenVino,
        Self::WebGpu,
    ];

    /// The providers that are tried without a choice, best first. TensorRT is not among them: it builds
    /// an engine for minutes before its first window.
    pub(super) const AUTOMATIC: &[Self] = if cfg!(target_os = "macos") {
        &[Self::CoreMl, Self::WebGpu]
    } else if cfg!(windows) {
        &[Self::Cuda, Self::DirectMl, Self::OpenVino, Self::WebGpu]
    } else {
        &[Self::Cuda, Self::MiGraphX, Self::OpenVino, Self::WebGpu]
    };

    /// Its name in a [`Choice`](super::Choice).
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::MiGraphX => "migraphx",
            Self::DirectMl => "directml",
            Self::CoreMl => "coreml",
            Self::OpenVino => "openvino",
            Self::WebGpu => "webgpu",
        }
    }

    /// Its name as its makers spell it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cuda => "CUDA",
            Self::TensorRt => "TensorRT",
            Self::MiGraphX => "MIGraphX",
            Self::DirectMl => "DirectML",
            Self::CoreMl => "Core ML",
            Self::OpenVino => "OpenVINO",
            Self::WebGpu => "WebGPU",
        }
    }

    /// ONNX Runtime's name for it.
    pub(super) fn ep(self) -> &'static str {
        match self {
            Self::Cuda => ep::CUDA::NAME,
            Self::TensorRt => ep::TensorRT::NAME,
            Self::MiGraphX => ep::MIGraphX::NAME,
            Self::DirectMl => ep::DirectML::NAME,
            Self::CoreMl => ep::CoreML::NAME,
            Self::OpenVino => ep::OpenVINO::NAME,
            Self::WebGpu => ep::WebGPU::NAME,
        }
    }

    /// The provider with this name in ONNX Runtime.
    pub(super) fn with_ep(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.ep() == name)
    }

    /// The operators that it runs fast. All except CUDA lack the fused ones.
    pub(super) fn operators(self) -> Operators {
        match self {
            Self::Cuda => Operators::Fused,
            _ => Operators::Plain,
        }
    }

    /// Whether the loaded ONNX Runtime was built with it.
    pub(super) fn is_built_in(self) -> bool {
        let is_available = match self {
            Self::Cuda => ep::CUDA::is_available(),
            Self::TensorRt => ep::TensorRT::is_available(),
            Self::MiGraphX => ep::MIGraphX::is_available(),
            Self::DirectMl => ep::DirectML::is_available(),
            Self::CoreMl => ep::CoreML::is_available(),
            Self::OpenVino => ep::OpenVINO::is_available(),
            Self::WebGpu => ep::WebGPU::is_available(),
        };
        // Without an answer of ONNX Runtime's, the trial decides.
        is_available.unwrap_or(true)
    }

    /// Selects the provider; the error is ONNX Runtime's when the provider does not start.
    pub(super) fn add(
        self,
        builder: SessionBuilder,
        unit: ProcessorKind,
        index: Option<u32>,
        threads: usize,
    ) -> Result<SessionBuilder, String> {
        let number = index.unwrap_or(0);
        let device_id = number as i32;
        let cuda = || {
            let options = cuda::cuda(number, Wishes::of_environment()).into_iter();
            options.fold(ep::CUDA::default(), |provider, (key, value)| {
                provider.with_arbitrary_config(key, value)
            })
        };
        // What the provider leaves goes there before it goes to the CPU.
        let mut behind = None;
        let provider: ExecutionProviderDispatch = match self {
            Self::Cuda => cuda().build(),
            Self::TensorRt => {
                behind = Some(cuda().build().error_on_failure());
                let folder = cuda::engine_folder();
                let options = cuda::tensor_rt(number, folder.as_deref()).into_iter();
                let provider = options.fold(ep::TensorRT::default(), |provider, (key, value)| {
                    provider.with_arbitrary_config(key, value)
                });
                provider.build()
            }
            Self::MiGraphX => ep::MIGraphX::default().with_device_id(device_id).build(),
            Self::DirectMl => ep::DirectML::default().with_device_id(device_id).build(),
            Self::CoreMl => ep::CoreML::default().build(),
            Self::OpenVino => {
                let unit = match (unit, index) {
                    (ProcessorKind::Gpu, Some(index)) => format!("GPU.{index}"),
                    (ProcessorKind::Gpu, None) => "GPU".to_owned(),
                    (ProcessorKind::Cpu, _) => "CPU".to_owned(),
                };
                ep::OpenVINO::default()
                    .with_device_type(unit)
                    .with_num_threads(threads)
                    .with_precision("ACCURACY")
                    .build()
            }
            Self::WebGpu => ep::WebGPU::default().build(),
        };
        let providers = [provider.error_on_failure()].into_iter().chain(behind);
        builder
            .with_execution_providers(providers.collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    }

    /// The kinds of processors that it can run on, best first.
    pub(super) fn units(self) -> &'static [ProcessorKind] {
        match self {
            Self::OpenVino => &[ProcessorKind::Gpu, ProcessorKind::Cpu],
            _ => &[ProcessorKind::Gpu],
        }
    }
}

/// A kind of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessorKind {
    /// A graphics or neural processor.
    Gpu,
    /// The main processor.
    Cpu,
}
