//! The folders in which hosts look for plugins, on each system: <https://steinbergmedia.github.io/vst3_dev_portal>
//! ("Plug-in Locations") and the comment at the head of CLAP's `entry.h`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::platform::System;

/// The users that an installation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    User,
    System,
}

/// The folders that files are installed into.
pub(super) struct Places {
    pub scope: Scope,
    pub vst3: PathBuf,
    pub clap: PathBuf,
    /// For the link to the command; Windows has no such folder.
    pub commands: Option<PathBuf>,
    /// The list of the installed files.
    pub receipt: PathBuf,
}

impl Places {
    /// The folders of this machine.
    pub(super) fn of(scope: Scope, system: System) -> Result<Self> {
        let home = || dirs::home_dir().context("this user has no home folder; set HOME to one");
        let variable = |name: &str| {
            let value = env::var_os(name).filter(|value| !value.is_empty());
            value
                .map(PathBuf::from)
                .with_context(|| format!("the environment variable {name} is not set"))
        };
        let data = match (scope, system) {
            (Scope::User, _) => dirs::data_local_dir()
                .context("this user has no data folder; set HOME (or XDG_DATA_HOME) to one")?
                .join("mertscope"),
            (Scope::System, System::Linux) => "/usr/local/share/mertscope".into(),
            (Scope::System, System::MacOs) => "/Library/Application Support/Mertscope".into(),
            (Scope::System, System::Windows) => variable("ProgramData")?.join("Mertscope"),
        };
        let (vst3, clap, commands) = match (scope, system) {
            (Scope::User, System::Linux) => (
                home()?.join(".vst3"),
                home()?.join(".clap"),
                Some(home()?.join(".local/bin")),
            ),
            (Scope::System, System::Linux) => (
                "/usr/lib/vst3".into(),
                "/usr/lib/clap".into(),
                Some("/usr/local/bin".into()),
            ),
            (_, System::MacOs) => {
                let (root, commands) = match scope {
                    Scope::User => (home()?, home()?.join(".local/bin")),
                    Scope::System => ("/".into(), "/usr/local/bin".into()),
                };
                let plugins = root.join("Library/Audio/Plug-Ins");
                (plugins.join("VST3"), plugins.join("CLAP"), Some(commands))
            }
            (_, System::Windows) => {
                let common = match scope {
                    Scope::User => variable("LOCALAPPDATA")?.join("Programs").join("Common"),
                    Scope::System => variable("CommonProgramFiles")?,
                };
                (common.join("VST3"), common.join("CLAP"), None)
            }
        };
        Ok(Self {
            scope,
            vst3,
            clap,
            commands,
            receipt: data.join("installed.txt"),
        })
    }

    /// The folder that a bundle, or a file in it, goes into: everything but VST3 goes beside the CLAP
    /// plugin.
    pub(super) fn root_of(&self, bundled: &Path) -> &Path {
        let is_vst3 = |part: &Path| {
            part.extension()
                .is_some_and(|extension| extension == "vst3")
        };
        if bundled.iter().any(|part| is_vst3(Path::new(part))) {
            &self.vst3
        } else {
            &self.clap
        }
    }

    /// The folder of these that an installed file is in: it belongs to the hosts, and stays.
    pub(super) fn root_of_installed(&self, path: &Path) -> Option<&Path> {
        [Some(&self.vst3), Some(&self.clap), self.commands.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .find(|root| path.starts_with(root))
    }
}
