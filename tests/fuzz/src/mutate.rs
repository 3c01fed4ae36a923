//! Changes of an input at a place: of bits, bytes, numbers, lengths, words, lines and values.

use fastrand::Rng;

/// Numbers at which sizes, signs and types end.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];
/// The same for formats of text, with what else may stand for a value.
const VALUES: [&str; 22] = [
    "0",
    "-1",
    "1",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e999",
    "-1e-999",
    "0.1",
    "nan",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "[[[[[[[[[[]]]]]]]]]]",
    "\"\\ud800\"",
];
/// The longest stretch that is deleted, copied or inserted, in bytes.
const LONGEST_STRETCH: usize = 256;

/// Makes one change at `at`.
pub(crate) fn change(bytes: &mut Vec<u8>, at: usize, tokens: &[&str], random: &mut Rng) {
    let at = at.min(bytes.len());
    match random.u8(..16) {
        0 | 1 => flip_bit(bytes, at, random),
        2 => set_byte(bytes, at, random),
        3 | 4 => set_number(bytes, at, random),
        5 => add_to_number(bytes, at, random),
        6 => set_length(bytes, at, random),
        7 | 8 => set_value(bytes, at, random),
        9 => set_digits(bytes, at, random),
        10 => insert_token(bytes, at, tokens, random),
        11 => write_token(bytes, at, tokens, random),
        12 => insert_bytes(bytes, at, random),
        13 => delete(bytes, at, random),
        14 => copy(bytes, at, random),
        _ => change_line_or_end(bytes, at, random),
    }
}

/// The start of `bytes`, then the end of `other`.
pub(crate) fn splice(bytes: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    bytes.truncate(random.usize(..=bytes.len()));
    bytes.extend(&other[random.usize(..=other.len())..]);
}

fn flip_bit(bytes: &mut [u8], at: usize, random: &mut Rng) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << random.u8(..8);
    }
}

fn set_byte(bytes: &mut [u8], at: usize, random: &mut Rng) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = random.u8(..);
    }
}

/// Overwrites 1, 2, 4 or 8 bytes, in either order.
fn write_number(bytes: &mut [u8], at: usize, width: usize, number: u64, is_big_endian: bool) {
    let mut written = number.to_le_bytes()[..width].to_vec();
    if is_big_endian {
        written.reverse();
    }
    for (byte, new) in bytes.iter_mut().skip(at).zip(written) {
        *byte = new;
    }
}

fn read_number(bytes: &[u8], at: usize, width: usize, is_big_endian: bool) -> u64 {
    let mut read = [0; 8];
    for (new, byte) in read.iter_mut().zip(bytes.iter().skip(at).take(width)) {
        *new = *byte;
    }
    if is_big_endian {
        read[..width].reverse();
    }
    u64::from_le_bytes(read)
}

fn width(random: &mut Rng) -> usize {
    1 << random.u32(..=3)
}

fn set_number(bytes: &mut [u8], at: usize, random: &mut Rng) {
    let number = NUMBERS[random.usize(..NUMBERS.len())];
    write_number(bytes, at, width(random), number, random.bool());
}

fn add_to_number(bytes: &mut [u8], at: usize, random: &mut Rng) {
    let (width, is_big_endian) = (width(random), random.bool());
    let number = read_number(bytes, at, width, is_big_endian);
    let number = match random.u8(..4) {
        0 => number.wrapping_mul(2),
        1 => number.wrapping_neg(),
        2 => number.wrapping_add(random.u64(1..=16)),
        _ => number.wrapping_sub(random.u64(1..=16)),
    };
    write_number(bytes, at, width, number, is_big_endian);
}

/// A number that may be the length of what follows, or of the whole, nearly.
fn set_length(bytes: &mut [u8], at: usize, random: &mut Rng) {
    let whole = if random.bool() {
        bytes.len()
    } else {
        bytes.len() - at.min(bytes.len())
    };
    let number = (whole as u64)
        .wrapping_add(random.u64(..=16))
        .wrapping_sub(8);
    write_number(bytes, at, width(random), number, random.bool());
}

