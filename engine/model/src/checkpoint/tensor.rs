//! A tensor in a file of weights: its shape, the type of its numbers, and its place.

/// The type of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point of IEEE 754.
    F16,
    /// The upper half of a 32-bit floating point number.
    Bf16,
    /// 64-bit integer.
    I64,
}

impl ElementType {
    /// Bytes of one number.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::I64 => 8,
        }
    }
}

/// A tensor's shape, type and place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// The type of its numbers.
    pub element: ElementType,
    /// The place of its first number, in bytes from the start of the file.
    pub(super) start: u64,
    /// Distances between neighbors along each axis, in elements.
    pub(super) strides: Vec<u64>,
}

impl Tensor {
    /// Number of elements of a shape; `None` when it overflows.
    pub(super) fn count(shape: &[usize]) -> Option<u64> {
        shape
            .iter()
            .try_fold(1u64, |count, size| count.checked_mul(*size as u64))
    }

    /// Number of elements from its first to its last one in the file; `None` when it overflows.
    pub(super) fn span(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let axes = self.shape.iter().zip(&self.strides);
        axes.into_iter().try_fold(1u64, |span, (size, stride)| {
            span.checked_add((*size as u64 - 1).checked_mul(*stride)?)
        })
    }

    /// The strides of a contiguous tensor, row by row.
    pub(super) fn contiguous(shape: &[usize]) -> Vec<u64> {
        let mut strides = vec![1u64; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(shape[axis] as u64);
        }
        strides
    }
}
