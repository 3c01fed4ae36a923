//! The bytes of a pickle, read piece by piece.

pub(super) const TRUNCATED: &str = "its pickle ends in the middle";
pub(super) const MALFORMED: &str = "its pickle is malformed";

/// The bytes that are not read yet.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let count = usize::try_from(count).map_err(|_| TRUNCATED)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of `bytes` bytes, at most 8.
    pub(super) fn number(&mut self, bytes: u64) -> Result<u64, String> {
        let taken = self.take(bytes)?.iter().rev();
        Ok(taken.fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Bytes that follow their own count, a number of `length_bytes` bytes.
    pub(super) fn counted(&mut self, length_bytes: u64) -> Result<&'a [u8], String> {
        let length = self.number(length_bytes)?;
        self.take(length)
    }

    /// UTF-8 text that follows its own length in bytes.
    pub(super) fn text(&mut self, length_bytes: u64) -> Result<&'a str, String> {
        let bytes = self.counted(length_bytes)?;
        std::str::from_utf8(bytes).map_err(|_| MALFORMED.to_owned())
    }

    /// Text up to the next line feed.
    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.ok_or(TRUNCATED)? as u64)?;
        self.byte()?;
        std::str::from_utf8(line).map_err(|_| MALFORMED.to_owned())
    }
}
