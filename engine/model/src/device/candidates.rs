//! What a choice stands for on this machine: devices to be tried, in order, before the CPU.

use ort::session::builder::SessionBuilder;

use super::library::{self, LibraryError};
use super::provider::{Provider, Unit};
use super::{Choice, Fallback, hardware};
use crate::{Operators, Precision, Runtime};

/// ONNX Runtime's name for its own CPU provider.
pub(super) const CPU: &str = "CPUExecutionProvider";

/// A device to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// What asks for just this.
    pub(super) choice: Choice,
    /// In words, such as `CUDA` or `OpenVINO on the CPU`.
    pub(super) title: String,
    /// ONNX Runtime's name for the provider.
    pub(super) ep: String,
    /// The operators that it runs fast.
    pub(crate) operators: Operators,
    /// The arithmetic that it is given when nothing is asked for. Half precision is left to the
    /// user until it has been measured on the device.
    pub(crate) precision: Precision,
    route: Route,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    /// ONNX Runtime's own CPU provider.
    Cpu,
    /// A provider that ONNX Runtime may have built in.
    BuiltIn(Provider, Unit, Option<u32>),
    /// The so manieth of the devices that ONNX Runtime lists, and what it is called.
    Listed(usize, Unit, String),
}

impl Candidate {
    pub(super) fn cpu() -> Self {
        Self {
            choice: Choice::Cpu,
            title: "CPU".to_owned(),
            ep: CPU.to_owned(),
            operators: Operators::Fused,
            precision: Precision::Fp32,
            route: Route::Cpu,
        }
    }

