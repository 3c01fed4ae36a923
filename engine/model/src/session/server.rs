//! A session on a server: windows go there, and this machine's model takes over while the server can't be used.
//!
//! The model is loaded here only when the server first gives way, so that a laptop with a server needs no memory for
//! it. The thread of the connection looks for a server that is gone; the window after it is found goes there again.

use std::sync::Arc;
use std::time::Duration;

use mertscope_remote::{Facts, Server, ServerError, Settings, Wanted};

use super::load::Loaded;
use super::outputs::Outputs;
use super::request::Request;
use super::{Session, SessionOptions, is_finite, place::Place, prepared};
use crate::device::{Choice, Fallback, Report};
use crate::{EncodeError, HiddenStates, Model, Operators, Precision, serving};

/// A server that was chosen.
#[derive(Debug)]
pub(super) struct Remote {
    /// `None` when its address can't be used.
    server: Option<Server>,
    precision: Precision,
    /// Why it is not used; `None` while it is.
    pub(super) gave_way: Option<String>,
}

impl Remote {
    /// The server of `options`, if one was chosen; asks it for the model.
    pub(super) fn of(
        model: &Model,
        options: &SessionOptions,
        outputs: &Outputs,
        is_closing: &dyn Fn() -> bool,
    ) -> Option<(Self, Option<Facts>)> {
        let Choice::Remote { server } = &options.device else {
            return None;
        };
        let settings = Settings::of_environment(server.as_deref());
        let precision = model.precision(options.precision, Precision::Fp32);
        let wanted = Wanted {
            model: serving::name(&model.manifest.id),
            hash: model.fingerprint(),
            precision: precision.id().to_owned(),
            input: model.manifest.graph.input.clone(),
            outputs: outputs.names(),
        };
        let mut remote = Self {
            server: None,
            precision,
            gave_way: None,
        };
        let checked = Server::start(settings, wanted).and_then(|server| {
            let checked = server.check(is_closing);
            remote.server = Some(server);
            checked
        });
        match checked {
            Ok(facts) => Some((remote, Some(facts))),
            Err(error) => {
                remote.gave_way = Some(phrase(&error));
                Some((remote, None))
            }
        }
    }

    fn name(&self) -> String {
        let address = self.server.as_ref().map(Server::address);
        format!("Server {}", address.unwrap_or_default())
            .trim_end()
            .to_owned()
    }

    /// The report of a session that runs there.
    pub(super) fn report(&self, asked: &Choice, facts: &Facts) -> Arc<Report> {
        let name = match facts.name.as_str() {
            "" => self.name(),
            name => format!("{} ({name})", self.name()),
        };
        Arc::new(Report {
            name,
            asked: asked.clone(),
            used: asked.clone(),
            operators: Operators::Fused,
            precision: self.precision,
            err: None,
            share: None,
            fallbacks: Vec::new(),
            notice: None,
        })
    }

    /// The report of this machine's session in its place.
    pub(super) fn instead(&self, asked: &Choice, here: &Report) -> Arc<Report> {
        Arc::new(Report {
            asked: asked.clone(),
            fallbacks: vec![Fallback {
                device: self.name(),
                reason: self.gave_way.clone().unwrap_or_default(),
                absent: false,
            }],
            ..here.clone()
        })
    }
}

fn phrase(error: &ServerError) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}

impl Session {
    /// Goes back to the server when it was found again.
    pub(super) fn follow_server(&mut self) {
        let Some(remote) = &mut self.remote else {
            return;
        };
        let facts = remote.server.as_ref().and_then(Server::ready);
        if let Some(facts) = facts.filter(|_| remote.gave_way.is_some()) {
            remote.gave_way = None;
            self.device = remote.report(&self.options.device, &facts);
            self.at_once = facts.at_once;
        }
    }

    /// Runs windows of equal length on the server. `None` when there is no server, or it gave way: then this machine's
    /// model is loaded.
    pub(super) fn on_server<W: AsRef<[f32]>>(
        &mut self,
        windows: &[W],
        limit: Option<Duration>,
    ) -> Option<Result<Vec<HiddenStates>, EncodeError>> {
        self.follow_server();
        let remote = self.remote.as_ref()?;
        if remote.gave_way.is_some() {
            return None;
        }
        let server = remote.server.as_ref()?;
        let mut audio = Vec::new();
        for window in windows {
            match prepared(&self.model.manifest, window.as_ref()) {
                Ok(window) => audio.extend_from_slice(&window),
                Err(error) => return Some(Err(error)),
            }
        }
        let interrupt = Arc::clone(&self.interrupt);
        let answer = server.infer(audio, windows.len(), limit, &|| interrupt.is_closed());
        let hidden = match answer {
            Ok(tensors) => {
                let hidden = self.outputs.of_tensors(&tensors, windows.len());
                let hidden = hidden.and_then(|all| match all.iter().all(is_finite) {
                    true => Ok(all),
                    false => Err("it answered with numbers that are not finite".to_owned()),
                });
                match &hidden {
                    Ok(_) => server.accept(),
                    Err(_) => server.reject(),
                }
                hidden.map_err(|reason| format!("It runs another graph: {reason}"))
            }
            Err(ServerError::Closing) => {
                return Some(Err(self.failed("the encoder is being closed")));
            }
            Err(error) => Err(phrase(&error)),
        };
        match hidden {
            Ok(all) => Some(Ok(all)),
            Err(reason) => self.run_here(reason).err().map(Err),
        }
    }

    /// Makes this machine's model take the server's place for `reason`.
    fn run_here(&mut self, reason: String) -> Result<(), EncodeError> {
        if let Some(remote) = &mut self.remote {
            remote.gave_way = Some(reason);
        }
        let here = match (&self.place, &self.here) {
            (Place::Here(Some(_)), Some(here)) => Arc::clone(here),
            _ => {
                let Loaded { place, device, .. } = Request {
                    runtime: self.runtime,
                    model: &self.model,
                    options: &self.options,
                    outputs: &self.outputs,
                    interrupt: &self.interrupt,
                    replaces: true,
                }
                .on(&Choice::Cpu)?;
                self.place = place;
                self.here = Some(Arc::clone(&device));
                device
            }
        };
        self.at_once = 1;
        if let Some(remote) = &self.remote {
            self.device = remote.instead(&self.options.device, &here);
        }
        Ok(())
    }
}
