//! The worker thread: drains all streams, hands one window at a time to the encoder, publishes.
//!
//! It sleeps until a window can be due or somebody says something, and never waits for an
//! inference. Deliberately not here: sessions, which the encoder thread owns.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::aside::Aside;
use super::models::{ModelEvent, Models, Wanted};
use super::schedule::Load;
use super::study::Request;
use super::study::errand::News;
use super::track::{Due, Track};
use super::{Settings, UpdateHook, schedule};
use mertscope_audio::capture::Drain;
use mertscope_model::{Encoded, EncoderThread, panic_message};

/// A run is given up after this many of the model's windows: its result would be history.
const OVERLONG_WINDOWS: f64 = 4.0;

/// While a run is in progress the worker looks this often whether it is overlong.
const WATCH: Duration = Duration::from_millis(250);

/// What the worker is told.
pub(super) enum Message {
    Open(u64, Box<Track>),
    Close(u64),
    Attach(u64, Drain),
    Detach(u64),
    Set(u64, Settings),
    LookAgain,
    Reset(u64),
    Ask(u64, Request),
    News(u64, Box<News>),
    Hook(u64, UpdateHook),
    Model(ModelEvent),
    Encoded(u64, Box<Due>, Encoded),
    Shutdown,
}

/// The worker's state.
pub(super) struct Worker {
    inbox: Receiver<Message>,
    answers: Sender<Message>,
    /// Before the encoder, which does not end while a job may still come from there.
    aside: Aside,
    encoder: EncoderThread,
    tracks: BTreeMap<u64, Track>,
    models: Models,
    busy: bool,
    effort: Effort,
}

impl Worker {
    /// A worker that reads `inbox`; `answers` is the other end of the same channel.
    pub(super) fn new(
        inbox: Receiver<Message>,
        answers: Sender<Message>,
        encoder: EncoderThread,
    ) -> Self {
        Self {
            inbox,
            answers,
            aside: Aside::default(),
            encoder,
            tracks: BTreeMap::new(),
            models: Models::default(),
            busy: false,
            effort: Effort::new(),
        }
    }

