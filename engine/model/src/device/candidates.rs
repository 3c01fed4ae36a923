//! The candidates of a choice on this machine: devices to try, in order, before the CPU.

use std::time::Duration;

use ort::session::builder::SessionBuilder;

use super::cuda::Wishes;
use super::library::{self, LibraryError};
use super::provider::{ProcessorKind, Provider};
use super::{Choice, Fallback, hardware};
use crate::{Operators, Precision, Runtime};

/// ONNX Runtime's name for its own CPU provider.
pub(super) const CPU: &str = "CPUExecutionProvider";

/// The time that a device may take to start; the first use of a GPU on a slow disk takes most of a minute.
const STARTING: Duration = Duration::from_secs(120);

/// The time that TensorRT and MIGraphX may take to build their engines.
const BUILDING: Duration = Duration::from_secs(1_800);

/// The time that a device may take for a window or a batch.
const RUNNING: Duration = Duration::from_secs(60);

/// A device to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The choice that selects exactly this device.
    pub(super) choice: Choice,
    /// Its name for users, such as `CUDA` or `OpenVINO on the CPU`.
    pub(super) title: String,
    /// ONNX Runtime's name for the provider.
    pub(super) ep: String,
    /// The operators that it runs fast.
    pub(crate) operators: Operators,
    /// Its precision when none is requested. Half precision is left to the user until it has been
    /// measured on the device.
    pub(crate) precision: Precision,
    route: Route,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    /// ONNX Runtime's own CPU provider.
    Cpu,
    /// A provider that ONNX Runtime may have built in.
    BuiltIn(Provider, ProcessorKind, Option<u32>),
    /// The position among the devices that ONNX Runtime lists, the kind, and the hardware's name.
    Listed(usize, ProcessorKind, String),
}

impl Candidate {
    pub(crate) fn cpu() -> Self {
        Self {
            choice: Choice::Cpu,
            title: "CPU".to_owned(),
            ep: CPU.to_owned(),
            operators: Operators::Fused,
            precision: Precision::Fp32,
            route: Route::Cpu,
        }
    }

    fn built_in(provider: Provider, unit: ProcessorKind, index: Option<u32>) -> Self {
        let unit_text = match (provider.units(), unit) {
            ([_], _) => "",
            (_, ProcessorKind::Gpu) => " on a GPU",
            (_, ProcessorKind::Cpu) => " on the CPU",
        };
        Self {
            choice: Choice::Provider {
                name: provider.id().to_owned(),
                index,
            },
            title: format!("{}{unit_text}", provider.title()),
            ep: provider.ep().to_owned(),
            operators: provider.operators(),
            precision: Precision::Fp32,
            route: Route::BuiltIn(provider, unit, index),
        }
    }

    pub(crate) fn is_cpu(&self) -> bool {
        self.route == Route::Cpu
    }

    /// The time that it may take to start, and again for its first window.
    pub(crate) fn start_limit(&self) -> Duration {
        if self.builds_per_shape() {
            BUILDING
        } else {
            STARTING
        }
    }

    /// The time after which a run that has no limit of its own counts as hanging.
    pub(crate) fn patience(&self) -> Duration {
        if self.builds_per_shape() {
            BUILDING
        } else {
            RUNNING
        }
    }

    /// Whether it compiles the graph again, for minutes, for inputs of another shape.
    pub(crate) fn builds_per_shape(&self) -> bool {
        [Provider::TensorRt.ep(), Provider::MiGraphX.ep()].contains(&self.ep.as_str())
    }

    /// Whether its products in single precision may be rounded as the user allows.
    pub(crate) fn tf32(&self) -> bool {
        let is_nvidia = [Provider::Cuda.ep(), Provider::TensorRt.ep()].contains(&self.ep.as_str());
        is_nvidia && Wishes::of_environment().tf32
    }

    /// What computes: the provider with its version and the driver, as far as the system tells. `None`
    /// where a change of the driver would not show.
    pub(crate) fn driver(&self, runtime: &Runtime) -> Option<String> {
        let built_in = match &self.route {
            Route::Cpu => return None,
            Route::BuiltIn(provider, ..) => Some(provider.id()),
            Route::Listed(..) => None,
        };
        let libraries = library::identity(runtime, built_in);
        Some(format!("{} {libraries} {}", self.ep, hardware::driver()?))
    }

