//! The graph of MuQ and MusicFM: mel spectrogram, stem of residual convolutions, conformer layers, outputs.
//!
//! The front end hears 80 dB down from the window's loudest frame, so that no part of a window's result can be
//! kept for the next window. It and the stem compute in single precision in every variant: their authors
//! warn of half precision.

use super::builder::Builder;
use super::conformer::{
    Activation, ConvolutionNames, ConvolutionNorm, Rotation, attention_rotated_before,
    convolution_module, half_feed_forward, rotation,
};
use super::mel::{DECIBELS, MelSizes, hann_window, htk_filters, log_mel};
use super::onnx::{Attribute, OnnxGraph};
use super::{INPUT, Variant};
use crate::checkpoint::musicfm::{FFT_SAMPLES, FILTERS, MusicFm, STEM_BLOCKS, WINDOW};
use crate::checkpoint::{Checkpoint, CheckpointError};

/// The number that batch normalization adds to variances: PyTorch's default, which no configuration changes.
const BATCH_EPSILON: f64 = 1e-5;

/// Decibels below the loudest value of a window under which nothing is heard (`top_db` of torchaudio's
/// `AmplitudeToDB`).
const RANGE_DB: f64 = 80.0;

/// The graph of a network's variant.
pub(super) fn graph(network: &MusicFm, variant: &Variant) -> OnnxGraph {
    let mut builder = Builder::new(network, variant, network.width, network.epsilon);
    let features = mel_features(&mut builder);
    let mut x = stem(&mut builder, &features);
    let rotation = rotation(&mut builder, &x, network.heads, |checkpoint| {
        checkpoint.floats("conformer.embed_positions.inv_freq")
    });
    let wanted = variant.layers.indices(network.layers + 1);
    let highest = wanted.last().copied().unwrap_or(0);
    let mut states = vec![x.clone()];
    for n in 0..highest {
        x = layer(
            &mut builder,
            &x,
            &format!("conformer.layers.{n}"),
            &rotation,
        );
        // Only the last one is normalized.
        states.push(if n + 1 == network.layers {
            builder.layer_norm(&x, "conformer.layer_norm", network.width)
        } else {
            x.clone()
        });
    }
    builder.outputs(&states, &wanted);
    builder.graph
}

/// Decibels of the mel spectrogram, standardized: `[batch, bands, spectra]`.
fn mel_features(builder: &mut Builder<'_, MusicFm>) -> String {
    let network = builder.network;
    let bands = network.bands;
    let rate_hz = network.sample_rate_hz();
    let sizes = MelSizes {
        fft_samples: FFT_SAMPLES,
        hop_samples: network.hop_samples,
        bands,
    };
    let is_held = network.holds_front_end;
    let window = move |checkpoint: &Checkpoint| match is_held {
        true => checkpoint.floats(WINDOW),
        false => Ok(hann_window(FFT_SAMPLES)),
    };
    let filters = move |checkpoint: &Checkpoint| match is_held {
        true => checkpoint.floats(FILTERS),
        false => Ok(htk_filters(FFT_SAMPLES / 2 + 1, bands, rate_hz)),
    };
    // The loudest frame may be the last one, which is dropped afterwards.
    let x = log_mel(builder, INPUT, sizes, true, window, filters);
    let axes = builder.integers(&[1, 2]);
    let keep = [("keepdims", Attribute::Int(1))];
    let loudest = builder.graph.node("ReduceMax", &[&x, &axes], &keep);
    let range = builder.scalar_f32((RANGE_DB / DECIBELS) as f32);
    let quietest = builder.graph.node("Sub", &[&loudest, &range], &[]);
    let x = builder.graph.node("Max", &[&x, &quietest], &[]);
    let (first, last) = (builder.integers(&[0]), builder.integers(&[-1]));
    let time = builder.integers(&[2]);
    let x = builder
        .graph
        .node("Slice", &[&x, &first, &last, &time], &[]);
    let scale = builder.scalar_f32((DECIBELS / network.deviation_db) as f32);
    let offset = builder.scalar_f32((-network.mean_db / network.deviation_db) as f32);
    let x = builder.graph.node("Mul", &[&x, &scale], &[]);
    builder.graph.node("Add", &[&x, &offset], &[])
}

/// The stem of `[batch, bands, spectra]`: `[batch, frames, width]`.
fn stem(builder: &mut Builder<'_, MusicFm>, features: &str) -> String {
    let network = builder.network;
    let channel = builder.integers(&[1]);
    let mut x = builder.graph.node("Unsqueeze", &[features, &channel], &[]);
    for block in 0..STEM_BLOCKS {
        let inputs = if block == 0 { 1 } else { network.channels };
        let y = convolution(builder, &x, (block, 1), inputs, 2);
        let y = builder.graph.node("Relu", &[&y], &[]);
        let y = convolution(builder, &y, (block, 2), network.channels, 1);
        let residual = convolution(builder, &x, (block, 3), inputs, 2);
        let sum = builder.graph.node("Add", &[&y, &residual], &[]);
        x = builder.graph.node("Relu", &[&sum], &[]);
    }
    // Channel by channel, each with its bands.
    let x = builder.transpose(&x, &[0, 3, 1, 2]);
    let x = builder.reshape(&x, &[0, 0, network.stem_width() as i64]);
    let sizes = [network.width, network.stem_width()];
    let x = builder.linear_f32(&x, "conv.linear", sizes);
    let bias = builder.vector_f32("conv.linear.bias", network.width);
    builder.graph.node("Add", &[&x, &bias], &[])
}

