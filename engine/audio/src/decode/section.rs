//! A part of a file as a source of its own, behind bytes that stand in for what came before it.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// The bytes `head`, then those of `file` between `start` and `end`.
pub(super) struct Section<F> {
    file: F,
    head: Vec<u8>,
    start: u64,
    /// `None` reads to the end of the file, wherever that is by then.
    end: Option<u64>,
    /// The length of the file when it was opened.
    file_bytes: u64,
    position: u64,
    /// Whether `file` stands where `position` is.
    is_placed: bool,
}

impl<F: Seek> Section<F> {
    /// Takes over `file`, wherever it stands.
    pub(crate) fn new(
        mut file: F,
        head: Vec<u8>,
        start: u64,
        end: Option<u64>,
    ) -> io::Result<Self> {
        let file_bytes = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            head,
            start,
            end,
            file_bytes,
            position: 0,
            is_placed: false,
        })
    }

    fn bytes(&self) -> u64 {
        let end = self.end.unwrap_or(self.file_bytes);
        end.saturating_sub(self.start) + self.head.len() as u64
    }
}

impl<F: Read + Seek> Read for Section<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = usize::try_from(self.position)
            .ok()
            .and_then(|position| self.head.get(position..))
            .unwrap_or_default();
        if !head.is_empty() {
            let read = head.len().min(buffer.len());
            buffer[..read].copy_from_slice(&head[..read]);
            self.position += read as u64;
            return Ok(read);
        }
        let at = self.start + (self.position - self.head.len() as u64);
        if !self.is_placed {
            self.file.seek(SeekFrom::Start(at))?;
            self.is_placed = true;
        }
        let left = self.end.map_or(u64::MAX, |end| end.saturating_sub(at));
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.file.read(&mut buffer[..wanted])?;
        self.position += read as u64;
        Ok(read)
    }
}

impl<F: Seek> Seek for Section<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.bytes().checked_add_signed(offset),
        };
        // Beyond `i64::MAX` no file can be.
        let target = target.filter(|&target| target <= i64::MAX as u64 - self.start);
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        self.is_placed = false;
        Ok(self.position)
    }
}

impl<F: Read + Seek + Send + Sync> MediaSource for Section<F> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_section_reads_its_head_and_its_part_from_any_position() {
        let file = Cursor::new(b"0123456789".to_vec());
        let mut section = Section::new(file, b"ab".to_vec(), 3, Some(7)).unwrap();
        assert_eq!(section.byte_len(), Some(6));
        let mut whole = String::new();
        section.read_to_string(&mut whole).unwrap();
        assert_eq!(whole, "ab3456");
        for (to, rest) in [
            (SeekFrom::Start(1), "b3456"),
            (SeekFrom::End(-2), "56"),
            (SeekFrom::Start(9), ""),
        ] {
            section.seek(to).unwrap();
            let mut found = String::new();
            section.read_to_string(&mut found).unwrap();
            assert_eq!(found, rest, "{to:?}");
        }
        assert!(section.seek(SeekFrom::End(-7)).is_err());
    }
}
