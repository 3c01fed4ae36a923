//! The pinned builds of ONNX Runtime and their SHA-256, from `assets/onnxruntime.toml`.

use std::env::consts;
use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

use crate::workspace::Workspace;

const FILE: &str = "assets/onnxruntime.toml";

/// The devices that a build runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Cpu,
    /// CUDA and TensorRT, and the CPU.
    Gpu,
    /// A library that adds OpenVINO to ONNX Runtime; it has no ONNX Runtime of its own.
    OpenVino,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::OpenVino => "openvino",
        })
    }
}

/// The pinned version and its builds.
pub(crate) struct Pins {
    pub version: String,
    builds: Vec<Build>,
}

/// One wheel, for one operating system and architecture.
pub(crate) struct Build {
    pub kind: Kind,
    /// Its own version, when that is not ONNX Runtime's.
    version: Option<String>,
    os: String,
    arch: String,
    /// The package's name for pip.
    pub package: String,
    /// The wheel's tags, passed to pip so that the choice does not depend on the Python that runs
    /// pip.
    pub python: String,
    pub abi: String,
    pub platforms: Vec<String>,
    /// The wheel's file name.
    pub wheel: String,
    pub wheel_bytes: u64,
    pub wheel_sha256: String,
    /// The file name of the shared library among the members.
    pub library: String,
    /// The files to extract from the wheel.
    pub members: Vec<Member>,
}

/// A file in the wheel.
pub(crate) struct Member {
    /// Its path in the wheel.
    pub path: String,
    pub sha256: String,
}

impl Member {
    /// Its name when installed: all members are in one folder, where ONNX Runtime looks for its
    /// providers.
    pub(crate) fn file_name(&self) -> &str {
        self.path
            .rsplit_once('/')
            .map_or(self.path.as_str(), |(_, name)| name)
    }
}

impl Pins {
    /// Reads the pins of the checkout.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let path = workspace.file(FILE);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not as it should be", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let builds = table
            .get("build")
            .and_then(Value::as_array)
            .context("there is no [[build]]")?;
        let builds = builds
            .iter()
            .map(|build| Build::parse(build.as_table().context("a build is not a table")?));
        Ok(Self {
            version: text_at(&table, "version")?,
            builds: builds.collect::<Result<_>>()?,
        })
    }

    /// The build of this kind for this machine.
    pub(crate) fn build(&self, kind: Kind) -> Result<&Build> {
        self.build_for(kind, consts::OS, consts::ARCH)
    }

    /// The build of this kind for a system and a processor, by the names that Rust has for them.
    pub(crate) fn build_for(&self, kind: Kind, os: &str, arch: &str) -> Result<&Build> {
        let fits = |build: &&Build| build.kind == kind && build.os == os && build.arch == arch;
        self.builds.iter().find(fits).with_context(|| {
            let of_kind = self.builds.iter().filter(|build| build.kind == kind);
            let known: Vec<String> = of_kind
                .map(|build| format!("{} on {}", build.os, build.arch))
                .collect();
            format!(
                "there is no {kind} build of ONNX Runtime {} for {os} on {arch}; {FILE} names those for {}. If its \
                 makers publish one, add it there, with the SHA-256 of its wheel and of the files in it",
                self.version,
                known.join(", ")
            )
        })
    }
}

impl Build {
    /// Its own version, or else that of `pins`.
    pub(crate) fn version<'a>(&'a self, pins: &'a Pins) -> &'a str {
        self.version.as_deref().unwrap_or(&pins.version)
    }

    fn parse(table: &Table) -> Result<Self> {
        let kind = match text_at(table, "kind")?.as_str() {
            "cpu" => Kind::Cpu,
            "gpu" => Kind::Gpu,
            "openvino" => Kind::OpenVino,
            other => bail!("kind is '{other}', and can be 'cpu', 'gpu' or 'openvino'"),
        };
        let wheel_bytes = table
            .get("wheel_bytes")
            .and_then(Value::as_integer)
            .context("'wheel_bytes' is missing")?;
        let build = Self {
            kind,
            version: text_at(table, "version").ok(),
            os: text_at(table, "os")?,
            arch: text_at(table, "arch")?,
            package: text_at(table, "package")?,
            python: text_at(table, "python")?,
            abi: text_at(table, "abi")?,
            platforms: platforms(table)?,
            wheel: text_at(table, "wheel")?,
            wheel_bytes: u64::try_from(wheel_bytes).context("'wheel_bytes' is negative")?,
            wheel_sha256: sha256_from(&text_at(table, "wheel_sha256")?)?,
            library: text_at(table, "library")?,
            members: members(table)?,
        };
        if !build
            .members
            .iter()
            .any(|member| member.file_name() == build.library)
        {
            bail!(
                "'{}' is not among the members of {}",
                build.library,
                build.wheel
            );
        }
        Ok(build)
    }
}

