//! One stream of windows on its way through the encoder: results in order, and what is kept of them for the end.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};

use mertscope_audio::Status;
use mertscope_audio::windower::Window;
use mertscope_heads::interpreter::Interpreter;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::summary::RunningSummary;
use mertscope_heads::timeline::{TimedResult, Timeline};
use mertscope_model::device::Report;
use mertscope_model::{EncodeError, Encoded, Encoder, Job};

/// Takes the results of windows, in order; an error ends the analysis.
pub(super) type Sink<'a> = &'a mut dyn FnMut(TimedResult) -> io::Result<()>;

/// What is kept of the windows.
pub(super) struct Counts {
    pub(super) windows: u64,
    pub(super) silent: u64,
    pub(super) summary: RunningSummary,
    /// Why the first of the windows failed that did.
    pub(super) failed: Option<EncodeError>,
    /// The device that ran the last window.
    pub(super) device: Arc<Report>,
}

/// Windows in order, with or without a result to come.
pub(super) struct Run {
    interpreter: Interpreter,
    rate_hz: f64,
    reply: Sender<Encoded>,
    replies: Receiver<Encoded>,
    /// Windows that were not handed on yet, oldest first.
    pending: VecDeque<(f64, f64, Status)>,
    counts: Counts,
}

impl Run {
    /// A run at the start of a stream; `empty` is the timeline of no window.
    pub(super) fn new(
        package: &ModelPackage,
        encoder: &Encoder,
        empty: Timeline,
        smoothing: bool,
    ) -> Self {
        let (reply, replies) = unbounded();
        Self {
            interpreter: Interpreter::new(package, smoothing),
            rate_hz: f64::from(package.model.manifest.sample_rate_hz),
            reply,
            replies,
            pending: VecDeque::new(),
            counts: Counts {
                windows: 0,
                silent: 0,
                summary: RunningSummary::new(empty.genre_labels, empty.confidence),
                failed: None,
                device: Arc::clone(encoder.device()),
            },
        }
    }

    /// Takes the next window; hands on the results that are there.
    pub(super) fn take(
        &mut self,
        encoder: &Encoder,
        window: Window,
        sink: Sink<'_>,
    ) -> io::Result<()> {
        let start_s = window.start as f64 / self.rate_hz;
        let end_s = (window.start + window.samples.len() as u64) as f64 / self.rate_hz;
        self.pending.push_back((start_s, end_s, window.status));
        if window.status == Status::Ok {
            encoder.submit(Job {
                samples: window.samples,
                reply: self.reply.clone(),
            });
        }
        while let Ok(encoded) = self.replies.try_recv() {
            self.place(encoded, sink)?;
        }
        self.place_skipped(sink)
    }

    /// Hands on a result, and the skipped windows before it.
    fn place(&mut self, encoded: Encoded, sink: Sink<'_>) -> io::Result<()> {
        self.place_skipped(sink)?;
        let Some((start_s, end_s, _)) = self.pending.pop_front() else {
            return Ok(());
        };
        if let Some(device) = encoded.device {
            self.counts.device = device;
        }
        let (status, result) = match encoded.hidden {
            Ok(hidden) => (Status::Ok, Some(self.interpreter.interpret(&hidden, end_s))),
            Err(error) => {
                self.counts.failed.get_or_insert(error);
                (Status::Failed, None)
            }
        };
        let timed = TimedResult {
            start_s,
            end_s,
            status,
            result,
        };
        self.hand_on(timed, sink)
    }

    fn place_skipped(&mut self, sink: Sink<'_>) -> io::Result<()> {
        while let Some((start_s, end_s, status)) = self.pending.front().copied() {
            if status == Status::Ok {
                break;
            }
            self.pending.pop_front();
            let timed = TimedResult {
                start_s,
                end_s,
                status,
                result: None,
            };
            self.hand_on(timed, sink)?;
        }
        Ok(())
    }

    fn hand_on(&mut self, timed: TimedResult, sink: Sink<'_>) -> io::Result<()> {
        self.counts.windows += 1;
        self.counts.silent += u64::from(timed.status == Status::Silent);
        self.counts.summary.add(&timed);
        sink(timed)
    }

    /// Waits for the results of all windows so far.
    pub(super) fn settle(&mut self, sink: Sink<'_>) -> io::Result<()> {
        while self
            .pending
            .iter()
            .any(|(.., status)| *status == Status::Ok)
        {
            let Ok(encoded) = self.replies.recv() else {
                break;
            };
            self.place(encoded, sink)?;
        }
        self.place_skipped(sink)
    }

    /// Waits for the last results.
    pub(super) fn finish(mut self, sink: Sink<'_>) -> io::Result<Counts> {
        self.settle(sink)?;
        Ok(self.counts)
    }
}
