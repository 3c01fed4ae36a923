use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;
use crate::setup::Extra;

fn parsed(line: &str) -> Result<Command, Error> {
    let words = [NAME].into_iter().chain(line.split_whitespace());
    parse(words).map(|line| line.command)
}

fn read(line: &str) -> Command {
    parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn unbroken(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

#[test]
fn the_declaration_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn commands_without_arguments_are_read() {
    assert_eq!(read("demo"), Command::Demo);
    assert_eq!(read("demo-audio"), Command::DemoAudio);
    assert_eq!(read("screenshots"), Command::Screenshots);
}

#[test]
fn options_of_the_set_up_and_the_tests_are_read() {
    let extra = |gpu, openvino| Command::Setup(Extra { gpu, openvino });
    assert_eq!(read("setup"), extra(false, false));
    assert_eq!(read("setup --openvino --gpu --gpu"), extra(true, true));
    let test = |full, hosts, filter: Option<&str>| Command::Test {
        full,
        hosts,
        python: false,
        filter: filter.map(str::to_owned),
    };
    assert_eq!(read("test"), test(false, false, None));
    assert_eq!(read("test key --full"), test(true, false, Some("key")));
    assert_eq!(read("test --hosts"), test(false, true, None));
    assert!(parse(["xtask", "test", "--hosts", "--full"]).is_err());
    assert!(parse(["xtask", "test", "--python"]).is_ok());
    assert!(parse(["xtask", "test", "--python", "--hosts"]).is_err());
    let fuzz = |seconds, targets: &[&str]| Command::Fuzz {
        seconds,
        targets: targets.iter().map(|&target| target.to_owned()).collect(),
    };
    assert_eq!(read("fuzz --seconds 60"), fuzz(60, &[]));
    assert_eq!(read("fuzz --seconds 5 wav npy"), fuzz(5, &["wav", "npy"]));
}

#[test]
fn measurements_and_models_are_read() {
    let owned =
        |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.to_owned()).collect() };
    let bench = |names: &[&str], models: Option<&[&str]>| {
        Command::Bench(BenchArguments {
            names: owned(names),
            models: models.map(owned),
        })
    };
    assert_eq!(read("bench"), bench(&[], None));
    assert_eq!(read("bench start speed"), bench(&["start", "speed"], None));
    assert_eq!(read("bench --models"), bench(&[], Some(&[])));
    let models = ["music2vec-v1", "MERT-v0"];
    assert_eq!(
        read("bench --models music2vec-v1 MERT-v0"),
        bench(&[], Some(&models))
    );
    let models = owned(&["MERT-v0"]);
    assert_eq!(read("parity MERT-v0"), Command::Parity { models });
}

#[test]
fn bundles_and_places_are_read() {
    assert_eq!(read("bundle"), Command::Bundle { dev: false });
    assert_eq!(read("bundle --dev"), Command::Bundle { dev: true });
    for (line, expected) in [
        ("install", Scope::User),
        ("install --user", Scope::User),
        ("install --system", Scope::System),
        ("install --user --system", Scope::System),
        ("install --system --user", Scope::User),
        ("uninstall --system", Scope::System),
    ] {
        let (Command::Install(arguments) | Command::Uninstall(arguments)) = read(line) else {
            panic!("{line}");
        };
        assert_eq!(arguments.scope(), expected, "{line}");
    }
}

#[test]
fn arguments_of_the_app_and_the_pipeline_are_handed_on() {
    for (line, expected) in [
        ("run", ""),
        ("run -- --help", "--help"),
        ("run --headless --help", "--headless --help"),
        ("run --file=a.flac -V", "--file=a.flac -V"),
        ("run -V", "-V"),
        ("run --file a.flac -- b", "--file a.flac -- b"),
        ("run -- --file a.flac", "--file a.flac"),
        ("run a -- b", "a -- b"),
    ] {
        let arguments = words(expected);
        assert_eq!(read(line), Command::Run { arguments }, "{line}");
    }
    for line in ["", "key --seed 1", "--smoke", "distil export --steps 6000"] {
        let arguments = words(line);
        assert_eq!(
            read(&format!("train {line}")),
            Command::Train { arguments },
            "{line}"
        );
    }
}

#[test]
fn each_command_has_help() {
    for (line, help_text) in [
        ("--help", "cargo xtask test key"),
        ("-h", "cargo xtask test key"),
        ("demo -h", demo::HELP),
        ("run --help", run::HELP),
        ("train --help", train::HELP),
        ("train key --seed 1 --help", train::HELP),
        ("train key -h", train::HELP),
        ("setup --help", setup::HELP),
        ("test --help", test::HELP),
        ("fuzz --help", fuzz::HELP),
        ("bench --help", bench::HELP),
        ("parity --help", parity::HELP),
        ("bundle --help", bundle::HELP),
        ("cross --help", cross::HELP),
        ("dist --help", dist::HELP),
        ("install --help", install::HELP),
        ("uninstall --help", install::UNINSTALL_HELP),
        ("demo-audio --help", demo_audio::HELP),
        ("screenshots --help", screenshots::HELP),
    ] {
        let help = parsed(line).unwrap_err();
        assert_eq!(help.kind(), ErrorKind::DisplayHelp, "{line}");
        assert_eq!(help.exit_code(), 0, "{line}");
        // Narrow terminals break lines elsewhere.
        let found = unbroken(&help.to_string());
        assert!(found.contains(&unbroken(help_text)), "{line}: {help}");
        let widths = help_text.lines().map(|line| line.chars().count());
        assert!(widths.max() <= Some(100), "{line}");
    }
}

#[test]
fn wrong_arguments_are_named() {
    for (line, named) in [
        ("", "requires a subcommand"),
        ("fly", "fly"),
        ("--fast", "--fast"),
        ("demo --gpu", "--gpu"),
        ("demo loud", "loud"),
        ("test one two", "two"),
        ("fuzz", "--seconds"),
        ("fuzz --seconds 0", "--seconds"),
        ("bench luck", "luck"),
        ("bench luck", "speed"),
        ("parity MERT-v9", "MERT-v9"),
        ("parity MERT-v9", "MERT-v0-public"),
        ("bench --models MERT-v9", "MERT-v9"),
        ("bench start --models", "--models"),
        ("bundle --user", "--user"),
        ("setup --system", "--system"),
        ("cross", "<SYSTEM>"),
        ("cross beos", "macos"),
        ("cross windows --build-only key", "--build-only"),
        ("dist solaris", "windows"),
    ] {
        let error = parsed(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        let error = error.to_string();
        assert!(error.contains(named), "{line}: {error}");
    }
}
