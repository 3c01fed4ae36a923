//! The worker thread: drains all streams, hands one window at a time to the encoder, publishes
//! snapshots.
//!
//! It sleeps until a window can be due or a message comes, and never waits for an inference.
//! Deliberately not here: sessions, which the encoder thread owns.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::job_threads::JobThreads;
use super::models::{ModelEvent, ModelRequest, Models};
use super::schedule::Load;
use super::stream_state::{PendingWindow, StreamState};
use super::study::Request;
use super::study::background_job::JobEvent;
use super::{Settings, UpdateHook, schedule};
use mertscope_audio::tap::TapReader;
use mertscope_model::{Encoded, EncoderThread, panic_message};

/// A run is ended after the length of this many windows of its model: its result would be stale.
const OVERLONG_WINDOWS: f64 = 4.0;

/// Interval at which the worker checks for an overlong run.
const WATCH: Duration = Duration::from_millis(250);

/// A message to the worker; the number is the stream's id.
pub(super) enum Message {
    Open(u64, Box<StreamState>),
    Close(u64),
    Attach(u64, TapReader),
    Detach(u64),
    Set(u64, Settings),
    RefreshModels,
    Reset(u64),
    StartAgain(u64),
    Ask(u64, Request),
    JobEvent(u64, Box<JobEvent>),
    Hook(u64, UpdateHook),
    Model(ModelEvent),
    /// The windows that ran together, each with its stream.
    Encoded(Vec<(u64, PendingWindow, Encoded)>),
    Shutdown,
}

/// The worker's state.
pub(super) struct Worker {
    inbox: Receiver<Message>,
    answers: Sender<Message>,
    /// Declared, and so dropped, before the encoder, which does not end while a job may still use it.
    job_threads: JobThreads,
    encoder: EncoderThread,
    streams: BTreeMap<u64, StreamState>,
    models: Models,
    busy: bool,
    worker_load: WorkerLoad,
}

impl Worker {
    /// A worker that reads `inbox`; `answers` is the sender of the same channel.
    pub(super) fn new(
        inbox: Receiver<Message>,
        answers: Sender<Message>,
        encoder: EncoderThread,
    ) -> Self {
        Self {
            inbox,
            answers,
            job_threads: JobThreads::default(),
            encoder,
            streams: BTreeMap::new(),
            models: Models::default(),
            busy: false,
            worker_load: WorkerLoad::new(),
        }
    }

    /// Runs until the shutdown message.
    pub(super) fn run(mut self) {
        let mut wake = None;
        loop {
            let first = match wake {
                Some(wake) => self.inbox.recv_timeout(wake).ok(),
                None => self.inbox.recv().ok(),
            };
            let mut next = first;
            while let Some(message) = next {
                if matches!(message, Message::Shutdown) {
                    // Dropping the streams stops their background jobs.
                    self.streams.clear();
                    // As dropping the models ends the measurements of their forms.
                    self.models = Models::default();
                    return;
                }
                self.take(message);
                next = self.inbox.try_recv().ok();
            }
            let start = Instant::now();
            wake = self.tick();
            self.worker_load.add(start.elapsed());
        }
    }

