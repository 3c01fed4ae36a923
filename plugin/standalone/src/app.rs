//! The app from its command line to its exit code: a window, or results as lines.
//!
//! The main thread runs the window, or prints; one thread owns the audio (`audio.rs`). Nothing
//! here computes music.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;

use clap::Parser;
use mertscope::connection::Connection;
use mertscope::editor::repaint::Repaint;
use mertscope::params::MertscopeParams;
use mertscope_audio::Notice;
use mertscope_ui::state::ModelChoice;

use crate::arguments::Arguments;
use crate::audio::{Audio, Devices};
use crate::panel::Panel;
use crate::parameters::Parameters;
use crate::preferences::{AUDIO_FIELD, PLUGIN_FIELD, Preferences};
use crate::session::{Event, Session};
use crate::{headless, window};

/// Runs the app with a command line whose first word is its name; returns its exit code.
pub(crate) fn run(
    words: impl Iterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(help) => {
            // There is no one to tell when this fails.
            let _ = help.print();
            return ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(2));
        }
    };
    match session(&arguments, out, err) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read our output has had enough: nothing is wrong.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(err, "The results can't be written: {error}.");
            ExitCode::FAILURE
        }
    }
}

fn session(arguments: &Arguments, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<bool> {
    if arguments.list_devices {
        list(&Devices::list(), out)?;
        return Ok(true);
    }
    let (preferences, error) = Preferences::load();
    let notice = error.map(Notice::warning);
    let choice = match arguments.over(preferences.get(AUDIO_FIELD).unwrap_or_default()) {
        Ok(choice) => choice,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(false);
        }
    };
    let (wake, events) = channel();
    let stop = wake.clone();
    if let Err(error) = ctrlc::set_handler(move || stop.send(Event::Stop).unwrap_or_default()) {
        writeln!(err, "Ctrl-C won't close the app cleanly ({error}).")?;
    }
    let params = Arc::new(MertscopeParams::default());
    let parameters = Parameters::new(Arc::clone(&params));
    if let Some(state) = preferences.get(PLUGIN_FIELD) {
        parameters.apply(&state);
    }
    let remembered: Option<ModelChoice> = params.state.get();
    let typed = arguments.model.clone().map(|id| ModelChoice {
        id,
        sha256: None,
        window_s: None,
    });
    if let Some(typed) = &typed {
        params.state.set(typed);
    }

    let repaint = Repaint::default();
    let (waker, window) = (wake.clone(), repaint.clone());
    let news: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        window.request();
        waker.send(Event::New).unwrap_or_default();
    });
    let connection = Connection::new(Arc::clone(&params), Arc::clone(&news));
    // The model loads while devices are opened, and where there are none.
    connection.detach();
    // What was typed plays at once; what was played last waits for its user in a window.
    let play = arguments.headless || arguments.file.is_some();
    let strict = arguments.headless;
    let audio = match Audio::start(Arc::clone(&connection), choice.clone(), play, strict, news) {
        Ok(audio) => Arc::new(audio),
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(false);
        }
    };
    let session = Session {
        params,
        connection,
        audio,
    };
    if arguments.headless {
        if let Some(Notice { text, .. }) = notice {
            writeln!(err, "{text}")?;
        }
        return headless::run(
            &session,
            &events,
            arguments.json,
            arguments.seconds,
            out,
            err,
        );
    }

    let panel = Arc::new(Panel::new(
        Arc::clone(&session.audio),
        choice,
        preferences,
        notice,
    ));
    let ends = (wake, events);
    if let Err(error) = window::run(&session, &panel, &repaint, ends, arguments.seconds) {
        writeln!(err, "{error}")?;
        return Ok(false);
    }
    // A model that was typed counts for this session, unless another was chosen since.
    if typed.is_some()
        && session.params.state.get() == typed
        && let Some(remembered) = remembered
    {
        session.params.state.set(&remembered);
    }
    if let Some(Notice { text, .. }) = panel.save_all(&parameters.state()) {
        writeln!(err, "{text}")?;
        return Ok(false);
    }
    Ok(true)
}

fn list(devices: &Devices, out: &mut dyn Write) -> io::Result<()> {
    for (title, devices) in [("Inputs", &devices.inputs), ("Outputs", &devices.outputs)] {
        writeln!(out, "{title}")?;
        let shown = || devices.iter().filter(|device| !device.is_shape);
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