/// A convolution of 3 × 3 with its batch normalization, in one operator.
fn convolution(
    builder: &mut Builder<'_, MusicFm>,
    x: &str,
    (block, n): (usize, usize),
    inputs: usize,
    stride: i64,
) -> String {
    let channels = builder.network.channels;
    let name = format!("conv.conv.{block}.conv{n}");
    let norm = format!("conv.conv.{block}.bn{n}");
    let (source, of) = (name.clone(), norm.clone());
    let weight = builder.weight_f32(
        &format!("{name}.weight"),
        &[channels, inputs, 3, 3],
        move |checkpoint| {
            let norm = BatchNorm::of(checkpoint, &of)?;
            Ok(norm.scaled(checkpoint.floats(&format!("{source}.weight"))?))
        },
    );
    let source = name.clone();
    let bias = builder.weight_f32(&format!("{name}.bias"), &[channels], move |checkpoint| {
        let norm = BatchNorm::of(checkpoint, &norm)?;
        Ok(norm.applied(&checkpoint.floats(&format!("{source}.bias"))?))
    });
    let settings = [
        ("kernel_shape", Attribute::Ints(&[3, 3])),
        ("strides", Attribute::Ints(&[stride, stride])),
        ("pads", Attribute::Ints(&[1, 1, 1, 1])),
    ];
    builder.graph.node("Conv", &[x, &weight, &bias], &settings)
}

/// A batch normalization with its running statistics: a factor and an offset per channel.
struct BatchNorm(Vec<(f64, f64)>);

impl BatchNorm {
    fn of(checkpoint: &Checkpoint, name: &str) -> Result<Self, CheckpointError> {
        let part = |part: &str| checkpoint.floats(&format!("{name}.{part}"));
        let (weight, bias) = (part("weight")?, part("bias")?);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let channels = weight.iter().zip(&bias).zip(mean.iter().zip(&variance));
        let channel = |((weight, bias), (mean, variance)): ((&f32, &f32), (&f32, &f32))| {
            let factor = f64::from(*weight) / (f64::from(*variance) + BATCH_EPSILON).sqrt();
            (factor, f64::from(*bias) - f64::from(*mean) * factor)
        };
        Ok(Self(channels.map(channel).collect()))
    }

    /// A convolution's weight, `[channels, …]`, with the factors.
    fn scaled(&self, mut weight: Vec<f32>) -> Vec<f32> {
        let each = weight.len() / self.0.len().max(1);
        for (values, (factor, _)) in weight.chunks_exact_mut(each.max(1)).zip(&self.0) {
            for value in values {
                *value = (f64::from(*value) * factor) as f32;
            }
        }
        weight
    }

    /// The normalization of one value per channel.
    fn applied(&self, values: &[f32]) -> Vec<f32> {
        let channels = values.iter().zip(&self.0);
        let applied = channels.map(|(value, (factor, offset))| f64::from(*value) * factor + offset);
        applied.map(|value| value as f32).collect()
    }
}

/// A conformer layer of `x`, `[batch, frames, width]`.
fn layer(builder: &mut Builder<'_, MusicFm>, x: &str, name: &str, rotation: &Rotation) -> String {
    const SILU: Activation = Activation::Silu;
    let (width, inner) = (builder.width, builder.network.feed_forward_width);
    let dense = ["intermediate_dense", "output_dense"];
    let layers = |part: &str| dense.map(|layer| format!("{name}.{part}.{layer}"));
    let norm = |part: &str| format!("{name}.{part}_layer_norm");

    let normed = builder.layer_norm(x, &norm("ffn1"), width);
    let (y, bias) = half_feed_forward(builder, &normed, layers("ffn1"), inner, SILU);
    let (normed, x) = builder.add_and_norm(&y, &bias, x, &norm("self_attn"), true);

    let names = ["q", "k", "v", "out"].map(|part| format!("{name}.self_attn.linear_{part}"));
    let bias = builder.vector_f32(&format!("{}.bias", names[3]), width);
    let y = attention_rotated_before(builder, &normed, names, rotation);
    let convolution = format!("{name}.conv_module");
    let inputs_norm = format!("{convolution}.layer_norm");
    let (normed, x) = builder.add_and_norm(&y, &bias, &x, &inputs_norm, true);

    let depthwise = depthwise_parameters(builder, &convolution);
    let names = ConvolutionNames {
        expansion: format!("{convolution}.pointwise_conv1"),
        depthwise: depthwise.to_vec(),
        norm: ConvolutionNorm::Folded,
        projection: format!("{convolution}.pointwise_conv2"),
    };
    let kernel = builder.network.depthwise_kernel;
    let y = convolution_module(builder, &normed, &names, kernel, SILU);
    let (normed, x) = builder.add_and_norm(&y, "", &x, &norm("ffn2"), true);

    let (y, bias) = half_feed_forward(builder, &normed, layers("ffn2"), inner, SILU);
    let (x, _) = builder.add_and_norm(&y, &bias, &x, &norm("final"), false);
    x
}

/// Weight and bias of a depthwise convolution with its batch normalization.
fn depthwise_parameters(builder: &mut Builder<'_, MusicFm>, module: &str) -> [String; 2] {
    let (width, kernel) = (builder.width, builder.network.depthwise_kernel);
    let name = format!("{module}.depthwise_conv.weight");
    let norm = format!("{module}.batch_norm");
    let (source, of) = (name.clone(), norm.clone());
    let weight = builder.weight(&name, &[width, 1, 1, kernel], move |checkpoint| {
        Ok(BatchNorm::of(checkpoint, &of)?.scaled(checkpoint.floats(&source)?))
    });
    let bias = builder.weight(&format!("{norm} offsets"), &[width], move |checkpoint| {
        Ok(BatchNorm::of(checkpoint, &norm)?.applied(&vec![0.0; width]))
    });
    [weight, bias]
}
