//! MERT-v2 from the hub to results: a tiny network with the published names and configuration is fetched
//! over a connection that breaks, made into a graph that equals the reference, and used on files and live.
//! Then the mistakes that people make with its files, each told in a sentence.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_tests::hub::Faults;
use mertscope_tests::{chord, mertscope, output_of, wav};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::checkpoints::{
    at_home, embed, fixture, gives_the_hidden_states_of_the_reference, runs_live,
};
use super::home::{Home, fails_with, succeeds};

/// The model whose weights have no pinned length, and the commit that its entry pins.
const ID: &str = "MERT-v2-30s";
const REVISION: &str = "12130d22fd947c24b0299c9368900fb06a608512";
const FILES: [&str; 3] = [
    "config.json",
    "preprocessor_config.json",
    "model.safetensors",
];

/// A home with a hub that has the tiny network as [`ID`].
pub(crate) fn home() -> Home {
    let home = Home::new();
    home.hub.move_to(REVISION);
    for name in FILES {
        let bytes = fs::read(fixture("mert2").join(name)).unwrap();
        home.hub.publish(&format!("m-a-p/{ID}"), name, bytes);
    }
    home
}

/// The folder of the installed model. Under its name the tiny network is refused, and under this folder's path it
/// runs.
pub(crate) fn installed(home: &Home) -> PathBuf {
    succeeds(&home.run(&["fetch", ID, "--yes"]));
    home.models().join(ID)
}

#[test]
fn a_fetched_mert_v2_gives_the_hidden_states_of_the_reference() {
    let home = home();
    home.hub.fault(Faults {
        cut: Some((1, 40_000)),
        ..Faults::default()
    });
    let folder = installed(&home);
    assert_eq!(home.hub.asked_second().len(), 2, "it was taken up again");
    let refused = embed(&home, ID, &chord(24_000, 1.0), 24_000);
    fails_with(&refused, 1, &[ID, "config.json", "3 layers of 16"]);
    let folder = folder.to_str().unwrap();
    gives_the_hidden_states_of_the_reference(&home, folder, &fixture("mert2"));
}

#[test]
fn a_fetched_mert_v2_analyzes_files() {
    let home = home();
    let folder = installed(&home);
    let song = home.path("song.wav");
    fs::write(&song, wav(44_100, 1, &chord(44_100, 8.0))).unwrap();
    let mut analyze = mertscope();
    analyze.arg("analyze").arg(&song).arg("--json");
    let analyzed = output_of(at_home(&home, analyze.arg("--model").arg(&folder)));
    succeeds(&analyzed);
    assert_eq!(analyzed.json()["model"]["id"], ID, "{}", analyzed.out);
}

#[test]
fn a_fetched_mert_v2_runs_live() {
    const CHILD: &str = "MERTSCOPE_TEST_LIVE_MERT2";
    if let Ok(folder) = env::var(CHILD) {
        let form = runs_live(&folder, ID, None, None, |_| true);
        return assert_eq!(form, "MERT-v2-30s, fp32");
    }
    let home = home();
    let folder = installed(&home);
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([
        "--exact",
        "mert2::a_fetched_mert_v2_runs_live",
        "--nocapture",
    ]);
    let ran = output_of(at_home(&home, &mut child).env(CHILD, folder));
    succeeds(&ran);
    assert!(ran.out.contains("1 passed"), "{}", ran.out);
}

#[test]
fn a_gated_repository_says_how_to_get_access_and_where_the_token_goes() {
    for (status, code) in [(401, "GatedRepo"), (403, "GatedRepo")] {
        let home = home();
        home.hub.fault(Faults {
            status: Some((status, code)),
            ..Faults::default()
        });
        let failed = home.run(&["fetch", ID, "--yes"]);
        fails_with(&failed, 1, &["m-a-p/MERT-v2-30s", "agreement", "HF_TOKEN"]);
    }
}

