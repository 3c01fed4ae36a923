//! The app's audio: one thread opens what was chosen, keeps it open, and goes back to it when it
//! was away.
//!
//! The thread owns streams, the file player and the list of devices. It takes orders, looks after the
//! stream a few times a second, and publishes an [`AudioState`] whenever something changed. What
//! is used in place of a choice never changes the choice. Not here: audio callbacks
//! (`audio/callback.rs`), and what is remembered (`preferences.rs`).

mod callback;
mod device;
mod devices;
mod error;
mod jack;
mod route;
mod running;
mod stream_health;
mod system;
mod unheard;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::choice::{AudioChoice, AudioSource, Backend};
use crate::player::FilePlayer;
pub(crate) use devices::Devices;
pub(crate) use error::{AudioError, Direction, reason};
use mertscope::connection::Connection;
use mertscope_audio::Notice;
use route::Route;
use running::Running;
pub(crate) use stream_health::StreamHealth;

/// How often the stream is looked after.
const TICK: Duration = Duration::from_millis(200);

/// How long to wait before what was chosen is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// A stream that has delivered nothing for this long is lost, whatever it says.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// What there is to show about the audio.
#[derive(Debug, Clone, Default)]
pub(crate) struct AudioState {
    /// What the user chose.
    pub choice: AudioChoice,
    /// What is in use, if anything is.
    pub in_use: Option<InUse>,
    /// What is wrong, and what is done about it, in full sentences.
    pub notice: Option<Notice>,
    /// The devices there were when they were last looked for.
    pub devices: Arc<Devices>,
    /// The file that is played, if one is.
    pub(crate) file_player: Option<Arc<FilePlayer>>,
}

/// The stream in use.
#[derive(Debug, Clone)]
pub(crate) struct InUse {
    /// What a person calls its device.
    pub device: String,
    /// Samples per second.
    pub rate_hz: u32,
    /// Frames in a block, where that is known.
    pub(crate) buffer_frames: Option<u32>,
    /// Its signs of life.
    pub(crate) health: Arc<StreamHealth>,
}

enum Order {
    Use {
        choice: Box<AudioChoice>,
        play: bool,
    },
    Look,
    Stop,
}

/// Called after each change of the state, on the audio thread.
pub(crate) type Changed = Arc<dyn Fn() + Send + Sync>;

/// The audio thread's handle; dropping it stops all audio and joins the thread.
pub(crate) struct Audio {
    orders: Sender<Order>,
    state: Arc<Mutex<Arc<AudioState>>>,
    thread: Option<JoinHandle<()>>,
}

impl Audio {
    /// Starts the thread with a choice; a file `play`s at once or waits. With `strict`, what was
    /// chosen must be there now: otherwise nothing is used in its place.
    ///
    /// # Errors
    /// [`AudioError`] with `strict`; without, what is wrong is in the state.
    pub(crate) fn start(
        connection: Arc<Connection>,
        choice: AudioChoice,
        play: bool,
        strict: bool,
        changed: Changed,
    ) -> Result<Self, AudioError> {
        let (orders, inbox) = channel();
        let (ready, started) = channel();
        let state = Arc::<Mutex<Arc<AudioState>>>::default();
        let published = Arc::clone(&state);
        let work = move || {
            quieten_alsa();
            let mut audio_thread = AudioThread::new(connection, choice, published, changed);
            let opened = audio_thread.open_choice(play, strict);
            let failed = opened.is_err();
            let result = ready.send(opened).is_ok();
            if result && !(strict && failed) {
                audio_thread.run(&inbox);
            }
        };
        let thread = thread::Builder::new()
            .name("mertscope-audio".to_owned())
            .spawn(work)
            .map_err(|error| AudioError::Refused {
                device: "The audio system".to_owned(),
                reason: error.to_string(),
            })?;
        let audio = Self {
            orders,
            state,
            thread: Some(thread),
        };
        match started.recv() {
            Ok(Err(error)) if strict => Err(error),
            _ => Ok(audio),
        }
    }