    fn built_in(provider: Provider, unit: Unit, index: Option<u32>) -> Self {
        let unit_text = match (provider.units(), unit) {
            ([_], _) => "",
            (_, Unit::Gpu) => " on a GPU",
            (_, Unit::Cpu) => " on the CPU",
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

    pub(super) fn is_cpu(&self) -> bool {
        self.route == Route::Cpu
    }

    /// Whether it is a provider that this ONNX Runtime was built without.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.route, Route::BuiltIn(provider, ..) if !provider.is_built_in())
    }

    /// The device's name, once it runs.
    pub(super) fn name(&self) -> String {
        match &self.route {
            Route::Cpu => format!("CPU ({})", hardware::processor()),
            Route::BuiltIn(provider, Unit::Cpu, _) => {
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

    /// Asks for the device; the error is what ONNX Runtime says when it does not start.
    pub(super) fn add(
        &self,
        runtime: &Runtime,
        builder: SessionBuilder,
        threads: usize,
    ) -> Result<SessionBuilder, String> {
        match &self.route {
            // Left alone, ONNX Runtime would choose among all that provider libraries list.
            Route::Cpu => {
                let mut devices = runtime.environment.devices();
                let device = devices.find(|device| device.ep().is_ok_and(|ep| ep == CPU));
                builder
                    .with_devices(device, None)
                    .map_err(|error| error.to_string())
            }
            Route::BuiltIn(provider, unit, index) => provider.add(builder, *unit, *index, threads),
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

/// Options for a listed device. OpenVINO takes its properties in a text of JSON; by default it
/// would use every core, and shorter numbers where the processor has them.
fn options(ep: &str, unit: Unit, threads: usize) -> Vec<(String, String)> {
    if ep == Provider::OpenVino.ep() && unit == Unit::Cpu {
        let properties = format!(
            r#"{{"CPU":{{"INFERENCE_NUM_THREADS":"{threads}","INFERENCE_PRECISION_HINT":"f32"}}}}"#
        );
        return vec![(format!("{ep}.load_config"), properties)];
    }
    Vec::new()
}

/// What is to be tried, and what can't even be tried.
pub(super) struct Trials {
    pub(super) candidates: Vec<Candidate>,
    pub(super) fallbacks: Vec<Fallback>,
}

/// What `choice` stands for. Registers the provider libraries that are found, unless the CPU was
/// chosen.
pub(super) fn trials(runtime: &Runtime, choice: &Choice) -> Trials {
    let mut trials = Trials {
        candidates: Vec::new(),
        fallbacks: Vec::new(),
    };
    if *choice != Choice::Cpu {
        if let Some(error) = &runtime.passed_over {
            trials.fallbacks.push(Fallback {
                device: "GPU build of ONNX Runtime".to_owned(),
                reason: error.to_string(),
                absent: false,
            });
        }
        let failed = library::register_found(runtime).into_iter();
        trials.fallbacks.extend(
            failed
                .filter(|(name, _)| *choice == Choice::Auto || *choice == Choice::provider(name))
                .map(|(name, error)| Fallback {
                    device: name,
                    reason: error.to_string(),
                    absent: matches!(error, LibraryError::NoDevice { .. }),
                }),
        );
    }
    match choice {
        Choice::Cpu => {}
        Choice::Auto => {
            let gpus = listed(runtime)
                .into_iter()
                .filter(|(_, unit, _)| *unit == Unit::Gpu);
            trials
                .candidates
                .extend(gpus.map(|(_, _, candidate)| candidate));
            let built_in = Provider::AUTOMATIC.iter();
            trials
                .candidates
                .extend(built_in.map(|provider| Candidate::built_in(*provider, Unit::Gpu, None)));
        }
        Choice::Provider { name, index } => {
            let mut of_name: Vec<_> = listed(runtime)
                .into_iter()
                .filter(|(names, ..)| names.contains(name))
                .collect();
            // A GPU before a CPU, unless one is asked for by number.
            of_name.sort_by_key(|(_, unit, _)| *unit == Unit::Cpu);
            let wanted = |position: usize| index.is_none_or(|index| position == index as usize);
            let of_name = of_name.into_iter().enumerate();
            trials
                .candidates
                .extend(of_name.filter(|(position, _)| wanted(*position)).map(
                    |(_, (.., candidate))| Candidate {
                        choice: choice.clone(),
                        ..candidate
                    },
                ));
            let provider = Provider::ALL
                .into_iter()
                .find(|provider| provider.id() == name);
            if let Some(provider) = provider {
                let units = provider.units().iter();
                trials
                    .candidates
                    .extend(units.map(|unit| Candidate::built_in(provider, *unit, *index)));
            } else if trials.candidates.is_empty() {
                trials.fallbacks.push(Fallback {
                    device: choice.to_string(),
                    reason: "No provider library lists a device of this name here".to_owned(),
                    absent: false,
                });
            }
        }
    }
    trials
}

/// The devices that ONNX Runtime lists beside its own CPU provider's: the names that choose each,
/// what it is, and how it is tried.
pub(super) fn listed(runtime: &Runtime) -> Vec<(Vec<String>, Unit, Candidate)> {
    let devices = runtime.environment.devices().enumerate();
    devices
        .filter_map(|(position, device)| {
            let ep = device.ep().ok().filter(|ep| *ep != CPU)?;
            let known = Provider::with_ep(ep);
            let own_name = ep.trim_end_matches("ExecutionProvider").to_lowercase();
            let names: Vec<String> = known
                .map(|provider| provider.id().to_owned())
                .into_iter()
                .chain([own_name])
                .collect();
            let unit = hardware::unit(&device);
            let called = hardware::listed(&device);
            let candidate = Candidate {
                choice: Choice::provider(names.first()?),
                title: format!("{} on {called}", provider_title(ep)),
                ep: ep.to_owned(),
                operators: known.map_or(Operators::Plain, Provider::operators),
                precision: Precision::Fp32,
                route: Route::Listed(position, unit, called),
            };
            Some((names, unit, candidate))
        })
        .collect()
}

fn provider_title(ep: &str) -> &str {
    let own = ep.trim_end_matches("ExecutionProvider");
    Provider::with_ep(ep).map_or(own, |provider| provider.title())
}
