use super::*;

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/checkpoints")
        .join(name)
}

#[test]
fn a_published_file_gives_names_shapes_and_numbers() {
    let weights = Weights::open(&fixture("post-group/pytorch_model.bin")).unwrap();
    let tensor = &weights.tensors()["encoder.pos_conv_embed.conv.weight_g"];
    assert_eq!(
        (&tensor.shape[..], tensor.element),
        (&[1, 1, 16][..], ElementType::F32)
    );
    let bias = weights
        .floats("encoder.layers.1.attention.q_proj.bias")
        .unwrap();
    assert_eq!(bias.len(), 24);
    let spread = bias.iter().map(|x| x * x).sum::<f32>() / 24.0;
    assert!((0.003..0.03).contains(&spread), "{spread}");
    let missing = weights.floats("no.such").unwrap_err().to_string();
    assert!(missing.contains("no.such"), "{missing}");
}

#[test]
fn safetensors_in_half_precision_are_read() {
    let weights = Weights::open(&fixture("post-layer-half/model.safetensors")).unwrap();
    assert!(
        weights
            .tensors()
            .values()
            .all(|tensor| tensor.element == ElementType::F16)
    );
    let norm = weights.floats("encoder.layer_norm.weight").unwrap();
    assert!(norm.iter().all(|x| (0.5..1.5).contains(x)), "{norm:?}");
}

#[test]
fn a_training_checkpoint_gives_its_state_dict_and_nothing_else() {
    let path = fixture("training.ckpt");
    let weights = Weights::open_training(&path).unwrap();
    let names: Vec<_> = weights.tensors().keys().map(String::as_str).collect();
    assert_eq!(names, ["head.0.bias", "head.0.weight", "n", "t"]);
    let counted: Vec<f32> = (0..12u8).map(f32::from).collect();
    assert_eq!(weights.floats("head.0.weight").unwrap(), counted);
    assert_eq!(weights.floats("head.0.bias").unwrap(), [1.0, 2.0, 3.0]);
    // A transposed view is read in the order of its shape.
    assert_eq!(weights.floats("t").unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    let integers = weights.floats("n").unwrap_err().to_string();
    assert!(integers.contains("integers"), "{integers}");
    // Opened as weights, the same file is refused because of its first unknown global.
    let refused = Weights::open(&path).unwrap_err().to_string();
    assert!(refused.contains("never run"), "{refused}");
}
