//! The app, from command-line arguments to exit code: a window, or results as lines.
//!
//! The main thread runs the window, or prints; one thread owns the audio (`audio.rs`). Deliberately not here:
//! analysis, which is the engine's.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use clap::Parser;
use mertscope::connection::Connection;
use mertscope::editor::repaint::Repaint;
use mertscope::params::MertscopeParams;
use mertscope_audio::Notice;
use mertscope_export::printable::printable;
use mertscope_ui::state::ModelChoice;

use crate::arguments::Arguments;
use crate::audio::{Audio, AudioError, Changed, Devices};
use crate::choice::AudioChoice;
use crate::panel::Panel;
use crate::parameters::Parameters;
use crate::preferences::{AUDIO_FIELD, PLUGIN_FIELD, Preferences};
use crate::session::{Event, Session};
use crate::{headless, window};

/// Runs the app with command-line words, the first of them its name; returns its exit code.
pub(crate) fn run(
    words: impl Iterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(help) => {
            // A failure here can't be reported anywhere.
            let _ = help.print();
            return ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(2));
        }
    };
    match session(&arguments, out, err) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader of our output closed it, which is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(err, "The results can't be written: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// Runs a session; `Ok(false)` after a failure that was reported.
fn session(arguments: &Arguments, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<bool> {
    if arguments.list_devices {
        list(&Devices::list(), out)?;
        return Ok(true);
    }
    let (preferences, error) = Preferences::load();
    let notice = error.map(Notice::warning);
    let choice = match arguments.over(preferences.get(AUDIO_FIELD).unwrap_or_default()) {
        Ok(choice) => choice,
        Err(error) => return failure(err, error),
    };
    let (sender, events) = channel();
    let stop = sender.clone();
    if let Err(error) = ctrlc::set_handler(move || stop.send(Event::Stop).unwrap_or_default()) {
        writeln!(err, "Ctrl-C won't close the app cleanly ({error}).")?;
    }
    let params = Arc::new(MertscopeParams::default());
    if let Some(state) = preferences.get(PLUGIN_FIELD) {
        Parameters::new(Arc::clone(&params)).apply(state);
    }
    let model = TemporaryModel::set(arguments, &params);
    let repaint = Repaint::default();
    let session = match start(arguments, &choice, params, &repaint, &sender) {
        Ok(session) => session,
        Err(error) => return failure(err, error),
    };
    if arguments.headless {
        if let Some(Notice { text, .. }) = notice {
            writeln!(err, "{}", printable(&text))?;
        }
        let (json, seconds) = (arguments.json, arguments.seconds);
        return headless::run(&session, &events, json, seconds, out, err);
    }

    let audio = Arc::clone(&session.audio);
    let panel = Arc::new(Panel::new(audio, choice, preferences, notice));
    let ends = (sender, events);
    if let Err(error) = window::run(&session, &panel, &repaint, ends, arguments.seconds) {
        return failure(err, error);
    }
    model.put_back(&session.params);
    let parameters = Parameters::new(Arc::clone(&session.params));
    match panel.save_all(&parameters.state()) {
        Some(Notice { text, .. }) => failure(err, text),
        None => Ok(true),
    }
}

fn failure(err: &mut dyn Write, sentence: impl Display) -> io::Result<bool> {
    writeln!(err, "{}", printable(&sentence.to_string()))?;
    Ok(false)
}

/// The model from the command line, which counts for this session only.
struct TemporaryModel {
    typed: Option<ModelChoice>,
    remembered: Option<ModelChoice>,
}

impl TemporaryModel {
    fn set(arguments: &Arguments, params: &MertscopeParams) -> Self {
        let remembered = params.state.get();
        let typed = arguments.model.clone().map(|id| ModelChoice {
            id,
            sha256: None,
            window_s: None,
        });
        if let Some(typed) = &typed {
            params.state.set(typed);
        }
        Self { typed, remembered }
    }

    /// Puts the remembered model back, unless the user chose another one meanwhile.
    fn put_back(&self, params: &MertscopeParams) {
        if let (Some(_), Some(remembered)) = (&self.typed, &self.remembered)
            && params.state.get() == self.typed
        {
            params.state.set(remembered);
        }
    }
}

/// Starts the engine and the audio; changes of both request a frame and send an event.
fn start(
    arguments: &Arguments,
    choice: &AudioChoice,
    params: Arc<MertscopeParams>,
    repaint: &Repaint,
    events: &Sender<Event>,
) -> Result<Session, AudioError> {
    let (repaint, events) = (repaint.clone(), events.clone());
    let changed: Changed = Arc::new(move || {
        repaint.request();
        events.send(Event::New).unwrap_or_default();
    });
    let connection = Connection::new(Arc::clone(&params), Arc::clone(&changed));
    // The model loads while devices are opened, and also without any device.
    connection.detach();
    // A file from the command line plays at once; the last file waits for its user in the window.
    let play = arguments.headless || arguments.file.is_some();
    let strict = arguments.headless;
    let listener = Arc::clone(&connection);
    let audio = Audio::start(listener, choice.clone(), play, strict, changed)?;
    Ok(Session {
        params,
        connection,
        audio: Arc::new(audio),
    })
}

/// Prints the devices, inputs first, in columns.
fn list(devices: &Devices, out: &mut dyn Write) -> io::Result<()> {
    for (title, devices) in [("Inputs", &devices.inputs), ("Outputs", &devices.outputs)] {
        writeln!(out, "{title}")?;
        let shown = || devices.iter().filter(|device| !device.is_adapter);
        if shown().next().is_none() {
            writeln!(out, "  none")?;
        }
        let width = shown().map(|device| device.id.chars().count()).max();
        let width = width.unwrap_or_default();
        for device in shown() {
            writeln!(out, "  {:width$}  {}", device.id, device.name)?;
        }
    }
    Ok(())
}
