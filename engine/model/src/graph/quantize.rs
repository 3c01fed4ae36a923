//! Weights of linear layers as 8-bit integers: symmetric, with one scale per output.
//!
//! Activations become unsigned 8-bit integers at run time (`DynamicQuantizeLinear`). x86 processors
//! without VNNI multiply unsigned by signed bytes in 16 bits, where pairs of products can overflow;
//! there the weights are unsigned too, with 128 as zero, for which ONNX Runtime computes exactly; or signed with 7
//! bits, where no pair can overflow (2 · 255 · 63 < 2¹⁵), which is faster and less exact.

use super::onnx::TensorType;
use crate::Precision;

/// The name of the form of the weights in a precision on this processor.
pub(crate) fn weight_form(precision: Precision) -> &'static str {
    WeightForm::of(precision).id()
}

/// The form of the weights in integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WeightForm {
    /// −127 to 127.
    Signed,
    /// 1 to 255, where 128 stands for 0.
    Unsigned,
    /// −63 to 63.
    SevenBits,
}

impl WeightForm {
    /// The form that suits this processor.
    pub(super) fn of(precision: Precision) -> Self {
        match (multiplies_signed(), precision) {
            (true, _) => Self::Signed,
            (false, Precision::Int8Fast) => Self::SevenBits,
            (false, _) => Self::Unsigned,
        }
    }

    /// Its name.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Unsigned => "unsigned",
            Self::SevenBits => "7bit",
        }
    }

    /// The weights' type, and the byte for 0.
    pub(super) fn tensor(self) -> (TensorType, u8) {
        match self {
            Self::Signed | Self::SevenBits => (TensorType::I8, 0),
            Self::Unsigned => (TensorType::U8, 128),
        }
    }

    /// The largest weight, as a distance from 0.
    fn largest(self) -> f32 {
        match self {
            Self::Signed | Self::Unsigned => 127.0,
            Self::SevenBits => 63.0,
        }
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

/// The scale of each output of a matrix `[inputs, outputs]`: it makes the largest weight the form's largest.
pub(super) fn scales(matrix: &[f32], outputs: usize, form: WeightForm) -> Vec<f32> {
    let mut largest = vec![0.0f32; outputs];
    for row in matrix.chunks_exact(outputs) {
        for (largest, weight) in largest.iter_mut().zip(row) {
            *largest = largest.max(weight.abs());
        }
    }
    // An output whose weights are all 0 may have any scale except 0.
    let scale = |largest: f32| {
        if largest > 0.0 {
            largest / form.largest()
        } else {
            1.0
        }
    };
    largest.into_iter().map(scale).collect()
}

/// A matrix `[inputs, outputs]` in the bytes of a form.
pub(super) fn weights(matrix: &[f32], outputs: usize, form: WeightForm) -> Vec<u8> {
    let (scales, (_, zero)) = (scales(matrix, outputs, form), form.tensor());
    let mut out = Vec::with_capacity(matrix.len());
    for row in matrix.chunks_exact(outputs) {
        out.extend(row.iter().zip(&scales).map(|(weight, scale)| {
            let largest = form.largest();
            let signed = (weight / scale).round().clamp(-largest, largest) as i8;
            (signed as u8).wrapping_add(zero)
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix that [`weights`] stand for.
    fn rounded(matrix: &[f32], outputs: usize, form: WeightForm) -> Vec<f32> {
        let (scales, (_, zero)) = (scales(matrix, outputs, form), form.tensor());
        let bytes = weights(matrix, outputs, form);
        let rows = bytes.chunks_exact(outputs);
        let values = rows.flat_map(|row| row.iter().zip(&scales));
        values
            .map(|(byte, scale)| f32::from(byte.wrapping_sub(zero) as i8) * scale)
            .collect()
    }

    #[test]
    fn each_output_uses_the_whole_range_around_its_zero() {
        let matrix = [0.5, -4.0, 0.0, -1.0, 2.0, 0.0];
        let scales = |form| scales(&matrix, 3, form);
        let weights = |form| weights(&matrix, 3, form);
        assert_eq!(scales(WeightForm::Signed), [1.0 / 127.0, 4.0 / 127.0, 1.0]);
        assert_eq!(weights(WeightForm::Signed), [64, 129, 0, 129, 64, 0]);
        assert_eq!(weights(WeightForm::Unsigned), [192, 1, 128, 1, 192, 128]);
        assert_eq!(scales(WeightForm::SevenBits)[..2], [1.0 / 63.0, 4.0 / 63.0]);
        assert_eq!(weights(WeightForm::SevenBits)[1..4], [193, 0, 193]);
        for form in [
            WeightForm::Signed,
            WeightForm::Unsigned,
            WeightForm::SevenBits,
        ] {
            let rounded = rounded(&matrix, 3, form);
            let errors = rounded.iter().zip(matrix).map(|(a, b)| (a - b).abs());
            // At most half a step.
            for (error, scale) in errors.zip(scales(form).repeat(2)) {
                assert!(error <= 0.5 * scale + 1e-6, "{form:?}: {error}");
            }
        }
    }
}
