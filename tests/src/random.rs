//! Pseudo-random numbers, the same in every run.

/// Marsaglia's 64-bit xorshift.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A whole number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.bits() >> 11) % end as u64) as usize
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A sample that a healthy or a broken plugin before ours may send: mostly audio, sometimes a NaN
    /// with some payload, an infinity, a denormal, a zero of either sign, or any other bits.
    pub fn sample(&mut self) -> f32 {
        let bits = self.bits();
        let low = bits as u32;
        match (bits >> 32) % 64 {
            0 => f32::from_bits(0x7F80_0001 | low), // NaN of either sign
            1 => f32::from_bits(0x7F80_0000 | (low & (1 << 31))), // infinity
            2 => f32::from_bits(low & 0x807F_FFFF), // denormal
            3 => f32::from_bits(low & (1 << 31)),   // zero
            4 => f32::from_bits(low),               // anything at all
            _ => low as i32 as f32 / i32::MAX as f32,
        }
    }
}
