//! Heads with known answers, and unusable files.

use super::*;
use mertscope_model::HiddenStates;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

type Tensors<'a> = Vec<(&'a str, Vec<usize>, Vec<f32>)>;

fn file(tensors: &Tensors, changed: &[(&str, &str)]) -> Vec<u8> {
    let mut metadata: HashMap<String, String> = [
        ("task", "mood"),
        ("labels", r#"["calm", "tense"]"#),
        ("layers", "[1]"),
        ("temperature", "2"),
        ("encoder_sha256", "abc"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();
    for (name, value) in changed {
        metadata.insert((*name).to_owned(), (*value).to_owned());
    }
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&data).map(|((name, shape, _), data)| {
        (
            *name,
            TensorView::new(Dtype::F32, shape.clone(), data).unwrap(),
        )
    });
    safetensors::serialize(views, Some(metadata)).unwrap()
}

fn linear() -> Tensors<'static> {
    vec![
        ("weight", vec![2, 2], vec![1., 0., 0., 1.]),
        ("bias", vec![2], vec![0., 0.5]),
        ("mean", vec![2], vec![1., 1.]),
        ("std", vec![2], vec![2., 0.5]),
    ]
}

fn states() -> HiddenStates {
    HiddenStates {
        layers: 2,
        which: mertscope_model::LayerSet::All,
        frames: None,
        window: None,
        width: 2,
        data: vec![9., 9., 3., 2.],
    }
}

fn parse(tensors: &Tensors, changed: &[(&str, &str)]) -> Result<Head, HeadError> {
    Head::parse(&file(tensors, changed), Path::new("mood.safetensors"))
}

#[test]
fn a_linear_head_standardizes_multiplies_and_calibrates() {
    let p = parse(&linear(), &[]).unwrap().predict(&states());
    // x = ((3−1)/2, (2−1)/0.5) = (1, 2); logits (1, 2.5), divided by the temperature 2.
    let expected = 1.0 / (1.0 + (0.75f32).exp());
    assert!(
        (p[0] - expected).abs() < 1e-6 && (p[0] + p[1] - 1.0).abs() < 1e-6,
        "{p:?}"
    );
}

#[test]
fn a_hidden_layer_is_rectified() {
    let mut tensors = linear();
    tensors[0] = ("weight", vec![2, 3], vec![1., 0., 0., 0., 1., 1.]);
    tensors.push(("hidden.weight", vec![3, 2], vec![-1., 0., 0., 1., 1., 1.]));
    tensors.push(("hidden.bias", vec![3], vec![0., -1., 0.]));
    let p = parse(&tensors, &[]).unwrap().predict(&states());
    // ReLU(−1, 1, 3) = (0, 1, 3); logits (0, 4.5) / 2.
    assert!(
        (p[1] - 1.0 / (1.0 + (-2.25f32).exp())).abs() < 1e-6,
        "{p:?}"
    );
}

#[test]
fn outputs_follow_the_files_metadata() {
    let of = |outputs| {
        parse(&linear(), &[("outputs", outputs)])
            .unwrap()
            .predict(&states())
    };
    // Logits (1, 2.5), divided by the temperature 2.
    assert_eq!(of("regression"), [0.5, 1.25]);
    for (p, logit) in of("multilabel").iter().zip([0.5f32, 1.25]) {
        assert!((p - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6, "{p}");
    }
    assert!((of("multiclass").iter().sum::<f32>() - 1.0).abs() < 1e-6);
}

#[test]
fn frames_are_read_one_by_one_or_averaged() {
    let frames = HiddenStates {
        layers: 1,
        which: mertscope_model::LayerSet::of([1], 2),
        frames: Some(2),
        window: None,
        width: 2,
        data: vec![1., 2., 5., 2.],
    };
    // The mean of the frames is (3, 2), what `states` holds.
    let window = parse(&linear(), &[]).unwrap();
    assert_eq!(window.predict(&frames), window.predict(&states()));
    let each = parse(&linear(), &[("reads", "frames"), ("outputs", "regression")]).unwrap();
    // x = (0, 2) and (2, 2); logits (0, 2.5) and (2, 2.5), divided by the temperature 2.
    assert_eq!(each.predict_frames(&frames), [0.0, 1.25, 1.0, 1.25]);
    assert_eq!(each.predict(&frames), [0.5, 1.25]);
    assert_eq!(each.predict(&states()), [0.5, 1.25]);
}

#[test]
fn layers_are_mixed_by_softmax_weights() {
    let mut tensors = linear();
    tensors.push(("layer_weights", vec![2], vec![0.0, 3.0f32.ln()]));
    let head = parse(&tensors, &[("layers", "[0, 1]")]).unwrap();
    let LayerInput::Weighted(layers) = &head.input else {
        panic!("not weighted")
    };
    let mixed = weighted(&states(), layers);
    assert!(
        (mixed[0] - (0.25 * 9.0 + 0.75 * 3.0)).abs() < 1e-5,
        "{mixed:?}"
    );
}

#[test]
fn a_damaged_or_inconsistent_file_is_refused_with_a_reason() {
    let with = |name: &'static str, shape: Vec<usize>, values: Vec<f32>| {
        let mut tensors = linear();
        tensors.retain(|(other, ..)| *other != name);
        tensors.push((name, shape, values));
        tensors
    };
    for (tensors, changed, expected) in [
        (linear(), ("labels", "[\"calm\"]"), "fewer than two"),
        (linear(), ("labels", "[\"a\", \"a\"]"), "twice"),
        (
            linear(),
            ("labels", "[\"a\", \"b\", \"c\"]"),
            "3 labels but 2 outputs",
        ),
        (linear(), ("labels", "calm"), "JSON"),
        (linear(), ("temperature", "0"), "temperature"),
        (linear(), ("temperature", "NaN"), "temperature"),
        (linear(), ("threshold", "1.5"), "threshold"),
        (linear(), ("threshold", "NaN"), "threshold"),
        (linear(), ("outputs", "softmax"), "“softmax”"),
        (linear(), ("reads", "beats"), "“beats”"),
        (linear(), ("layers", "[]"), "no layer"),
        (linear(), ("layers", "[0, 1]"), "layer_weights"),
        (
            with("std", vec![2], vec![1., 0.]),
            ("task", "x"),
            "positive",
        ),
        (with("mean", vec![1], vec![1.]), ("task", "x"), "mean"),
        (
            with("bias", vec![2], vec![f32::NAN, 0.]),
            ("task", "x"),
            "finite",
        ),
        (
            with("weight", vec![4], vec![0.; 4]),
            ("task", "x"),
            "don't fit",
        ),
        (
            with("hidden.bias", vec![1], vec![0.]),
            ("task", "x"),
            "only one",
        ),
    ] {
        let error = parse(&tensors, &[changed]).unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains("mood.safetensors"),
            "{error}"
        );
    }
    for bytes in [
        &b""[..],
        b"RIFF",
        &u64::MAX.to_le_bytes(),
        &file(&linear(), &[])[..100],
    ] {
        assert!(Head::parse(bytes, Path::new("x")).is_err());
    }
}

