//! A server with the thread that talks to it. The thread owns the connection; while the server is not usable, it looks
//! for it in growing intervals, so that no window ever waits for a server that is gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::ServerError;
use crate::check::{Facts, Wanted, check};
use crate::client::Client;
use crate::protocol::{Tensor, request, tensors};
use crate::settings::Settings;

/// Interval at which a waiting caller looks whether it is closing.
const WATCH: Duration = Duration::from_millis(50);

/// The time beyond its limit after which a request counts as lost.
const GRACE: Duration = Duration::from_secs(2);

/// The longest time for a description of the server or its model.
const DESCRIPTION: Duration = Duration::from_secs(5);

/// The first pause between two looks for a server; each failure doubles it, up to 32 s.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct State {
    /// Present while the server is usable.
    facts: Option<Facts>,
    /// Failures since the last accepted answer.
    failures: u32,
}

type Inferred = Result<Vec<Tensor>, ServerError>;

enum Call {
    Check(Sender<Result<Facts, ServerError>>),
    Infer {
        audio: Vec<f32>,
        count: usize,
        limit: Duration,
        reply: Sender<Inferred>,
    },
    /// The caller gave the server up: time to look for it.
    Lost,
}

/// A server that runs a model. Dropping it ends its thread, after the request in progress.
#[derive(Debug)]
pub struct Server {
    calls: Sender<Call>,
    state: Arc<Mutex<State>>,
    timeout: Duration,
    shown: String,
}

impl Server {
    /// Starts the thread for the server of `settings` and the model that is wanted of it. Asks nothing yet.
    ///
    /// # Errors
    /// [`ServerError::NoAddress`], [`ServerError::Address`], [`ServerError::PlainHttp`], and
    /// [`ServerError::Unreachable`] without a thread.
    pub fn start(settings: Settings, wanted: Wanted) -> Result<Self, ServerError> {
        let timeout = settings.timeout;
        let float16 = settings.float16;
        let client = Client::new(settings)?;
        let shown = client.shown().to_owned();
        let (calls, queue) = unbounded();
        let state = Arc::<Mutex<State>>::default();
        let worker = Worker {
            client,
            wanted,
            float16,
            timeout,
            state: Arc::clone(&state),
        };
        let thread = thread::Builder::new().name("mertscope-server".to_owned());
        thread
            .spawn(move || worker.run(&queue))
            .map_err(|error| ServerError::Unreachable {
                reason: error.to_string(),
            })?;
        Ok(Self {
            calls,
            state,
            timeout,
            shown,
        })
    }

    /// Its address, for messages.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// What it said of itself, while it is usable.
    #[must_use]
    pub fn ready(&self) -> Option<Facts> {
        lock(&self.state).facts.clone()
    }

    /// Asks it now whether it has the wanted model, and waits for the answer; `is_closing` ends the wait.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn check(&self, is_closing: &dyn Fn() -> bool) -> Result<Facts, ServerError> {
        let (reply, replies) = bounded(1);
        // Three descriptions.
        let limit = 3 * DESCRIPTION.min(self.timeout);
        self.ask(Call::Check(reply), &replies, limit, is_closing)
    }

    /// Runs the model on `count` windows of equal length, `audio`, `[count, samples]`, and waits for the wanted outputs;
    /// at most for the timeout of the settings, and for `limit`. After an error the server is not usable until its
    /// thread finds it again.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn infer(
        &self,
        audio: Vec<f32>,
        count: usize,
        limit: Option<Duration>,
        is_closing: &dyn Fn() -> bool,
    ) -> Result<Vec<Tensor>, ServerError> {
        let limit = limit.map_or(self.timeout, |limit| limit.min(self.timeout));
        let (reply, replies) = bounded(1);
        let call = Call::Infer {
            audio,
            count,
            limit,
            reply,
        };
        self.ask(call, &replies, limit, is_closing)
    }

    /// Tells that the last answer can be used.
    pub fn accept(&self) {
        lock(&self.state).failures = 0;
    }

    /// Tells that the last answer can't be used: the server is left alone for a while.
    pub fn reject(&self) {
        self.lose();
    }

    /// Counts a failure that the thread does not know of, and wakes it, so that it looks for the server.
    fn lose(&self) {
        fail(&self.state);
        // Without its thread there is nobody to wake.
        let _ = self.calls.send(Call::Lost);
    }

    fn ask<T>(
        &self,
        call: Call,
        replies: &Receiver<Result<T, ServerError>>,
        limit: Duration,
        is_closing: &dyn Fn() -> bool,
    ) -> Result<T, ServerError> {
        let ended = || ServerError::Unreachable {
            reason: "its thread ended".to_owned(),
        };
        self.calls.send(call).map_err(|_| ended())?;
        let start = Instant::now();
        loop {
            match replies.recv_timeout(WATCH) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(RecvTimeoutError::Timeout) if is_closing() => return Err(ServerError::Closing),
                Err(RecvTimeoutError::Timeout) if start.elapsed() > limit + GRACE => {
                    self.lose();
                    return Err(ServerError::Slow {
                        limit_s: limit.as_secs_f64().ceil() as u64,
                    });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// The thread's side.
struct Worker {
    client: Client,
    wanted: Wanted,
    float16: bool,
    timeout: Duration,
    state: Arc<Mutex<State>>,
}

impl Worker {
    fn run(&self, queue: &Receiver<Call>) {
        loop {
            let (is_usable, failures) = {
                let state = lock(&self.state);
                (state.facts.is_some(), state.failures)
            };
            // Before its first call it has not failed, and is not looked for.
            let call = if is_usable || failures == 0 {
                queue.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                queue.recv_timeout(PAUSE * 2u32.pow(failures.min(6) - 1))
            };
            match call {
                Ok(Call::Check(reply)) => {
                    // The caller may have given up.
                    let _ = reply.send(self.check());
                }
                Ok(Call::Infer {
                    audio,
                    count,
                    limit,
                    reply,
                }) => {
                    let inferred = self.infer(&audio, count, limit);
                    if inferred.is_err() {
                        fail(&self.state);
                    }
                    let _ = reply.send(inferred);
                }
                // The state, which is read again, says what to do.
                Ok(Call::Lost) => {}
                Err(RecvTimeoutError::Timeout) => {
                    // Its outcome is in the state.
                    let _ = self.check();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn check(&self) -> Result<Facts, ServerError> {
        let limit = DESCRIPTION.min(self.timeout);
        let checked = check(&self.client, &self.wanted, self.float16, limit);
        match &checked {
            Ok(facts) => lock(&self.state).facts = Some(facts.clone()),
            Err(_) => fail(&self.state),
        }
        checked
    }

    fn infer(&self, audio: &[f32], count: usize, limit: Duration) -> Inferred {
        let facts = lock(&self.state).facts.clone();
        let facts = facts.ok_or_else(|| ServerError::Unreachable {
            reason: "it was not found yet".to_owned(),
        })?;
        let path = format!("v2/models/{}/infer", self.wanted.model);
        let message = request(&self.wanted, &facts, audio, count);
        let answer = self
            .client
            .post(&path, &message.body, message.json_length, limit)?;
        tensors(&self.wanted, &answer)
    }
}

fn fail(state: &Mutex<State>) {
    let mut state = lock(state);
    state.facts = None;
    state.failures = state.failures.saturating_add(1);
}

/// The state; a panic elsewhere leaves it whole, since every change is one assignment.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