    /// Whether it is a provider that this ONNX Runtime was built without.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.route, Route::BuiltIn(provider, ..) if !provider.is_built_in())
    }

    /// The device's name, when it runs.
    pub(crate) fn name(&self) -> String {
        match &self.route {
            Route::Cpu => format!("CPU ({})", hardware::processor()),
            Route::BuiltIn(provider, ProcessorKind::Cpu, _) => {
                format!("{} ({})", hardware::processor(), provider.title())
            }
            Route::BuiltIn(provider @ (Provider::Cuda | Provider::TensorRt), _, index) => {
                let card = hardware::nvidia(index.unwrap_or(0));
                let card = card.unwrap_or_else(|| "NVIDIA GPU".to_owned());
                format!("{card} ({})", provider.title())
            }
            Route::BuiltIn(provider, ..) => format!("GPU ({})", provider.title()),
            Route::Listed(_, _, hardware) => format!("{hardware} ({})", provider_title(&self.ep)),
        }
    }

    /// Selects the device; the error is ONNX Runtime's when the device does not start.
    pub(super) fn add(
        &self,
        runtime: &Runtime,
        builder: SessionBuilder,
        threads: usize,
    ) -> Result<SessionBuilder, String> {
        match &self.route {
            // Without a selection ONNX Runtime would choose among all devices of provider libraries.
            Route::Cpu => {
                let mut devices = runtime.environment.devices();
                let device = devices.find(|device| device.ep().is_ok_and(|ep| ep == CPU));
                builder
                    .with_devices(device, None)
                    .map_err(|error| error.to_string())
            }
            Route::BuiltIn(provider, unit, index) => {
                library::built_in(runtime, provider.id(), || {
                    provider.add(builder, *unit, *index, threads)
                })
            }
            Route::Listed(position, unit, _) => {
                let device = runtime.environment.devices().nth(*position);
                let options = options(&self.ep, *unit, threads);
                builder
                    .with_devices(device, Some(&options))
                    .map_err(|error| error.to_string())
            }
        }
    }
}

/// Options for a listed device. OpenVINO takes its properties as JSON text; by default it would use
/// every core, and a lower precision when the processor has one.
fn options(ep: &str, unit: ProcessorKind, threads: usize) -> Vec<(String, String)> {
    if ep == Provider::OpenVino.ep() && unit == ProcessorKind::Cpu {
        let properties = format!(
            r#"{{"CPU":{{"INFERENCE_NUM_THREADS":"{threads}","INFERENCE_PRECISION_HINT":"f32"}}}}"#
        );
        return vec![(format!("{ep}.load_config"), properties)];
    }
    Vec::new()
}

/// The devices to try, and those that can't even be tried.
pub(super) struct Trials {
    pub(super) candidates: Vec<Candidate>,
    pub(super) fallbacks: Vec<Fallback>,
}

/// The devices that `choice` means. Registers the provider libraries that are found, unless the CPU
/// was chosen.
pub(super) fn trials(runtime: &Runtime, choice: &Choice) -> Trials {
    let (candidates, mut fallbacks) = match choice {
        // A server is no device of ONNX Runtime: the CPU is the one that takes its place.
        Choice::Cpu | Choice::Remote { .. } => (Vec::new(), Vec::new()),
        Choice::Auto => {
            let fallbacks = unusable_libraries(runtime, choice);
            (automatic(runtime), fallbacks)
        }
        Choice::Provider { name, index } => {
            let fallbacks = unusable_libraries(runtime, choice);
            (named(runtime, choice, name, *index), fallbacks)
        }
    };
    let is_built_in = |name: &String| Provider::ALL.iter().any(|provider| provider.id() == name);
    if let Choice::Provider { name, .. } = choice
        && candidates.is_empty()
        && !is_built_in(name)
    {
        fallbacks.push(Fallback {
            device: choice.to_string(),
            reason: "No provider library lists a device of this name here".to_owned(),
            absent: false,
        });
    }
    Trials {
        candidates,
        fallbacks,
    }
}

