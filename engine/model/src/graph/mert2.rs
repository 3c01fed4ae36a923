//! The graph of MERT-v2: mel spectrogram, ConvNeXt subsampler, conformer blocks, outputs.
//!
//! The subsampler stays in single precision in every variant: its response normalization sums over the
//! whole window, and its layers are a tenth of the work. Because of these sums no part of a window's
//! result can be kept for the next window.

use super::builder::Builder;
use super::conformer::{
    Activation, ConvolutionNames, ConvolutionNorm, Rotation, attention_rotated_after,
    convolution_module, depthwise, half_feed_forward, rotation,
};
use super::convolutions::{unfold, unfolded_weight};
use super::mel::{DECIBELS, MelSizes, log_mel};
use super::onnx::{Attribute, OnnxGraph};
use super::{INPUT, Variant};
use crate::checkpoint::mert2::{CONVNEXT_EXPANSION, CONVNEXT_KERNEL, Mert2};

/// The most queries of attention that are answered at once, in frames, within the context that a network was made
/// for: 41 s. Longer contexts are those of whole songs.
const QUERIES_AT_ONCE: usize = 1024;

/// The graph of a network's variant.
pub(super) fn graph(network: &Mert2, variant: &Variant) -> OnnxGraph {
    let mut builder = Builder::new(network, variant, network.width, network.epsilon);
    builder.query_parts = network.context_frames().div_ceil(QUERIES_AT_ONCE);
    let features = mel_features(&mut builder);
    let mut x = subsampler(&mut builder, &features);
    let heads = network.heads;
    let (half, base) = (network.width / heads / 2, network.rotary_base);
    let rotation = rotation(&mut builder, &x, heads, move |_| {
        let exponents = (0..half).map(|n| n as f32 / half as f32);
        Ok(exponents.map(|power| 1.0 / base.powf(power)).collect())
    });
    let wanted = variant.layers.indices(network.layers);
    let highest = wanted.last().copied().unwrap_or(0);
    let mut states = Vec::new();
    for n in 0..=highest {
        x = block(&mut builder, &x, &format!("layers.{n}"), &rotation);
        states.push(x.clone());
    }
    builder.outputs(&states, &wanted);
    builder.graph
}

/// Decibels of the mel spectrogram, standardized per band: `[batch, frames, bands]`.
fn mel_features(builder: &mut Builder<'_, Mert2>) -> String {
    let network = builder.network;
    let bands = network.bands;
    let sizes = MelSizes {
        fft_samples: network.fft_samples,
        hop_samples: network.hop_samples,
        bands,
    };
    let logarithms = log_mel(
        builder,
        INPUT,
        sizes,
        false,
        |checkpoint| checkpoint.floats("feature_extractor.spectrogram.window"),
        |checkpoint| checkpoint.floats("feature_extractor.mel_scale.fb"),
    );
    let x = builder.transpose(&logarithms, &[0, 2, 1]);
    // (decibels - mean) / deviation as one product and one sum.
    let deviation = |deviation: f32| f64::from(deviation.max(1e-5));
    let scale = builder.weight_f32("decibels per deviation", &[bands], move |checkpoint| {
        let deviations = checkpoint.floats("feature_extractor.mel_std")?;
        let scale = |it: &f32| (DECIBELS / deviation(*it)) as f32;
        Ok(deviations.iter().map(scale).collect())
    });
    let offset = builder.weight_f32("mean in deviations", &[bands], move |checkpoint| {
        let means = checkpoint.floats("feature_extractor.mel_mean")?;
        let deviations = checkpoint.floats("feature_extractor.mel_std")?;
        let offset = |(mean, it): (&f32, &f32)| (-f64::from(*mean) / deviation(*it)) as f32;
        Ok(means.iter().zip(&deviations).map(offset).collect())
    });
    let x = builder.graph.node("Mul", &[&x, &scale], &[]);
    builder.graph.node("Add", &[&x, &offset], &[])
}

/// The subsampler of `[batch, spectra, bands]`: `[batch, frames, width]`.
fn subsampler(builder: &mut Builder<'_, Mert2>, features: &str) -> String {
    let mut x = features.to_owned();
    let mut inputs = builder.network.bands;
    for (n, stage) in builder.network.stages.iter().enumerate() {
        let name = format!("subsampling_module.{n}");
        if n > 0 {
            x = halved(builder, &x, &name, [inputs, stage.channels]);
        }
        for layer in 0..stage.depth {
            let name = format!("{name}.convnext_layers.{layer}");
            x = convnext_layer(builder, &x, &name, stage.channels);
        }
        inputs = stage.channels;
    }
    x
}

/// Every two frames of `x` as one, with other channels.
fn halved(
    builder: &mut Builder<'_, Mert2>,
    x: &str,
    stage: &str,
    [inputs, channels]: [usize; 2],
) -> String {
    let epsilon = builder.network.subsampling_epsilon;
    let name = format!("{stage}.resampling_layer.0");
    let x = builder.layer_norm_with(x, &name, inputs, epsilon);
    let pairs = unfold(builder, &x, inputs, [2, 2]);
    let name = format!("{stage}.resampling_layer.2");
    let source = format!("{name}.weight");
    let weight = builder.weight_f32(
        &source.clone(),
        &[2 * inputs, channels],
        move |checkpoint| unfolded_weight(checkpoint, &source, [channels, inputs, 2]),
    );
    let x = builder.graph.node("MatMul", &[&pairs, &weight], &[]);
    let bias = builder.vector_f32(&format!("{name}.bias"), channels);
    builder.graph.node("Add", &[&x, &bias], &[])
}

