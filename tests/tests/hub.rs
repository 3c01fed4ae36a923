//! Getting models: the built command against a hub on this machine, in health, with faults of the
//! network and the disk, and with malicious answers.

#[path = "hub/home.rs"]
mod home;

#[path = "hub/cached.rs"]
mod cached;
#[path = "hub/checkpoints.rs"]
mod checkpoints;
#[path = "hub/configurations.rs"]
mod configurations;
#[path = "hub/consent.rs"]
mod consent;
#[path = "hub/disk.rs"]
mod disk;
#[path = "hub/full_size.rs"]
mod full_size;
#[path = "hub/heads.rs"]
mod heads;
#[path = "hub/importing.rs"]
mod importing;
#[path = "hub/interrupted.rs"]
mod interrupted;
#[path = "hub/library.rs"]
mod library;
#[path = "hub/mert2.rs"]
mod mert2;
#[path = "hub/mirror.rs"]
mod mirror;
#[path = "hub/musicfm.rs"]
mod musicfm;
#[path = "hub/newer.rs"]
mod newer;
#[path = "hub/pinned.rs"]
mod pinned;
#[path = "hub/plugin.rs"]
mod plugin;
#[path = "hub/refused.rs"]
mod refused;
#[path = "hub/secrets.rs"]
mod secrets;
#[cfg(unix)]
#[path = "hub/terminal.rs"]
mod terminal;
