//! The token goes to the hub only and is stored nowhere; plain HTTP goes to this machine only.

use std::fs;

use mertscope_tests::hub::Faults;
use mertscope_tests::output_of;

use super::home::{Home, ID, fails_with, files_below, succeeds};

const TOKEN: &str = "hf_SecretSecretSecret";

#[test]
fn the_token_goes_to_the_hub_alone_and_is_kept_nowhere() {
    let home = Home::new();
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let fetched = output_of(command.env("HF_TOKEN", TOKEN));
    succeeds(&fetched);
    let bearer = format!("Bearer {TOKEN}");
    let (mut hub, mut second) = (0, 0);
    for asked in home.hub.asked() {
        let sent = asked.header("authorization");
        if asked.second {
            second += 1;
            assert_eq!(sent, None, "the second server got it: {asked:?}");
            assert!(!format!("{asked:?}").contains(TOKEN));
        } else {
            hub += 1;
            assert_eq!(sent, Some(&*bearer), "{asked:?}");
        }
    }
    assert!(hub > 3 && second == 1);
    assert!(!format!("{fetched:?}").contains(TOKEN));
    let mut kept = files_below(&home.path(""));
    kept.extend(home.kept());
    assert!(kept.len() > 4);
    for path in kept {
        let bytes = fs::read(&path).unwrap();
        let found = bytes
            .windows(TOKEN.len())
            .any(|bytes| bytes == TOKEN.as_bytes());
        assert!(!found, "{} holds the token", path.display());
    }
}

#[test]
fn the_token_of_the_hubs_own_login_is_used() {
    let home = Home::new();
    fs::create_dir_all(home.path("hf")).unwrap();
    fs::write(home.path("hf/token"), format!("{TOKEN}\n")).unwrap();
    succeeds(&home.fetch());
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(home.hub.asked()[0].header("authorization"), Some(&*bearer));
    for asked in home.hub.asked_second() {
        assert_eq!(asked.header("authorization"), None);
    }
}

#[test]
fn another_name_of_the_same_machine_is_another_server() {
    let home = Home::new();
    let port = home.hub.second().rsplit(':').next().unwrap().to_owned();
    let hash = mertscope_model::sha256(&home.weights);
    home.hub.fault(Faults {
        redirect: Some(format!("http://localhost:{port}/{hash}")),
        ..Faults::default()
    });
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    succeeds(&output_of(command.env("HF_TOKEN", TOKEN)));
    let second = home.hub.asked_second();
    assert!(second[0].header("host").unwrap().starts_with("localhost"));
    assert_eq!(second[0].header("authorization"), None);
}

#[test]
fn plain_http_is_allowed_to_this_machine_only() {
    let home = Home::new();
    home.hub.fault(Faults {
        redirect: Some("http://cdn.invalid/weights".to_owned()),
        ..Faults::default()
    });
    fails_with(
        &home.fetch(),
        1,
        &["cdn.invalid", "not be encrypted", "https"],
    );
    home.not_installed();
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(command.env("HF_ENDPOINT", "http://hub.invalid"));
    fails_with(&failed, 1, &["hub.invalid", "not be encrypted"]);
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(command.env("HF_ENDPOINT", format!("https://me:{TOKEN}@hub.invalid")));
    fails_with(&failed, 1, &["HF_TOKEN"]);
    assert!(!failed.err.contains(TOKEN));
}

/// The proxy's target can't be reached: only the receiver of the request matters.
#[test]
fn proxies_are_used_except_for_excluded_hosts() {
    let home = Home::new();
    let through = |endpoint: &str, no_proxy: &str| {
        let mut command = home.models_command(&["fetch", ID, "--yes"]);
        command
            .env("HF_ENDPOINT", endpoint)
            .env("HTTPS_PROXY", home.hub.endpoint())
            .env("NO_PROXY", no_proxy)
            .env("HF_TOKEN", TOKEN);
        home.hub.forget();
        let failed = output_of(&mut command);
        fails_with(&failed, 1, &["hub.invalid", "HTTPS_PROXY"]);
        let asked = home.hub.asked();
        assert!(
            !format!("{asked:?}").contains(TOKEN),
            "the proxy got the token"
        );
        asked
            .iter()
            .filter(|asked| asked.method == "CONNECT")
            .count()
    };
    assert!(through("https://hub.invalid", "") > 0);
    assert_eq!(through("https://hub.invalid", "hub.invalid"), 0);
    // Plain HTTP to this machine goes through no proxy.
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    command
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9");
    succeeds(&output_of(&mut command));
    home.installed();
}

#[test]
fn a_plain_answer_to_https_is_refused() {
    let home = Home::new();
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let endpoint = home.hub.endpoint().replace("http:", "https:");
    let failed = output_of(command.env("HF_ENDPOINT", endpoint).env("HF_TOKEN", TOKEN));
    fails_with(&failed, 1, &["can't be reached"]);
    assert!(!format!("{:?}", home.hub.asked()).contains(TOKEN));
}