/// Registers the provider libraries that are found; returns those that can't be used and matter for
/// `choice`, with the GPU build of ONNX Runtime if that was passed over.
fn unusable_libraries(runtime: &Runtime, choice: &Choice) -> Vec<Fallback> {
    let passed_over = runtime.passed_over.iter().map(|error| Fallback {
        device: "GPU build of ONNX Runtime".to_owned(),
        reason: error.to_string(),
        absent: false,
    });
    let failed = library::register_found(runtime).into_iter();
    let failed = failed
        .filter(|(name, _)| *choice == Choice::Auto || *choice == Choice::provider(name))
        .map(|(name, error)| Fallback {
            device: name,
            reason: error.to_string(),
            absent: matches!(error, LibraryError::NoDevice { .. }),
        });
    passed_over.chain(failed).collect()
}

/// The candidates of [`Choice::Auto`]: listed GPUs, then the providers that may be built in.
fn automatic(runtime: &Runtime) -> Vec<Candidate> {
    let listed = listed(runtime).into_iter();
    let gpus = listed.filter(|(_, unit, _)| *unit == ProcessorKind::Gpu);
    let built_in = Provider::AUTOMATIC.iter();
    gpus.map(|(_, _, candidate)| candidate)
        .chain(built_in.map(|provider| Candidate::built_in(*provider, ProcessorKind::Gpu, None)))
        .collect()
}

/// The candidates of a provider by name: its listed devices, then the one that may be built in.
fn named(runtime: &Runtime, choice: &Choice, name: &String, index: Option<u32>) -> Vec<Candidate> {
    let mut of_name: Vec<_> = listed(runtime)
        .into_iter()
        .filter(|(names, ..)| names.contains(name))
        .collect();
    // A GPU before a CPU; an index counts in this order.
    of_name.sort_by_key(|(_, unit, _)| *unit == ProcessorKind::Cpu);
    let is_wanted = |position: usize| index.is_none_or(|index| position == index as usize);
    let of_name = of_name.into_iter().enumerate();
    let of_name = of_name.filter(|(position, _)| is_wanted(*position));
    let listed = of_name.map(|(_, (.., candidate))| Candidate {
        choice: choice.clone(),
        ..candidate
    });
    let mut all = Provider::ALL.into_iter();
    let provider = all.find(|provider| provider.id() == name);
    let built_in = provider.into_iter().flat_map(|provider| {
        let units = provider.units().iter();
        units.map(move |unit| Candidate::built_in(provider, *unit, index))
    });
    listed.chain(built_in).collect()
}

/// The devices that ONNX Runtime lists in addition to its own CPU provider's: the names that choose
/// each, its kind, and the candidate.
pub(super) fn listed(runtime: &Runtime) -> Vec<(Vec<String>, ProcessorKind, Candidate)> {
    let devices = runtime.environment.devices().enumerate();
    devices
        .filter_map(|(position, device)| {
            let ep = device.ep().ok().filter(|ep| *ep != CPU)?;
            let provider = Provider::with_ep(ep);
            let own_name = ep.trim_end_matches("ExecutionProvider").to_lowercase();
            let names: Vec<String> = provider
                .map(|provider| provider.id().to_owned())
                .into_iter()
                .chain([own_name])
                .collect();
            let unit = hardware::unit(&device);
            let hardware_name = hardware::listed(&device);
            let candidate = Candidate {
                choice: Choice::provider(names.first()?),
                title: format!("{} on {hardware_name}", provider_title(ep)),
                ep: ep.to_owned(),
                operators: provider.map_or(Operators::Plain, Provider::operators),
                precision: Precision::Fp32,
                route: Route::Listed(position, unit, hardware_name),
            };
            Some((names, unit, candidate))
        })
        .collect()
}

fn provider_title(ep: &str) -> &str {
    let own = ep.trim_end_matches("ExecutionProvider");
    Provider::with_ep(ep).map_or(own, |provider| provider.title())
}