    /// The newest state.
    #[must_use]
    pub(crate) fn state(&self) -> Arc<AudioState> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state)
    }

    /// Uses another choice from now on; a file that is new in it `play`s at once or waits.
    pub(crate) fn choose(&self, choice: AudioChoice, play: bool) {
        let choice = Box::new(choice);
        self.tell(Order::Use { choice, play });
    }

    /// Looks for devices again.
    pub(crate) fn look(&self) {
        self.tell(Order::Look);
    }

    fn tell(&self, order: Order) {
        // Without the thread the state stays what it was.
        let _ = self.orders.send(order);
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.tell(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic in there was told by the silence.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct AudioThread {
    connection: Arc<Connection>,
    choice: AudioChoice,
    running: Option<Running>,
    /// Where the choice led when it could be had: what is gone back to.
    home: Option<Route>,
    is_fallback: bool,
    file_player: Option<Arc<FilePlayer>>,
    volume: Arc<AtomicU32>,
    devices: Arc<Devices>,
    notice: Option<Notice>,
    retry_at: Option<Instant>,
    /// When the stream last delivered something, and how much it had by then.
    last_delivery: (Instant, u64),
    published: Arc<Mutex<Arc<AudioState>>>,
    changed: Changed,
}

impl AudioThread {
    fn new(
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

    fn run(&mut self, inbox: &Receiver<Order>) {
        self.look();
        loop {
            match inbox.recv_timeout(TICK) {
                Ok(Order::Use { choice, play }) => self.change(*choice, play),
                Ok(Order::Look) => self.look(),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_after();
        }
    }

    fn look(&mut self) {
        self.devices = Arc::new(Devices::list());
        self.publish();
    }

    /// Takes a new choice in; what can be changed in a running stream doesn't interrupt it.
    fn change(&mut self, choice: AudioChoice, play: bool) {
        let old = std::mem::replace(&mut self.choice, choice);
        let volume = self.choice.volume.clamp(0.0, 1.0);
        self.volume.store(volume.to_bits(), Ordering::Relaxed);
        if let Some(file_player) = &self.file_player {
            file_player.set_repeat(self.choice.repeat);
        }
        let same_but_for_these = AudioChoice {
            volume: self.choice.volume,
            repeat: self.choice.repeat,
            ..old
        };
        if same_but_for_these != self.choice {
            if same_but_for_these.file != self.choice.file {
                self.file_player = None;
            }
            self.home = None;
            let _ = self.open_choice(play, false);
        }
        self.publish();
    }

    /// Opens what was chosen, or unless `strict` what can stand in for it.
    fn open_choice(&mut self, play: bool, strict: bool) -> Result<(), AudioError> {
        self.stop();
        let opened = self.thread_file(play).and_then(|()| self.open(strict));
        if let Err(error) = &opened {
            self.notice = Some(Notice::error(error));
        }
        self.publish();
        opened
    }

    /// Opens the chosen file, unless it is open already.
    fn thread_file(&mut self, play: bool) -> Result<(), AudioError> {
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

    fn open(&mut self, strict: bool) -> Result<(), AudioError> {
        let wanted = match &self.home {
            Some(home) => vec![home.clone()],
            None => Route::wanted(&self.choice),
        };
        let mut first_error = None;
        for route in &wanted {
            match self.open_route(route, &self.choice) {
                Ok(running) => {
                    self.take(running, false);
                    self.home = Some(route.clone());
                    self.notice = None;
                    return Ok(());
                }
                // An absent server is no news to those who never chose one.
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

    fn open_route(&self, route: &Route, choice: &AudioChoice) -> Result<Running, AudioError> {
        let id = route.id.as_deref();
        match (&self.file_player, route.backend) {
            (None, Backend::Jack) => jack::hear(id, choice),
            (None, Backend::System) => system::hear(id, choice),
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

    /// Uses what was opened in place of what there was.
    fn take(&mut self, mut running: Running, is_fallback: bool) {
        if let Some(drain) = running.drain.take() {
            self.connection.attach(drain);
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

    /// Notices a loss, and tries again what was chosen when it is time to.
    fn look_after(&mut self) {
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

    /// Tries what was chosen while something else, or nothing, is in use.
    fn retry(&mut self) {
        self.retry_at = Some(Instant::now() + RETRY);
        if self.file_player.is_none() && self.thread_file(false).is_err() {
            return;
        }
        let wanted = match &self.home {
            Some(home) => vec![home.clone()],
            None => Route::wanted(&self.choice),
        };
        let back = wanted.iter().find_map(|route| {
            let running = self.open_route(route, &self.choice).ok()?;
            Some((route.clone(), running))
        });
        match back {
            Some((route, running)) => {
                self.take(running, false);
                self.home = Some(route);
                self.notice = None;
                self.publish();
            }
            None if self.running.is_none() => {
                // A stand-in may have come meanwhile.
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
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *published = Arc::new(state);
        drop(published);
        (self.changed)();
    }
}

/// ALSA's library talks on stderr about each device that can't be opened; our errors say it better.
fn quieten_alsa() {
    #[cfg(target_os = "linux")]
    {
        // Where it fails the library goes on talking, which does no harm.
        let _ = alsa::Output::local_error_handler();
    }
}