    /// Runs until told to shut down.
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
                    // What works for them beside this thread is told to stop.
                    self.tracks.clear();
                    return;
                }
                self.take(message);
                next = self.inbox.try_recv().ok();
            }
            let start = Instant::now();
            wake = self.tick();
            self.effort.add(start.elapsed());
        }
    }

    fn take(&mut self, message: Message) {
        let now = Instant::now();
        match message {
            Message::Open(id, track) => {
                self.tracks.insert(id, *track);
                self.provide(None);
            }
            Message::Close(id) => {
                self.tracks.remove(&id);
                self.provide(None);
            }
            Message::Attach(id, drain) => self.with(id, |track| track.attach(Some(drain), now)),
            Message::Detach(id) => self.with(id, |track| track.attach(None, now)),
            Message::Set(id, settings) => {
                self.with(id, |track| track.set(settings));
                let again = self.tracks.get(&id).map(Track::wanted);
                self.provide(again);
            }
            Message::LookAgain => self.look_again(),
            Message::Reset(id) => self.with(id, Track::reset),
            Message::Ask(id, request) => self.with(id, |track| track.desk.ask(request)),
            Message::News(id, news) => {
                let mut is_saved = false;
                self.with(id, |track| is_saved = track.desk.hear_of(*news));
                if is_saved {
                    self.look_again();
                }
            }
            Message::Hook(id, hook) => self.with(id, |track| track.hook = Some(hook)),
            Message::Model(ModelEvent::Renewed(wanted, package)) => {
                self.models.renewed(&wanted, package);
            }
            Message::Model(ModelEvent::Opened(wanted, result)) => {
                self.models.opened(&wanted, *result, &self.encoder);
                self.provide(None);
            }
            Message::Encoded(id, due, encoded) => {
                self.busy = false;
                let took_s = encoded.took.as_secs_f64();
                if let Some(device) = &encoded.device {
                    self.models.runs_on(due.session, device);
                }
                if encoded.hidden.is_ok() {
                    self.models.measured(due.session, took_s);
                }
                self.with(id, |track| track.finish(&due, encoded, now));
            }
            Message::Shutdown => {}
        }
    }

    /// Runs `body` on a stream, if it is still there. A panic is shown in it.
    fn with(&mut self, id: u64, body: impl FnOnce(&mut Track)) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        contained(track, body);
    }

    /// Sends what becomes of a model to this thread.
    fn model_report(&self) -> impl Fn(ModelEvent) + Clone + Send + use<> {
        let answers = self.answers.clone();
        move |event| {
            // The worker outlives the encoder.
            let _ = answers.send(Message::Model(event));
        }
    }

    /// Has the models renewed whose heads or map changed on this machine.
    fn look_again(&self) {
        self.models.look_again(&self.encoder, &self.model_report());
    }

    /// Has the models loaded that are wanted, and those freed that are not. One that is wanted
    /// `again` is looked for again if it was missing; that disturbs no stream with another one.
    fn provide(&mut self, again: Option<Wanted>) {
        let mut wanted: Vec<Wanted> = self.tracks.values().map(Track::wanted).collect();
        let missing = wanted
            .iter()
            .filter(|wanted| self.models.is_missing(wanted));
        let fallbacks: Vec<Wanted> = missing.map(Wanted::fallback).collect();
        wanted.extend(fallbacks);
        let again: Vec<Wanted> =
            again.map_or_else(Vec::new, |wanted| vec![wanted.fallback(), wanted]);
        self.models
            .keep(&self.encoder, |other| wanted.contains(other));
        for (n, one) in wanted.iter().enumerate() {
            if !wanted[..n].contains(one) {
                let retry = again.contains(one);
                let report = self.model_report();
                self.models.want(one, retry, &self.encoder, report);
            }
        }
    }

    /// Looks after all streams; returns how long nothing is to be done.
    fn tick(&mut self) -> Option<Duration> {
        self.encoder.interrupt().end_overlong();
        let now = Instant::now();
        let models = &self.models;
        let usual_s = self
            .tracks
            .values()
            .filter(|track| track.is_active())
            .filter_map(|track| Some(track.loaded(models)?.usual_s));
        let load = Load {
            round_s: usual_s.sum(),
            worker_share: self.effort.share,
        };
        self.send_out();
        for track in self.tracks.values_mut() {
            contained(track, |track| track.poll(now, &self.models, load));
        }
        self.dispatch();
        for track in self.tracks.values_mut() {
            if track.publish()
                && let Some(hook) = track.hook.clone()
            {
                contained(track, |_| hook());
            }
        }
        let wake = self
            .tracks
            .values()
            .filter_map(|track| track.wake(now))
            .min();
        if self.busy {
            return Some(wake.map_or(WATCH, |wake| wake.min(WATCH)));
        }
        wake
    }

    /// Has done what takes its time, beside this thread.
    fn send_out(&mut self) {
        for (id, track) in &mut self.tracks {
            while let Some(errand) = track.errand() {
                let (id, answers) = (*id, self.answers.clone());
                let kind = errand.kind();
                let tell = move |news| {
                    // A worker that is gone needs no news.
                    let _ = answers.send(Message::News(id, Box::new(news)));
                };
                let Some(jobs) = self.encoder.jobs() else {
                    return;
                };
                let body = move || errand.run(&jobs, &tell);
                if let Err(error) = self.aside.run(kind.name(), body) {
                    let reason = format!(
                        "The system could not start another thread ({error}). Close some programs \
                         and try again."
                    );
                    track.desk.hear_of(kind.failed(reason));
                }
            }
        }
    }

    /// Hands the most urgent window to the encoder, if it is free.
    fn dispatch(&mut self) {
        if self.busy {
            return;
        }
        let waiting = |(id, track): (&u64, &Track)| Some((*id, track.due.as_ref()?.deadline));
        let next = schedule::earliest(self.tracks.iter().filter_map(waiting));
        let Some((id, track)) = next.and_then(|id| Some((id, self.tracks.get_mut(&id)?))) else {
            return;
        };
        let (Some(mut due), Some(loaded)) = (track.due.take(), track.loaded(&self.models)) else {
            return;
        };
        let limit_s = loaded.package.model.manifest.window_s() * OVERLONG_WINDOWS;
        let limit = Some(Duration::from_secs_f64(limit_s));
        let samples = std::mem::take(&mut due.placed.window.samples);
        let answers = self.answers.clone();
        self.busy = true;
        self.encoder.live(move |sessions| {
            let encoded = sessions.encode(due.session, samples, limit);
            // The worker outlives the encoder.
            let _ = answers.send(Message::Encoded(id, Box::new(due), encoded));
        });
    }
}

/// The share of a core that the worker itself takes, measured over periods of some seconds.
struct Effort {
    since: Instant,
    worked: Duration,
    share: f64,
}

impl Effort {
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

/// Runs `body`; a panic is shown in the stream, and everything goes on.
fn contained(track: &mut Track, body: impl FnOnce(&mut Track)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(track))) {
        track.fail(format!(
            "A window could not be analysed, because of an error in Mertscope: {}. Please report \
             it.",
            panic_message(&*panic)
        ));
    }
}
