//! `mertscope doctor`: what is there, what is used, what is missing and how to get it.

use mertscope_engine::model::{Encoder, Model, SessionOptions, runtime};

use crate::{own_folder, write_out};

/// Runs the command; the result says whether everything that an analysis needs works.
pub fn run() -> anyhow::Result<bool> {
    let mut healthy = true;
    write_out(|out| {
        writeln!(out, "Mertscope {}", env!("CARGO_PKG_VERSION"))?;
        let model = Model::embedded()?;
        let manifest = &model.manifest;

        writeln!(out, "\nONNX Runtime, looked for in this order:")?;
        for path in runtime::candidates(own_folder().as_deref())? {
            let found = if path.exists() {
                "found  "
            } else {
                "not there"
            };
            writeln!(out, "  {found:9}  {}", path.display())?;
        }
        let loaded = match runtime::load(own_folder().as_deref()) {
            Ok(runtime) => {
                writeln!(
                    out,
                    "  version {} is used: {}",
                    runtime.version,
                    runtime.library.display()
                )?;
                Some(runtime)
            }
            Err(error) => {
                healthy = false;
                writeln!(out, "  {error}")?;
                None
            }
        };

        writeln!(out, "\nDevices:")?;
        match loaded {
            Some(runtime) => {
                for device in runtime.devices() {
                    writeln!(out, "  {device}")?;
                }
                writeln!(out, "  inference runs on the CPU, in single precision")?;
            }
            None => writeln!(out, "  unknown without ONNX Runtime")?,
        }

        writeln!(out, "\nModels:")?;
        writeln!(out, "  {}  {} (compiled in)", manifest.id, manifest.title)?;
        for head in &model.heads {
            writeln!(
                out,
                "    head {}: {} labels, {}",
                head.task,
                head.labels.len(),
                &head.sha256[..12]
            )?;
        }
        if let Some(runtime) = loaded {
            let options = SessionOptions {
                threads: 1,
                frames: false,
            };
            match Encoder::start(runtime, model.into(), options) {
                Ok(_) => writeln!(out, "    loads and runs")?,
                Err(error) => {
                    healthy = false;
                    writeln!(out, "    {error}")?;
                }
            }
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
