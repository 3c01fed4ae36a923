//! Files analyzed into rows.

use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering;

use arrow_array::RecordBatch;
use mertscope_engine::{Analyzer, TimedResult};
use mertscope_export::AnalysisRun;

use super::{NamedFile, Watch};
use crate::analysis;
use crate::error::PartsError;
use crate::source::FileOutcome;

/// Analyzes one file after another.
#[derive(Debug, Clone, Copy)]
pub struct AnalysisWork<'a> {
    /// The model with its heads.
    pub analyzer: &'a Analyzer,
    /// Its description.
    pub run: &'a AnalysisRun,
}

impl AnalysisWork<'_> {
    /// The row of `file`, whose facts are in `outcome`; `None` when the work was stopped. A file that can't be analyzed
    /// has a row with its error.
    ///
    /// # Errors
    /// [`PartsError::Rows`], which would be a defect.
    pub fn rows(
        &self,
        file: &NamedFile<'_>,
        mut outcome: FileOutcome,
        watch: &mut Watch<'_>,
    ) -> Result<Option<RecordBatch>, PartsError> {
        let mut windows: Vec<TimedResult> = Vec::new();
        let mut summary = None;
        if outcome.error.is_none() {
            let stopped = watch.stopped;
            let mut sink = |timed| {
                if stopped.load(Ordering::Relaxed) {
                    return Err(io::Error::from(ErrorKind::Interrupted));
                }
                windows.push(timed);
                Ok(())
            };
            let streamed = file
                .open()
                .map_err(|error| error.to_string())
                .and_then(|decoder| {
                    let streamed =
                        self.analyzer
                            .stream(decoder, file.name, &mut sink, watch.progress);
                    streamed.map_err(|error| error.to_string())
                });
            match streamed {
                Ok(end) => {
                    outcome.duration_s = Some(end.duration_s);
                    outcome.notes = end.notices.into_iter().map(|notice| notice.text).collect();
                    summary = end.summary;
                }
                Err(_) if watch.is_stopped() => return Ok(None),
                Err(error) => outcome.error = Some(error),
            }
        }
        analysis::row(self.run, &outcome, &windows, summary.as_ref()).map(Some)
    }
}