/// A ConvNeXt layer over time (Woo et al. 2023, ConvNeXt V2).
fn convnext_layer(
    builder: &mut Builder<'_, Mert2>,
    x: &str,
    name: &str,
    channels: usize,
) -> String {
    let inner = CONVNEXT_EXPANSION * channels;
    let source = format!("{name}.depthwise_block.1.weight");
    let shape = [channels, 1, 1, CONVNEXT_KERNEL];
    let weight = builder.weight_f32(&source.clone(), &shape, move |c| c.floats(&source));
    let bias = builder.vector_f32(&format!("{name}.depthwise_block.1.bias"), channels);
    let y = depthwise(builder, x, channels, CONVNEXT_KERNEL, &[&weight, &bias]);
    let name = format!("{name}.pointwise_block");
    let epsilon = builder.network.subsampling_epsilon;
    let y = builder.layer_norm_with(&y, &format!("{name}.0"), channels, epsilon);
    let y = builder.linear_f32(&y, &format!("{name}.1"), [inner, channels]);
    let bias = builder.vector_f32(&format!("{name}.1.bias"), inner);
    let y = builder.gelu_f32(&y, &bias);
    let y = response_norm(builder, &y, &format!("{name}.3"), inner);
    let y = builder.linear_f32(&y, &format!("{name}.4"), [channels, inner]);
    let bias = builder.vector_f32(&format!("{name}.4.bias"), channels);
    let y = builder.graph.node("Add", &[&y, &bias], &[]);
    builder.graph.node("Add", &[x, &y], &[])
}

/// Global response normalization over time: each channel's length over the whole window, relative to the
/// channels' mean.
fn response_norm(builder: &mut Builder<'_, Mert2>, x: &str, name: &str, width: usize) -> String {
    let (time, channels) = (builder.integers(&[1]), builder.integers(&[2]));
    let keep = || [("keepdims", Attribute::Int(1))];
    let lengths = builder.graph.node("ReduceL2", &[x, &time], &keep());
    let inputs = [lengths.as_str(), &channels];
    let mean = builder.graph.node("ReduceMean", &inputs, &keep());
    let least = builder.scalar_f32(1e-6);
    let mean = builder.graph.node("Add", &[&mean, &least], &[]);
    let relative = builder.graph.node("Div", &[&lengths, &mean], &[]);
    let weight = builder.vector_f32(&format!("{name}.weight"), width);
    let bias = builder.vector_f32(&format!("{name}.bias"), width);
    // weight · x · relative + bias + x as x · (weight · relative + 1) + bias: one pass less over the frames.
    let factor = builder.graph.node("Mul", &[&relative, &weight], &[]);
    let one = builder.scalar_f32(1.0);
    let factor = builder.graph.node("Add", &[&factor, &one], &[]);
    let x = builder.graph.node("Mul", &[x, &factor], &[]);
    builder.graph.node("Add", &[&x, &bias], &[])
}

/// A conformer block of `x`, `[batch, frames, width]`.
fn block(builder: &mut Builder<'_, Mert2>, x: &str, name: &str, rotation: &Rotation) -> String {
    const GELU: Activation = Activation::Gelu;
    let (width, inner) = (builder.width, builder.network.feed_forward_width);
    let layers = |part: &str| ["w_1", "w_2"].map(|layer| format!("{name}.{part}.{layer}"));
    let norm = |part: &str| format!("{name}.{part}");

    let normed = builder.layer_norm(x, &norm("ffn1_layer_norm"), width);
    let (y, bias) = half_feed_forward(builder, &normed, layers("ffn1"), inner, GELU);
    let (normed, x) = builder.add_and_norm(&y, &bias, x, &norm("attn_layer_norm"), true);

    let projections = ["query", "key", "value", "out"];
    let names = projections.map(|part| format!("{name}.attn.{part}_proj"));
    let bias = builder.vector_f32(&format!("{}.bias", names[3]), width);
    let y = attention_rotated_after(builder, &normed, names, rotation);
    let convolution = format!("{name}.conv_module");
    let inputs_norm = format!("{convolution}.layer_norm");
    let (normed, x) = builder.add_and_norm(&y, &bias, &x, &inputs_norm, true);

    let layer = |n: &str| format!("{convolution}.conv_block.{n}");
    let kernel = builder.network.depthwise_kernel;
    let weight = format!("{}.weight", layer("3"));
    let names = ConvolutionNames {
        expansion: layer("1"),
        depthwise: vec![builder.tensor(&weight, &[width, 1, 1, kernel])],
        norm: ConvolutionNorm::Layer(layer("4.1")),
        projection: layer("6"),
    };
    let y = convolution_module(builder, &normed, &names, kernel, GELU);
    let (normed, x) = builder.add_and_norm(&y, "", &x, &norm("ffn2_layer_norm"), true);

    let (y, bias) = half_feed_forward(builder, &normed, layers("ffn2"), inner, GELU);
    let (x, _) = builder.add_and_norm(&y, &bias, &x, &norm("final_layer_norm"), false);
    x
}
