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
    /// For macOS's app; other systems have it beside the CLAP plugin.
    pub apps: Option<PathBuf>,
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
        let apps = match (system, scope) {
            (System::MacOs, Scope::User) => Some(home()?.join("Applications")),
            (System::MacOs, Scope::System) => Some("/Applications".into()),
            (System::Linux | System::Windows, _) => None,
        };
        Ok(Self {
            scope,
            vst3,
            clap,
            apps,
            commands,
            receipt: data.join("installed.txt"),
        })
    }

    /// The folder that a bundle, or a file in it, goes into: everything but VST3 and macOS's app goes
    /// beside the CLAP plugin.
    pub(super) fn root_of(&self, bundled: &Path) -> &Path {
        let is_in = |wanted: &str| {
            bundled.iter().any(|part| {
                let extension = Path::new(part).extension();
                extension.is_some_and(|extension| extension == wanted)
            })
        };
        match &self.apps {
            _ if is_in("vst3") => &self.vst3,
            Some(apps) if is_in("app") => apps,
            _ => &self.clap,
        }
    }

    /// The folder of these that an installed file is in: it belongs to the hosts, and stays.
    pub(super) fn root_of_installed(&self, path: &Path) -> Option<&Path> {
        let plugins = [&self.vst3, &self.clap].into_iter();
        plugins
            .chain(&self.apps)
            .chain(&self.commands)
            .map(PathBuf::as_path)
            .find(|root| path.starts_with(root))
    }
}
