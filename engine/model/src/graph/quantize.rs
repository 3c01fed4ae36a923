//! Weights of linear layers as 8-bit integers: symmetric, with one scale per output.
//!
//! Activations become unsigned 8-bit integers at run time (`DynamicQuantizeLinear`). x86 processors
//! without VNNI multiply unsigned by signed bytes in 16 bits, where pairs of products can overflow;
//! there the weights are unsigned too, with 128 as zero, for which ONNX Runtime computes exactly.

use super::onnx::TensorType;

/// The type of the weights on this processor, and the byte for 0.
pub(super) fn weights_type() -> (TensorType, u8) {
    if multiplies_signed() {
        (TensorType::I8, 0)
    } else {
        (TensorType::U8, 128)
    }
}

/// The name of the weights' type on this processor.
pub(super) fn id() -> &'static str {
    if multiplies_signed() {
        "signed"
    } else {
        "unsigned"
    }
}

#[cfg(target_arch = "x86_64")]
fn multiplies_signed() -> bool {
    is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni")
}

#[cfg(not(target_arch = "x86_64"))]
fn multiplies_signed() -> bool {
    true
}

/// The scale of each output of a matrix `[inputs, outputs]`: it makes the largest weight 127.
pub(super) fn scales(matrix: &[f32], outputs: usize) -> Vec<f32> {
    let mut largest = vec![0.0f32; outputs];
    for row in matrix.chunks_exact(outputs) {
        for (largest, weight) in largest.iter_mut().zip(row) {
            *largest = largest.max(weight.abs());
        }
    }
    // An output whose weights are all 0 may have any scale except 0.
    let scale = |largest: f32| if largest > 0.0 { largest / 127.0 } else { 1.0 };
    largest.into_iter().map(scale).collect()
}

/// A matrix `[inputs, outputs]` in bytes around `zero`.
pub(super) fn weights(matrix: &[f32], outputs: usize, zero: u8) -> Vec<u8> {
    let scales = scales(matrix, outputs);
    let mut out = Vec::with_capacity(matrix.len());
    for row in matrix.chunks_exact(outputs) {
        out.extend(row.iter().zip(&scales).map(|(weight, scale)| {
            let signed = (weight / scale).round().clamp(-127.0, 127.0) as i8;
            (signed as u8).wrapping_add(zero)
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_output_uses_the_whole_range_around_its_zero() {
        let matrix = [0.5, -4.0, 0.0, -1.0, 2.0, 0.0];
        assert_eq!(scales(&matrix, 3), [1.0 / 127.0, 4.0 / 127.0, 1.0]);
        let signed = [64, 129, 0, 129, 64, 0];
        assert_eq!(weights(&matrix, 3, 0), signed);
        assert_eq!(weights(&matrix, 3, 128), [192, 1, 128, 1, 192, 128]);
    }
}