    fn take(&mut self, message: Message) {
        let now = Instant::now();
        match message {
            Message::Open(id, stream) => {
                self.streams.insert(id, *stream);
                self.load_models(None);
            }
            Message::Close(id) => {
                self.streams.remove(&id);
                self.load_models(None);
            }
            Message::Attach(id, reader) => self.with(id, |stream| stream.attach(Some(reader), now)),
            Message::Detach(id) => self.with(id, |stream| stream.attach(None, now)),
            Message::Set(id, settings) => {
                self.with(id, |stream| stream.set(settings));
                let retry = self.streams.get(&id).map(StreamState::model_request);
                self.load_models(retry);
            }
            Message::RefreshModels => self.refresh_models(),
            Message::Reset(id) => self.with(id, StreamState::reset),
            Message::StartAgain(id) => self.with(id, StreamState::start_again),
            Message::Ask(id, request) => self.with(id, |stream| stream.study.ask(request)),
            Message::JobEvent(id, event) => {
                let mut is_saved = false;
                self.with(id, |stream| is_saved = stream.study.on_event(*event));
                if is_saved {
                    self.refresh_models();
                }
            }
            Message::Hook(id, hook) => self.with(id, |stream| stream.hook = Some(hook)),
            Message::Model(ModelEvent::Refreshed(request, package)) => {
                self.models.refreshed(&request, package);
            }
            Message::Model(ModelEvent::Opened(request, result)) => {
                self.models.opened(&request, *result, &self.encoder);
                self.load_models(None);
                let report = self.model_report();
                if let Some(measure) = self.models.measurement(&request, report) {
                    // Without a thread the model runs as it does.
                    let _ = self.job_threads.run("forms", measure);
                }
            }
            Message::Model(ModelEvent::Measured(request)) => {
                let report = self.model_report();
                self.models.reopen(&request, &self.encoder, report);
            }
            Message::Encoded(windows) => {
                self.busy = false;
                for (id, pending, encoded) in windows {
                    let took_s = encoded.took.as_secs_f64();
                    if let Some(device) = &encoded.device {
                        self.models.runs_on(pending.session, device);
                    }
                    if encoded.hidden.is_ok() {
                        self.models.measured(pending.session, took_s);
                    }
                    self.with(id, |stream| stream.finish(&pending, encoded, now));
                }
            }
            Message::Shutdown => {}
        }
    }

