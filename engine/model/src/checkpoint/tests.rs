//! Configurations and lists of tensors that are not supported, each refused with its own message.

use std::fs;

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/checkpoints")
        .join(name)
}

fn configuration(name: &str) -> String {
    fs::read_to_string(fixture(name).join(CONFIG)).unwrap()
}

fn parsed(text: &str) -> Result<wav2vec::Network, String> {
    match Network::parse(text.as_bytes())? {
        Network::Wav2Vec(network) => Ok(network),
        other => Err(format!("this is another family: {other:?}")),
    }
}

#[test]
fn the_published_configurations_give_the_published_networks() {
    let network = parsed(&configuration("pre-layer-bias")).unwrap();
    assert!(network.pre_norm && network.convolution_bias && network.projection_norm);
    assert_eq!(network.feature_norm, wav2vec::FeatureNorm::Layer);
    assert_eq!(network.min_samples(), 400);
    let network = parsed(&configuration("data2vec")).unwrap();
    assert_eq!((network.positional, network.positional_kernel), (3, 7));
    // 95M: 211 tensors, one of which is used only in training.
    let base = configuration("post-group")
        .replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 12")
        .replace("\"hidden_size\": 24", "\"hidden_size\": 768")
        .replace("\"intermediate_size\": 48", "\"intermediate_size\": 3072")
        .replace(
            "\"num_conv_pos_embeddings\": 16",
            "\"num_conv_pos_embeddings\": 128",
        )
        .replace(
            "\"num_conv_pos_embedding_groups\": 4",
            "\"num_conv_pos_embedding_groups\": 16",
        );
    let mut base = parsed(&base).unwrap();
    base.convolutions
        .iter_mut()
        .for_each(|convolution| convolution.channels = 512);
    let tensors = base.tensors();
    assert_eq!(tensors.len(), 210);
    let count: usize = tensors
        .iter()
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    assert_eq!(count + 768, 94_371_712);
}

#[test]
fn unsupported_configurations_are_refused_by_field() {
    let post = configuration("post-group");
    for (from, to, expected) in [
        ("\"mert_model\"", "\"bert\"", "model_type is “bert”"),
        (
            "\"feature_extractor_cqt\": false",
            "\"feature_extractor_cqt\": true",
            "constant-Q",
        ),
        ("\"deepnorm\": false", "\"deepnorm\": true", "deepnorm"),
        (
            "\"deepnorm\": false",
            "\"conv_pos_batch_norm\": true",
            "conv_pos_batch_norm",
        ),
        ("\"deepnorm\": false", "\"add_adapter\": true", "adapter"),
        (
            "\"hidden_act\": \"gelu\"",
            "\"hidden_act\": \"relu\"",
            "“relu” is not gelu",
        ),
        (
            "\"feat_extract_norm\": \"group\"",
            "\"feat_extract_norm\": \"batch\"",
            "“batch”",
        ),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 0",
            "num_hidden_layers is 0",
        ),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 4000000000",
            "not between",
        ),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": -1",
            "does not describe",
        ),
        (
            "\"num_attention_heads\": 2",
            "\"num_attention_heads\": 5",
            "can't be divided",
        ),
        ("\"hidden_size\": 24,", "", "hidden_size"),
        (
            "\"layer_norm_eps\": 1e-05",
            "\"layer_norm_eps\": 0",
            "layer_norm_eps",
        ),
        (
            "\"conv_bias\": false",
            "\"conv_bias\": 3",
            "does not describe",
        ),
    ] {
        assert!(post.contains(from), "{from}");
        let error = parsed(&post.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
    }
    let short = post.replacen("10,", "", 1);
    assert!(parsed(&short).unwrap_err().contains("[7, 6, 7]"));
    let stable = configuration("data2vec").replacen('{', "{\"do_stable_layer_norm\": true,", 1);
    assert!(
        parsed(&stable)
            .unwrap_err()
            .contains("do_stable_layer_norm")
    );
    for text in ["", "[]", "nothing"] {
        assert!(parsed(text).is_err());
    }
}

#[test]
fn missing_extra_and_misshapen_tensors_are_named() {
    let weights = fixture("post-group/pytorch_model.bin");
    let open = |from: &str, to: &str| {
        let text = configuration("post-group");
        assert!(text.contains(from));
        let network = parsed(&text.replacen(from, to, 1)).unwrap();
        Checkpoint::open(Network::Wav2Vec(network), &weights)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    open("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 2").unwrap();
    for (from, to, expected) in [
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 3",
            "no tensor “encoder.layers.2.",
        ),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 1",
            "none of the network's",
        ),
        (
            "\"intermediate_size\": 48",
            "\"intermediate_size\": 64",
            "[48, 24] instead of [64, 24]",
        ),
        ("\"conv_bias\": false", "\"conv_bias\": true", "conv.bias"),
        (
            "\"feat_extract_norm\": \"group\"",
            "\"feat_extract_norm\": \"layer\"",
            "layers.1.layer_norm",
        ),
    ] {
        let error = open(from, to).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
        assert!(error.contains("pytorch_model.bin"), "{error}");
    }
}

#[test]
fn configuration_files_are_limited_in_size_and_must_be_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(CONFIG);
    fs::write(&path, vec![b' '; (MAX_CONFIG_BYTES + 1) as usize]).unwrap();
    assert!(network(&path).unwrap_err().to_string().contains("megabyte"));
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        network(&path),
        Err(CheckpointError::Unreadable { .. })
    ));
    fs::write(&path, r#"{"do_normalize": true}"#).unwrap();
    let error = preprocessor(&path).unwrap_err().to_string();
    assert!(error.contains("sampling_rate"), "{error}");
}