/// Another value for the next `key: value` or `key = value`.
fn set_value(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let is_before = |byte: &u8| matches!(byte, b':' | b'=' | b'[' | b',');
    let is_after = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'\n');
    let Some(start) = bytes[at..].iter().take(LONGEST_STRETCH).position(is_before) else {
        return set_number(bytes, at, random);
    };
    let start = at + start + 1;
    let rest = bytes[start..].iter().take(LONGEST_STRETCH);
    let end = rest.clone().position(is_after).unwrap_or(rest.len()) + start;
    let value = VALUES[random.usize(..VALUES.len())];
    bytes.splice(start..end, value.bytes());
}

/// Another number in place of the next digits.
fn set_digits(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit) else {
        return set_byte(bytes, at, random);
    };
    let start = at + start;
    let digits = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let end = start + digits.count();
    let number = NUMBERS[random.usize(..NUMBERS.len())].wrapping_add(random.u64(..2));
    bytes.splice(start..end, number.to_string().into_bytes());
}

fn token<'a>(tokens: &[&'a str], random: &mut Rng) -> &'a [u8] {
    match tokens.len() {
        0 => b"\0",
        count => tokens[random.usize(..count)].as_bytes(),
    }
}

fn insert_token(bytes: &mut Vec<u8>, at: usize, tokens: &[&str], random: &mut Rng) {
    bytes.splice(at..at, token(tokens, random).iter().copied());
}

fn write_token(bytes: &mut [u8], at: usize, tokens: &[&str], random: &mut Rng) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(token(tokens, random)) {
        *byte = *new;
    }
}

fn insert_bytes(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let count = random.usize(1..=16);
    let repeated = random.u8(..);
    let is_repeated = random.bool();
    let mut inserted = vec![repeated; count];
    if !is_repeated {
        inserted.fill_with(|| random.u8(..));
    }
    bytes.splice(at..at, inserted);
}

/// The end of a stretch from `at`.
fn stretch_end(bytes: &[u8], at: usize, random: &mut Rng) -> usize {
    let longest = if random.bool() { 8 } else { LONGEST_STRETCH };
    (at + random.usize(1..=longest)).min(bytes.len())
}

fn delete(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let end = stretch_end(bytes, at, random);
    bytes.drain(at..end);
}

/// Copies a stretch to another place.
fn copy(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let copied = bytes[at..stretch_end(bytes, at, random)].to_vec();
    let to = if random.bool() {
        at
    } else {
        random.usize(..=bytes.len())
    };
    bytes.splice(to..to, copied);
}

/// Doubles or removes a line; in bytes without lines, or now and then, ends the input here.
fn change_line_or_end(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let is_end = |byte: &u8| *byte == b'\n';
    let start = bytes[..at]
        .iter()
        .rposition(is_end)
        .map_or(0, |end| end + 1);
    let length = bytes[start..].iter().position(is_end);
    match (length, random.u8(..8)) {
        (None, _) | (_, 0) => bytes.truncate(at),
        (Some(length), 1..=3) => drop(bytes.drain(start..=start + length)),
        (Some(length), _) => {
            let line = bytes[start..=start + length].to_vec();
            bytes.splice(start..start, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_works_at_every_place_of_short_inputs() {
        let mut random = Rng::with_seed(3);
        let inputs: [&[u8]; 5] = [b"", b"a", b"12", b"\n", b"{\"a\":1,\n\"b\":[2]}"];
        for input in inputs {
            for at in 0..=input.len() + 1 {
                for _ in 0..500 {
                    let mut bytes = input.to_vec();
                    change(&mut bytes, at, &["token"], &mut random);
                    splice(&mut bytes, input, &mut random);
                }
            }
        }
    }

    #[test]
    fn numbers_are_written_in_either_order() {
        let mut bytes = vec![0; 6];
        write_number(&mut bytes, 1, 4, 0x0102_0304, false);
        assert_eq!(bytes, [0, 4, 3, 2, 1, 0]);
        assert_eq!(read_number(&bytes, 1, 4, false), 0x0102_0304);
        write_number(&mut bytes, 4, 4, 0x0102_0304, true);
        assert_eq!(bytes, [0, 4, 3, 2, 1, 2]);
    }
}
