//! A stream of blocks, analyzed as they come.

use std::sync::{Arc, Mutex};

use mertscope_engine::analyze::BlockAnalyzer;
use mertscope_engine::export::FileEnd;
use mertscope_engine::model::lock;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use crate::analyzer::{Analyzer, OpenAnalyzer};
use crate::errors::{self, MertscopeError};
use crate::process_bound::ProcessBound;
use crate::report;
use crate::watch::Watch;

/// One stream of blocks at one rate.
#[pyclass(frozen, module = "mertscope._native")]
pub(crate) struct Stream {
    name: String,
    open: Mutex<Option<ProcessBound<Open>>>,
}

struct Open {
    blocks: Mutex<BlockAnalyzer>,
    analyzer: Arc<OpenAnalyzer>,
}

#[pymethods]
impl Stream {
    #[new]
    fn new(py: Python<'_>, analyzer: &Analyzer, rate_hz: u32, name: String) -> PyResult<Self> {
        let open = py.detach(|| {
            let open = analyzer.open()?;
            let blocks = BlockAnalyzer::new(Arc::clone(&open.analyzer), rate_hz, &name)
                .map_err(|error| errors::of_analysis(&error))?;
            PyResult::Ok(Open {
                blocks: Mutex::new(blocks),
                analyzer: open,
            })
        })?;
        Ok(Self {
            name,
            open: Mutex::new(Some(ProcessBound::new(open))),
        })
    }

    /// Takes a block of interleaved samples; returns a line of JSON with the windows that end in it.
    fn push(
        &self,
        py: Python<'_>,
        samples: PyReadonlyArray1<'_, f32>,
        channels: usize,
    ) -> PyResult<String> {
        let samples = samples.as_slice()?.to_vec();
        py.detach(|| {
            let mut open = lock(&self.open);
            let stream = open.as_ref().and_then(ProcessBound::get);
            let stream = stream.ok_or_else(|| self.ended())?;
            let watch = Watch::new(None);
            let mut windows = Vec::new();
            let mut sink = |timed| {
                windows.push(timed);
                watch.go_on()
            };
            let pushed = lock(&stream.blocks).push(&samples, channels, &mut sink);
            let outcome = watch.outcome(pushed, |error| errors::of_analysis(&error));
            let end = FileEnd {
                duration_s: None,
                notices: Vec::new(),
                outcome: Ok(None),
            };
            let line = outcome.and_then(|()| {
                report::line(&stream.analyzer.run, &self.name, &windows, &end)
                    .map_err(errors::raised::<MertscopeError>)
            });
            if line.is_err() {
                // Windows are missing in the middle of it.
                *open = None;
            }
            line
        })
    }

    /// Ends the stream; returns the line of JSON with its summary and the windows that no block has returned.
    fn finish(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let open = lock(&self.open).take();
            let stream = open.and_then(ProcessBound::into_inner);
            let Open { blocks, analyzer } = stream.ok_or_else(|| self.ended())?;
            let blocks = blocks
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let watch = Watch::new(None);
            let mut windows = Vec::new();
            let mut sink = |timed| {
                windows.push(timed);
                watch.go_on()
            };
            let finished = blocks.finish(&mut sink);
            let end = watch.outcome(finished, |error| errors::of_analysis(&error))?;
            let end = FileEnd {
                duration_s: Some(end.duration_s),
                notices: end.notices,
                outcome: Ok(end.summary),
            };
            report::line(&analyzer.run, &self.name, &windows, &end)
                .map_err(errors::raised::<MertscopeError>)
        })
    }
}

impl Stream {
    fn ended(&self) -> PyErr {
        errors::raised::<MertscopeError>(format!(
            "The stream “{}” has ended, or it was made in the process that this one was forked from; open a new one.",
            self.name
        ))
    }
}
