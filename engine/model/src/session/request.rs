//! The request for a session: what its loading and its comparison with the CPU need.

use std::sync::Arc;

use super::outputs::Outputs;
use super::place::Silence;
use super::{EncodeError, SessionOptions};
use crate::device::{self, Candidate};
use crate::interrupt::Interrupt;
use crate::{Model, Runtime};

/// What is to be loaded.
pub(super) struct Request<'a> {
    pub(super) runtime: &'static Runtime,
    pub(super) model: &'a Arc<Model>,
    pub(super) options: &'a SessionOptions,
    pub(super) outputs: &'a Arc<Outputs>,
    pub(super) interrupt: &'a Arc<Interrupt>,
    /// Whether the CPU takes over from another device.
    pub(super) replaces: bool,
}

impl Request<'_> {
    /// The error of a session that can't be loaded.
    pub(super) fn failed(&self, reason: String) -> EncodeError {
        EncodeError::Load {
            model: self.model.manifest.id.clone(),
            reason,
        }
    }

    /// The error of a device that gave no answer while it loaded or started.
    pub(super) fn silent(&self, candidate: &Candidate, silence: &Silence) -> EncodeError {
        self.failed(match silence {
            Silence::Hangs(after) => {
                device::avoid(&candidate.name());
                format!("It did not answer within {:.0} s", after.as_secs_f64())
            }
            Silence::Ended => "Its driver panicked".to_owned(),
        })
    }
}
