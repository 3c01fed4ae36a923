//! The protocol buffers wire format, writing only: numbers, bytes and nested messages.
//! <https://protobuf.dev/programming-guides/encoding/>

/// A message under construction.
#[derive(Debug, Default, Clone)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A field with an integer.
    pub(super) fn int(&mut self, field: u32, value: i64) {
        self.key(field, 0);
        // Negative numbers are written as their 64-bit two's complement.
        varint(&mut self.0, value as u64);
    }

    /// A field with a 32-bit floating point number.
    pub(super) fn float(&mut self, field: u32, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    /// A field with bytes, text or a finished message.
    pub(super) fn bytes(&mut self, field: u32, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.begin(field, value.len() as u64);
        self.0.extend(value);
    }

    /// The start of a field of `length` bytes, which the caller writes.
    pub(super) fn begin(&mut self, field: u32, length: u64) {
        self.key(field, 2);
        varint(&mut self.0, length);
    }

    fn key(&mut self, field: u32, kind: u32) {
        varint(&mut self.0, u64::from(field << 3 | kind));
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_specification_shows() {
        let mut message = Message::default();
        message.int(1, 150);
        message.bytes(2, "testing");
        message.int(3, -1);
        let mut expected = vec![0x08, 0x96, 0x01, 0x12, 0x07];
        expected.extend(b"testing");
        expected.push(0x18);
        expected.extend([0xff; 9]);
        expected.push(0x01);
        assert_eq!(message.as_ref(), expected);
    }
}