fn platforms(table: &Table) -> Result<Vec<String>> {
    let tags = table
        .get("platforms")
        .and_then(Value::as_array)
        .context("'platforms' is missing")?;
    tags.iter()
        .map(|tag| tag.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .context("'platforms' holds something that is not a string")
}

fn members(table: &Table) -> Result<Vec<Member>> {
    let members = table
        .get("members")
        .and_then(Value::as_table)
        .context("'members' is missing")?;
    let member = |(path, sha256): (&String, &Value)| {
        let sha256 = sha256
            .as_str()
            .with_context(|| format!("the SHA-256 of {path} is not a string"))?;
        Ok(Member {
            path: path.clone(),
            sha256: sha256_from(sha256)?,
        })
    };
    members.iter().map(member).collect()
}

fn text_at(table: &Table, key: &str) -> Result<String> {
    table
        .get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("'{key}' is missing"))
}

fn sha256_from(text: &str) -> Result<String> {
    if text.len() != 64
        || !text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        bail!("'{text}' is not a SHA-256 in lower-case hexadecimal");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSET: &str = include_str!("../../../assets/onnxruntime.toml");

    #[test]
    fn the_checkouts_pins_hold_what_the_readme_promises() {
        let pins = Pins::parse(ASSET).unwrap();
        for (kind, os, arch) in [
            (Kind::Cpu, "linux", "x86_64"),
            (Kind::Cpu, "linux", "aarch64"),
            (Kind::Cpu, "macos", "aarch64"),
            (Kind::Cpu, "windows", "x86_64"),
            (Kind::Gpu, "linux", "x86_64"),
            (Kind::OpenVino, "linux", "x86_64"),
        ] {
            let build = pins.build_for(kind, os, arch).unwrap();
            assert_eq!(
                (build.kind, build.os.as_str(), build.arch.as_str()),
                (kind, os, arch)
            );
            assert!(
                build.wheel.contains(&format!("-{}-", build.version(&pins))),
                "{}",
                build.wheel
            );
            assert!(build.wheel.contains(&build.abi), "{}", build.wheel);
            assert!(
                build.platforms.iter().any(|tag| build.wheel.contains(tag)),
                "{}",
                build.wheel
            );
        }
    }

    #[test]
    fn a_machine_without_a_build_gets_the_place_to_add_one() {
        let pins = Pins::parse(ASSET).unwrap();
        let error = pins
            .build_for(Kind::Gpu, "macos", "aarch64")
            .err()
            .unwrap()
            .to_string();
        for part in [
            "no gpu build",
            "for macos on aarch64",
            FILE,
            "linux on x86_64",
        ] {
            assert!(error.contains(part), "{error}");
        }
        // No wheel of the pinned version is for Macs with Intel processors.
        let error = pins.build_for(Kind::Cpu, "macos", "x86_64").err().unwrap();
        let error = error.to_string();
        assert!(error.contains("macos on aarch64"), "{error}");
    }

    #[test]
    fn damaged_pins_are_refused_by_name() {
        let sha256 = "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f";
        assert!(ASSET.contains(sha256));
        for (damaged, expected) in [
            (ASSET.replacen(sha256, "5752BD50", 1), "is not a SHA-256"),
            (
                ASSET.replacen("kind = \"cpu\"", "kind = \"npu\"", 1),
                "'npu'",
            ),
            (ASSET.replacen("abi = ", "abba = ", 1), "'abi' is missing"),
            (
                ASSET.replacen("library = \"lib", "library = \"bil", 1),
                "is not among the members",
            ),
            (String::from("version = \"1\""), "no [[build]]"),
        ] {
            let error = format!("{:#}", Pins::parse(&damaged).err().unwrap());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn members_are_installed_under_their_bare_names() {
        let member = |path: &str| Member {
            path: path.into(),
            sha256: String::new(),
        };
        assert_eq!(
            member("onnxruntime/capi/libonnxruntime.so.1").file_name(),
            "libonnxruntime.so.1"
        );
        assert_eq!(member("LICENSE").file_name(), "LICENSE");
    }
}