#[test]
fn a_head_of_another_model_or_with_unmixable_layers_is_refused() {
    let manifest = mertscope_model::Model::embedded().unwrap().manifest;
    let sha = manifest.sha256();
    let wide = |extra: Option<(&'static str, Vec<usize>, Vec<f32>)>| {
        let mut tensors = vec![
            ("weight", vec![2, 256], vec![0.0; 512]),
            ("bias", vec![2], vec![0.0; 2]),
        ];
        tensors.extend(extra);
        tensors
    };
    let weights = Some(("layer_weights", vec![2], vec![0.0; 2]));
    for (tensors, changed, expected) in [
        (wide(None), vec![("encoder_sha256", "abc")], "other weights"),
        (linear(), vec![("encoder_sha256", sha)], "2 values"),
        (
            wide(None),
            vec![("encoder_sha256", sha), ("layers", "[7]")],
            "no layer 7",
        ),
        (
            wide(weights),
            vec![("encoder_sha256", sha), ("layers", "[0, 1]")],
            "not alike",
        ),
        (
            wide(None),
            vec![("encoder_sha256", sha), ("task", "key")],
            "24 keys",
        ),
        (
            wide(None),
            vec![
                ("encoder_sha256", sha),
                ("reads", "frames"),
                ("frames_sha256", "abc"),
            ],
            "other frames",
        ),
        (
            wide(None),
            vec![
                ("encoder_sha256", sha),
                ("task", "genre"),
                ("outputs", "multilabel"),
            ],
            "chooses one label",
        ),
        (
            wide(None),
            vec![("encoder_sha256", sha), ("task", "tuning")],
            "a regression head with two outputs",
        ),
    ] {
        let error = parse(&tensors, &changed)
            .unwrap()
            .check(&manifest)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let of_frames = [("encoder_sha256", sha), ("reads", "frames")];
    for good in [&of_frames[..1], &of_frames] {
        let head = parse(&wide(None), good).unwrap();
        head.check(&manifest).unwrap();
    }
    let mut without = manifest.clone();
    without.graph.frames.clear();
    let head = parse(&wide(None), &of_frames).unwrap();
    let error = head.check(&without).unwrap_err().to_string();
    assert!(error.contains("gives none"), "{error}");
}
