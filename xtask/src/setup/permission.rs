//! Permission to install packages on this machine, and the way to do so. It is decided from a few
//! facts, so that the table can be tested.

use std::env;
use std::io::{self, IsTerminal};
use std::process::Command;

use super::programs::on_path;
use crate::process;

/// The facts that decide.
#[derive(Clone, Copy)]
pub(super) struct Situation {
    /// `apt-get` is on the PATH.
    pub apt: bool,
    pub root: bool,
    pub sudo: Sudo,
    /// A person sits at stdin and stderr.
    pub terminal: bool,
    /// `CI` is set: nobody answers, terminal or not.
    pub ci: bool,
}

/// The abilities of `sudo`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sudo {
    Absent,
    /// It is installed, and asks for a password.
    Asks,
    /// It works without a password.
    Free,
}

/// The way to get missing packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Install at once.
    Install { with_sudo: bool },
    /// Install after a yes.
    AskThenInstall { with_sudo: bool },
    /// Print the line for someone who may run it.
    PrintLine,
    /// No `apt-get` on this machine: name the packages, for the system's own installer.
    NameNeeds,
}

impl Situation {
    /// Reads the facts from this machine.
    pub(super) fn observe() -> Self {
        let root = is_root();
        Self {
            apt: on_path("apt-get"),
            root,
            sudo: if root { Sudo::Absent } else { Sudo::observe() },
            terminal: io::stdin().is_terminal() && io::stderr().is_terminal(),
            ci: env::var_os("CI").is_some_and(|value| !value.is_empty()),
        }
    }

    /// The table.
    pub(super) fn decide(self) -> Action {
        let attended = self.terminal && !self.ci;
        if !self.apt {
            return Action::NameNeeds;
        }
        match (self.root, self.sudo, attended) {
            (true, _, true) => Action::AskThenInstall { with_sudo: false },
            (true, _, false) => Action::Install { with_sudo: false },
            (false, Sudo::Absent, _) | (false, Sudo::Asks, false) => Action::PrintLine,
            (false, Sudo::Asks | Sudo::Free, true) => Action::AskThenInstall { with_sudo: true },
            (false, Sudo::Free, false) => Action::Install { with_sudo: true },
        }
    }
}

impl Sudo {
    fn observe() -> Self {
        if !on_path("sudo") {
            Self::Absent
        } else if process::succeeds(Command::new("sudo").args(["-n", "true"])) {
            Self::Free
        } else {
            Self::Asks
        }
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    // SAFETY: `geteuid` takes nothing, touches no memory and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_install_and_who_is_asked() {
        use Action::{AskThenInstall, Install, NameNeeds, PrintLine};
        use Sudo::{Absent, Asks, Free};
        let rows = [
            // root, sudo, terminal, CI
            ((true, Absent, false, false), Install { with_sudo: false }),
            ((true, Absent, true, true), Install { with_sudo: false }),
            (
                (true, Absent, true, false),
                AskThenInstall { with_sudo: false },
            ),
            (
                (false, Asks, true, false),
                AskThenInstall { with_sudo: true },
            ),
            (
                (false, Free, true, false),
                AskThenInstall { with_sudo: true },
            ),
            ((false, Free, false, false), Install { with_sudo: true }),
            ((false, Free, true, true), Install { with_sudo: true }),
            ((false, Asks, false, false), PrintLine),
            ((false, Asks, true, true), PrintLine),
            ((false, Absent, true, false), PrintLine),
            ((false, Absent, false, true), PrintLine),
        ];
        for ((root, sudo, terminal, ci), action) in rows {
            let situation = Situation {
                apt: true,
                root,
                sudo,
                terminal,
                ci,
            };
            assert_eq!(
                situation.decide(),
                action,
                "root {root}, terminal {terminal}, CI {ci}"
            );
            assert_eq!(
                Situation {
                    apt: false,
                    ..situation
                }
                .decide(),
                NameNeeds
            );
        }
    }
}
