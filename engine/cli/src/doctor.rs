//! `mertscope doctor`: installed, used and missing parts, with the remedies.

mod devices;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use mertscope_heads::package::ModelPackage;
use mertscope_hub::{Library, OfferState};
use mertscope_model::{DEFAULT_MOST_ERR, Encoder, Runtime, SessionOptions, measured_form, runtime};

use crate::{own_folder, write_out};

/// Runs the command; `true` when everything that an analysis needs works.
pub(crate) fn run(device_limit: Duration) -> anyhow::Result<bool> {
    let mut healthy = true;
    write_out(|out| {
        writeln!(out, "Mertscope {}", env!("CARGO_PKG_VERSION"))?;
        let package = Arc::new(ModelPackage::embedded()?);

        writeln!(out, "\nONNX Runtime, searched in this order:")?;
        let loaded = runtime(out)?;

        writeln!(out, "\nDevices, each tried with the embedded model:")?;
        match loaded {
            Some(runtime) => devices::try_all(out, runtime, &package.model, device_limit)?,
            None => writeln!(out, "  unknown without ONNX Runtime")?,
        }

        writeln!(out, "\nModels:")?;
        healthy = models(out, loaded, &package)? && loaded.is_some();
        if let Some(runtime) = loaded {
            published(out, runtime)?;
        }
        let verdict = if healthy {
            "Everything that an analysis needs is there."
        } else {
            "Something is missing: see above."
        };
        writeln!(out, "\n{verdict}")?;
        Ok(())
    })?;
    Ok(healthy)
}

/// Lists the places of ONNX Runtime and returns the one in use.
fn runtime(out: &mut dyn Write) -> anyhow::Result<Option<&'static Runtime>> {
    for path in runtime::candidates(own_folder().as_deref())? {
        let found = if path.exists() {
            "found  "
        } else {
            "not there"
        };
        writeln!(out, "  {found:9}  {}", path.display())?;
    }
    match runtime::load(own_folder().as_deref()) {
        Ok(runtime) => {
            if let Some(error) = &runtime.passed_over {
                writeln!(out, "  passed over: {error}")?;
            }
            let (version, library) = (&runtime.version, runtime.library.display());
            writeln!(out, "  version {version} is used: {library}")?;
            Ok(Some(runtime))
        }
        Err(error) => {
            writeln!(out, "  {error}")?;
            Ok(None)
        }
    }
}

/// Describes the embedded model with its heads; `true` when it runs.
fn models(
    out: &mut dyn Write,
    loaded: Option<&'static Runtime>,
    package: &Arc<ModelPackage>,
) -> anyhow::Result<bool> {
    let manifest = &package.model.manifest;
    writeln!(out, "  {}  {} (compiled in)", manifest.id, manifest.title)?;
    for head in &package.heads {
        let (task, labels, sha256) = (&head.task, head.labels.len(), &head.sha256[..12]);
        writeln!(out, "    head {task}: {labels} labels, {sha256}")?;
    }
    let Some(runtime) = loaded else {
        return Ok(false);
    };
    let options = SessionOptions {
        threads: 1,
        ..SessionOptions::default()
    };
    match Encoder::start(runtime, Arc::clone(&package.model), options) {
        Ok(encoder) => {
            writeln!(out, "    loads and runs on the {}", encoder.device().name)?;
            Ok(true)
        }
        Err(error) => {
            writeln!(out, "    {error}")?;
            Ok(false)
        }
    }
}

/// Describes the installed models, with the form in which each runs live on this CPU.
fn published(out: &mut dyn Write, runtime: &Runtime) -> anyhow::Result<()> {
    let offers = Library::shared()?.list();
    let is_installed = |state: &OfferState| matches!(state, OfferState::Installed(_));
    for offer in offers.iter().filter(|offer| is_installed(&offer.state)) {
        let id = &offer.entry.id;
        writeln!(out, "  {id}  installed")?;
        let package = match ModelPackage::find(Some(id)) {
            Ok(package) => package,
            Err(error) => {
                writeln!(out, "    {error}")?;
                continue;
            }
        };
        let layers = package.layers_in_use();
        let form = match measured_form(runtime, &package.model, &layers, DEFAULT_MOST_ERR) {
            Some((precision, Some(err))) => format!("{}, err {err:.2}", precision.id()),
            Some((precision, None)) => {
                format!(
                    "{}, no 8-bit form has an err within {DEFAULT_MOST_ERR}",
                    precision.id()
                )
            }
            None => "its 8-bit forms are measured when it first runs live".to_owned(),
        };
        writeln!(out, "    live on the CPU: {form}")?;
    }
    Ok(())
}
