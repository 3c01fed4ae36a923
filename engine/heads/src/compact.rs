//! Vectors as text in half precision, as a project's state stores them: four hexadecimal digits per
//! value.

use half::f16;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    let text: String = values
        .iter()
        .map(|value| format!("{:04x}", f16::from_f32(*value).to_bits()))
        .collect();
    serializer.serialize_str(&text)
}

pub(crate) fn deserialize<'de, T: From<Vec<f32>>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let value = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        let value = f16::from_bits(u16::from_str_radix(digits, 16).ok()?).to_f32();
        value.is_finite().then_some(value)
    };
    if !text.len().is_multiple_of(4) {
        return Err(D::Error::custom("a vector is cut off"));
    }
    let values: Option<Vec<f32>> = text.as_bytes().chunks(4).map(value).collect();
    values
        .map(T::from)
        .ok_or_else(|| D::Error::custom("a vector holds values that are not finite numbers"))
}

/// A value as the state gives it back, so that values in use and stored values are the same.
pub(crate) fn rounded(value: f32) -> f32 {
    f16::from_f32(value.clamp(-65_504.0, 65_504.0)).to_f32()
}
