//! The audio thread: opens the chosen device or file, keeps the stream running, and returns to the choice
//! after a loss.
//!
//! Owns the stream, the file player and the list of devices. A device that stands in for the chosen one never
//! changes the choice.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mertscope::connection::Connection;
use mertscope_audio::Notice;
use mertscope_model::lock;

use super::devices::Devices;
use super::error::{AudioError, Direction};
use super::route::Route;
use super::running_stream::RunningStream;
use super::state::{AudioState, Changed, InUse, Order};
use super::{jack, system, unheard};
use crate::choice::{AudioChoice, AudioSource, Backend};
use crate::player::FilePlayer;

/// Time between two checks of the stream.
const TICK: Duration = Duration::from_millis(200);

/// Time until the choice is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// A stream that has delivered nothing for this long is lost, even without an error.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct AudioThread {
    connection: Arc<Connection>,
    choice: AudioChoice,
    running: Option<RunningStream>,
    /// The route of the choice once it was open: the one to return to.
    home: Option<Route>,
    is_fallback: bool,
    file_player: Option<Arc<FilePlayer>>,
    volume: Arc<AtomicU32>,
    devices: Arc<Devices>,
    notice: Option<Notice>,
    retry_at: Option<Instant>,
    /// The time of the stream's last delivery, and its count of frames then.
    last_delivery: (Instant, u64),
    published: Arc<Mutex<Arc<AudioState>>>,
    changed: Changed,
}

impl AudioThread {
    pub(super) fn new(
        connection: Arc<Connection>,
        choice: AudioChoice,
        published: Arc<Mutex<Arc<AudioState>>>,
        changed: Changed,
    ) -> Self {
        Self {
            connection,
            volume: Arc::new(AtomicU32::new(choice.volume.to_bits())),
            choice,
            running: None,
            home: None,
            is_fallback: false,
            file_player: None,
            devices: Arc::default(),
            notice: None,
            retry_at: None,
            last_delivery: (Instant::now(), 0),
            published,
            changed,
        }
    }

