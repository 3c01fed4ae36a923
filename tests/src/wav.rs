//! The header of WAV files, for all that write some: these tests, those of the decoder and the bench.
//! A file of its own without dependencies, because the decoder's tests and xtask include it by path.

/// The format of samples in a WAV file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WavFormat {
    /// The format tag: 1 for integers, 3 for floats.
    pub(crate) tag: u16,
    /// Bits per sample.
    pub(crate) bits: u16,
    /// Channels.
    pub(crate) channels: u16,
    /// Frames per second.
    pub(crate) rate_hz: u32,
}

impl WavFormat {
    /// The 44 bytes before `data_bytes` of samples.
    pub(crate) fn header(self, data_bytes: u32) -> Vec<u8> {
        self.header_with_lengths(data_bytes + 36, data_bytes)
    }

    /// The same with any lengths in the RIFF and the data chunk, as broken writers leave them.
    pub(crate) fn header_with_lengths(self, riff_bytes: u32, data_bytes: u32) -> Vec<u8> {
        let frame_bytes = self.bits / 8 * self.channels;
        let bytes_per_s = self.rate_hz.wrapping_mul(frame_bytes.into());
        let mut header = b"RIFF".to_vec();
        header.extend(riff_bytes.to_le_bytes());
        header.extend(b"WAVEfmt \x10\0\0\0");
        header.extend([self.tag.to_le_bytes(), self.channels.to_le_bytes()].concat());
        header.extend([self.rate_hz.to_le_bytes(), bytes_per_s.to_le_bytes()].concat());
        header.extend([frame_bytes.to_le_bytes(), self.bits.to_le_bytes()].concat());
        header.extend(b"data");
        header.extend(data_bytes.to_le_bytes());
        header
    }
}