/// A copy of the tiny network, with its tensors changed by `edit`.
fn copy(home: &Home, edit: impl FnOnce(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) -> PathBuf {
    let folder = home.path("copy");
    fs::create_dir_all(&folder).unwrap();
    for name in FILES {
        fs::copy(fixture("mert2").join(name), folder.join(name)).unwrap();
    }
    let bytes = fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut all: Vec<_> = tensors
        .tensors()
        .into_iter()
        .map(|(name, it)| (name, it.dtype(), it.shape().to_vec(), it.data().to_vec()))
        .collect();
    edit(&mut all);
    let views = all.iter().map(|(name, dtype, shape, data)| {
        let view = TensorView::new(*dtype, shape.clone(), data).unwrap();
        (name.as_str(), view)
    });
    let file = safetensors::serialize(views, None).unwrap();
    fs::write(folder.join("model.safetensors"), file).unwrap();
    folder
}

fn refused(home: &Home, folder: &Path, samples: usize, words: &[&str]) {
    let audio: Vec<f32> = chord(24_000, 1.0).into_iter().take(samples).collect();
    let sentence = embed(home, folder.to_str().unwrap(), &audio, 24_000);
    fails_with(&sentence, 1, words);
}

#[test]
fn files_that_do_not_belong_together_are_told_by_tensor_and_field() {
    let home = Home::new();
    let same_place = "Take all files of a checkpoint from the same place";
    let position = |all: &[(String, Dtype, Vec<usize>, Vec<u8>)], name: &str| {
        all.iter().position(|tensor| tensor.0 == name).unwrap()
    };
    let missing = "layers.1.conv_module.conv_block.3.weight";
    let folder = copy(&home, |all| {
        all.remove(position(all, missing));
    });
    refused(&home, &folder, 24_000, &[missing, "no tensor", same_place]);

    let extra = "layers.0.attn.rotary.inv_freq";
    let folder = copy(&home, |all| {
        all.push((extra.to_owned(), Dtype::F32, vec![4], vec![0; 16]));
    });
    refused(
        &home,
        &folder,
        24_000,
        &[extra, "none of the network's", same_place],
    );

    let bent = "subsampling_module.1.resampling_layer.2.weight";
    let folder = copy(&home, |all| {
        let tensor = position(all, bent);
        all[tensor].2.swap(0, 1);
    });
    refused(
        &home,
        &folder,
        24_000,
        &[bent, "[16, 24, 2] instead of [24, 16, 2]"],
    );

    // Names as transformers gives them to a network inside another one are understood; other names are not.
    let folder = copy(&home, |all| {
        all.iter_mut()
            .for_each(|tensor| tensor.0.insert_str(0, "mert2."));
    });
    let audio = chord(24_000, 1.0);
    succeeds(&embed(&home, folder.to_str().unwrap(), &audio, 24_000));
    let folder = copy(&home, |all| {
        for tensor in all {
            tensor.0 = tensor.0.replace("attn.query_proj", "self_attn.linear_q");
        }
    });
    let name = "layers.0.attn.query_proj.weight";
    refused(&home, &folder, 24_000, &[name, "no tensor", same_place]);

    let folder = copy(&home, |_| {});
    refused(
        &home,
        &folder,
        20,
        &["20 samples at 24000 Hz", "1025 or more"],
    );
}

#[test]
fn the_configuration_of_the_other_variant_is_named() {
    let home = Home::new();
    let folder = home.path(ID);
    fs::create_dir_all(&folder).unwrap();
    for name in FILES {
        fs::copy(fixture("mert2").join(name), folder.join(name)).unwrap();
    }
    // The published sizes: the variants differ in nothing but what they were made for.
    let config = folder.join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    let mut fields: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, value) in [
        ("num_hidden_layers", 24.into()),
        ("hidden_size", 1_024.into()),
        ("num_attention_heads", 16.into()),
        ("num_mel_bins", 128.into()),
        ("subsampling_channels", vec![128, 512, 1_024].into()),
        ("context_seconds", serde_json::Value::from(360.0)),
        ("variant", "fs".into()),
    ] {
        fields[name] = value;
    }
    fs::write(&config, fields.to_string()).unwrap();
    let import = home.run(&["import", folder.to_str().unwrap(), "--yes"]);
    fails_with(
        &import,
        1,
        &["MERT-v2-FullSong", "context_seconds is 360", ID],
    );
    fields["model_type"] = "hubert".into();
    for (name, value) in [("conv_dim", 512), ("conv_kernel", 10), ("conv_stride", 5)] {
        fields[name] = vec![value].into();
    }
    fields["num_conv_pos_embeddings"] = 128.into();
    fields["num_conv_pos_embedding_groups"] = 16.into();
    fs::write(&config, fields.to_string()).unwrap();
    let import = home.run(&["import", folder.to_str().unwrap(), "--yes"]);
    fails_with(&import, 1, &["family hubert", ID, "mert2"]);
}