    /// Runs `body` on a stream, if it is still open. A panic is shown in its snapshot.
    fn with(&mut self, id: u64, body: impl FnOnce(&mut StreamState)) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        contained(stream, body);
    }

    /// A function that sends a model's events to this thread.
    fn model_report(&self) -> impl Fn(ModelEvent) + Clone + Send + use<> {
        let answers = self.answers.clone();
        move |event| {
            // The worker outlives the encoder.
            let _ = answers.send(Message::Model(event));
        }
    }

    /// Loads changes of the user's heads and maps.
    fn refresh_models(&self) {
        self.models.refresh(&self.encoder, &self.model_report());
    }

    /// Loads the models that streams request, and frees all others. `retry` is tried again if it is
    /// missing; that disturbs no stream with another model.
    fn load_models(&mut self, retry: Option<ModelRequest>) {
        let requests = self.streams.values().map(StreamState::model_request);
        let mut requests: Vec<ModelRequest> = requests.collect();
        let missing = requests
            .iter()
            .filter(|request| self.models.is_missing(request));
        let fallbacks: Vec<ModelRequest> = missing.map(ModelRequest::fallback).collect();
        requests.extend(fallbacks);
        let retried: Vec<ModelRequest> =
            retry.map_or_else(Vec::new, |request| vec![request.fallback(), request]);
        self.models
            .keep(&self.encoder, |other| requests.contains(other));
        for (n, request) in requests.iter().enumerate() {
            if !requests[..n].contains(request) {
                let retry = retried.contains(request);
                let report = self.model_report();
                self.models.request(request, retry, &self.encoder, report);
            }
        }
    }

    /// Polls all streams and returns the time until the next tick; `None` until a message comes.
    fn tick(&mut self) -> Option<Duration> {
        self.encoder.interrupt().end_overlong();
        let now = Instant::now();
        let models = &self.models;
        let usual_s = self
            .streams
            .values()
            .filter(|stream| stream.is_active())
            .filter_map(|stream| Some(stream.loaded(models)?.usual_s));
        let load = Load {
            round_s: usual_s.sum(),
            worker_share: self.worker_load.share,
        };
        self.start_jobs();
        for stream in self.streams.values_mut() {
            contained(stream, |stream| stream.poll(now, &self.models, load));
        }
        self.dispatch();
        for stream in self.streams.values_mut() {
            if stream.publish()
                && let Some(hook) = stream.hook.clone()
            {
                contained(stream, |_| hook());
            }
        }
        let wake = self
            .streams
            .values()
            .filter_map(|stream| stream.wake(now))
            .min();
        if self.busy {
            return Some(wake.map_or(WATCH, |wake| wake.min(WATCH)));
        }
        wake
    }

    /// Starts the streams' background jobs on job threads.
    fn start_jobs(&mut self) {
        for (id, stream) in &mut self.streams {
            while let Some(job) = stream.next_job() {
                let (id, answers) = (*id, self.answers.clone());
                let kind = job.kind();
                let report = move |event| {
                    // Sending fails only without a worker, which needs no events.
                    let _ = answers.send(Message::JobEvent(id, Box::new(event)));
                };
                let Some(jobs) = self.encoder.jobs() else {
                    return;
                };
                let body = move || job.run(&jobs, &report);
                if let Err(error) = self.job_threads.run(kind.name(), body) {
                    let reason = format!(
                        "The system could not start another thread ({error}). Close some programs \
                         and try again."
                    );
                    stream.study.on_event(kind.failed(reason));
                }
            }
        }
    }

    /// Hands the most urgent window to the encoder, if it is free, and with it those that wait for the same
    /// session, as far as its device runs them at once.
    fn dispatch(&mut self) {
        if self.busy {
            return;
        }
        let waiting = |(id, stream): (&u64, &StreamState)| {
            let pending = stream.pending.as_ref()?;
            Some((*id, pending.deadline, pending.session))
        };
        let waiting: Vec<_> = self.streams.iter().filter_map(waiting).collect();
        let together = schedule::together(waiting, |session| self.models.at_once(session));
        let mut limit = None;
        let mut windows = Vec::new();
        for id in together {
            let Some(stream) = self.streams.get_mut(&id) else {
                continue;
            };
            let pending = stream.pending.take();
            let (Some(pending), Some(loaded)) = (pending, stream.loaded(&self.models)) else {
                continue;
            };
            let limit_s = loaded.package.model.manifest.window_s() * OVERLONG_WINDOWS;
            limit = Some(Duration::from_secs_f64(limit_s));
            windows.push((id, pending));
        }
        let Some((_, first)) = windows.first() else {
            return;
        };
        let session = first.session;
        let samples = windows.iter_mut();
        let samples =
            samples.map(|(_, pending)| std::mem::take(&mut pending.positioned.window.samples));
        let samples: Vec<_> = samples.collect();
        let answers = self.answers.clone();
        self.busy = true;
        self.encoder.live(move |sessions| {
            let encoded = sessions.encode_together(session, samples, limit);
            let windows = windows.into_iter().zip(encoded);
            let windows = windows.map(|((id, pending), encoded)| (id, pending, encoded));
            // The worker outlives the encoder.
            let _ = answers.send(Message::Encoded(windows.collect()));
        });
    }
}

/// The share of a core that the worker itself takes, measured over periods of some seconds.
struct WorkerLoad {
    since: Instant,
    worked: Duration,
    share: f64,
}

impl WorkerLoad {
    const PERIOD: Duration = Duration::from_secs(2);

    fn new() -> Self {
        Self {
            since: Instant::now(),
            worked: Duration::ZERO,
            share: 0.0,
        }
    }

    fn add(&mut self, worked: Duration) {
        self.worked += worked;
        let period = self.since.elapsed();
        if period >= Self::PERIOD {
            self.share = self.worked.as_secs_f64() / period.as_secs_f64();
            self.worked = Duration::ZERO;
            self.since = Instant::now();
        }
    }
}

/// Runs `body`; a panic is shown in the stream's snapshot, and the worker goes on.
fn contained(stream: &mut StreamState, body: impl FnOnce(&mut StreamState)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(stream))) {
        stream.fail(format!(
            "A window could not be analyzed, because of an error in Mertscope: {}. Please report \
             it.",
            panic_message(&*panic)
        ));
    }
}