    /// Carries out orders and checks the stream, until the order to stop.
    pub(super) fn run(&mut self, inbox: &Receiver<Order>) {
        self.look();
        loop {
            match inbox.recv_timeout(TICK) {
                Ok(Order::Use { choice, play }) => self.change(*choice, play),
                Ok(Order::Look) => self.look(),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.check();
        }
    }

    fn look(&mut self) {
        self.devices = Arc::new(Devices::list());
        self.publish();
    }

    /// Applies a new choice; volume and loop change without interrupting the stream.
    fn change(&mut self, choice: AudioChoice, play: bool) {
        let old = std::mem::replace(&mut self.choice, choice);
        let volume = self.choice.volume.clamp(0.0, 1.0);
        self.volume.store(volume.to_bits(), Ordering::Relaxed);
        if let Some(file_player) = &self.file_player {
            file_player.set_repeat(self.choice.repeat);
        }
        let reopened = AudioChoice {
            volume: self.choice.volume,
            repeat: self.choice.repeat,
            ..old
        };
        if reopened != self.choice {
            if reopened.file != self.choice.file {
                self.file_player = None;
            }
            self.home = None;
            let _ = self.open_choice(play, false);
        }
        self.publish();
    }

    /// Opens the choice, or, unless `strict`, what can stand in for it.
    pub(super) fn open_choice(&mut self, play: bool, strict: bool) -> Result<(), AudioError> {
        self.stop();
        let opened = self.open_file(play).and_then(|()| self.open(strict));
        if let Err(error) = &opened {
            self.notice = Some(Notice::error(error));
        }
        self.publish();
        opened
    }

    /// Opens the chosen file, unless it is open already.
    fn open_file(&mut self, play: bool) -> Result<(), AudioError> {
        if self.choice.source == AudioSource::Input {
            self.file_player = None;
            return Ok(());
        }
        let Some(path) = &self.choice.file else {
            return Err(AudioError::File(
                "No file is chosen: choose one to play.".to_owned(),
            ));
        };
        if self.file_player.is_none() {
            let file_player = FilePlayer::open(path, self.choice.repeat)
                .map_err(|error| AudioError::File(error.to_string()))?;
            if play {
                file_player.play();
            }
            self.file_player = Some(file_player);
        }
        Ok(())
    }

    /// The routes to try for the choice, best first.
    fn wanted(&self) -> Vec<Route> {
        match &self.home {
            Some(home) => vec![home.clone()],
            None => Route::wanted(&self.choice),
        }
    }

    fn open(&mut self, strict: bool) -> Result<(), AudioError> {
        let wanted = self.wanted();
        let mut first_error = None;
        for route in &wanted {
            match self.open_route(route, &self.choice) {
                Ok(running) => {
                    self.take(running, false);
                    self.home = Some(route.clone());
                    self.notice = None;
                    return Ok(());
                }
                // A user who did not choose JACK need not know that no server runs.
                Err(AudioError::NoServer { .. }) if wanted.len() > 1 => {}
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        let error = first_error.unwrap_or_else(|| AudioError::NoServer {
            reason: "none answers".to_owned(),
        });
        if strict {
            return Err(error);
        }
        self.retry_at = Some(Instant::now() + RETRY);
        for route in Route::instead(&self.choice, &wanted, &error) {
            if let Ok(running) = self.open_route(&route, &Route::relaxed(&self.choice)) {
                let device = &running.device;
                self.notice = Some(Notice::warning(match running.backend {
                    Backend::None => format!("{error} Until then the file plays unheard."),
                    _ => format!("{error} Until then {device} is used."),
                }));
                self.take(running, true);
                return Ok(());
            }
        }
        Err(error)
    }

    fn open_route(&self, route: &Route, choice: &AudioChoice) -> Result<RunningStream, AudioError> {
        let id = route.id.as_deref();
        match (&self.file_player, route.backend) {
            (None, Backend::Jack) => jack::listen(id, choice),
            (None, Backend::System) => system::listen(id, choice),
            (None, Backend::None) => Err(AudioError::NoDevice {
                backend: Backend::None,
                direction: Direction::Input,
                reason: "none".to_owned(),
            }),
            (Some(file_player), Backend::Jack) => jack::play(id, choice, file_player, &self.volume),
            (Some(file_player), Backend::System) => {
                system::play(id, choice, file_player, &self.volume)
            }
            (Some(file_player), Backend::None) => unheard::play(file_player),
        }
    }

    /// Uses the stream in place of the last one.
    fn take(&mut self, mut running: RunningStream, is_fallback: bool) {
        if let Some(tap_reader) = running.tap_reader.take() {
            self.connection.attach(tap_reader);
        }
        self.last_delivery = (Instant::now(), running.health.frames());
        self.running = Some(running);
        self.is_fallback = is_fallback;
        if !is_fallback {
            self.retry_at = None;
        }
    }

    fn stop(&mut self) {
        if self.running.take().is_some() {
            self.connection.detach();
        }
        self.retry_at = None;
    }

    /// Handles a loss, and tries the choice again when it is time.
    fn check(&mut self) {
        if let Some(error) = self.loss() {
            self.stop();
            let notice = match self.open(false) {
                Ok(()) if !self.is_fallback => None,
                Ok(()) => self.running.as_ref().map(|running| match running.backend {
                    Backend::None => format!("{error} Until it is back the file plays unheard."),
                    _ => format!("{error} Until it is back {} is used.", running.device),
                }),
                Err(_) => Some(format!("{error} It is used again as soon as it is back.")),
            };
            self.notice = notice.map(Notice::warning);
            self.publish();
        }
        if self.retry_at.is_some_and(|at| at <= Instant::now()) {
            self.retry();
        }
    }

    fn loss(&mut self) -> Option<AudioError> {
        let running = self.running.as_ref()?;
        let frames = running.health.frames();
        if frames != self.last_delivery.1 {
            self.last_delivery = (Instant::now(), frames);
        }
        let silence = self.last_delivery.0.elapsed();
        let reason = running.health.loss().or_else(|| {
            (silence > LONGEST_SILENCE).then(|| "it delivers nothing any more".to_owned())
        })?;
        Some(AudioError::Lost {
            device: running.device.clone(),
            reason,
        })
    }

    /// Tries the choice again while something else, or nothing, is in use.
    fn retry(&mut self) {
        self.retry_at = Some(Instant::now() + RETRY);
        if self.file_player.is_none() && self.open_file(false).is_err() {
            return;
        }
        let wanted = self.wanted();
        let back = wanted.into_iter().find_map(|route| {
            let running = self.open_route(&route, &self.choice).ok()?;
            Some((route, running))
        });
        match back {
            Some((route, running)) => {
                self.take(running, false);
                self.home = Some(route);
                self.notice = None;
                self.publish();
            }
            None if self.running.is_none() => {
                // A device that can stand in may have appeared.
                let notice = self.notice.clone();
                if self.open(false).is_err() {
                    self.notice = notice;
                } else {
                    self.publish();
                }
            }
            None => {}
        }
    }

    fn publish(&self) {
        let in_use = self.running.as_ref().map(|running| InUse {
            device: running.device.clone(),
            rate_hz: running.rate_hz,
            buffer_frames: running.buffer_frames,
            health: Arc::clone(&running.health),
        });
        let state = AudioState {
            choice: self.choice.clone(),
            in_use,
            notice: self.notice.clone(),
            devices: Arc::clone(&self.devices),
            file_player: self.file_player.clone(),
        };
        let mut published = lock(&self.published);
        *published = Arc::new(state);
        drop(published);
        (self.changed)();
    }
}
