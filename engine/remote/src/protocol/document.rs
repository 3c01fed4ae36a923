//! The JSON of an answer, as far as it is used. Numbers become samples as they are read: kept as JSON values, a long
//! answer would take many times its own size in memory.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The most outputs of an answer; models have one per layer.
const MOST_OUTPUTS: usize = 1024;

/// An answer.
#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(deserialize_with = "outputs")]
    pub(super) outputs: Vec<Output>,
}

/// A tensor of an answer.
#[derive(Deserialize)]
pub(super) struct Output {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) datatype: String,
    pub(super) shape: Option<Vec<i64>>,
    pub(super) parameters: Option<Parameters>,
    /// None when it is binary.
    pub(super) data: Option<Data>,
}

/// The parameters of a tensor.
#[derive(Deserialize)]
pub(super) struct Parameters {
    pub(super) binary_data_size: Option<u64>,
}

/// The numbers of a list, which may be nested.
#[derive(Default)]
pub(super) struct Data {
    pub(super) numbers: Vec<f32>,
    /// Whether there was anything else in it.
    pub(super) has_others: bool,
}

fn outputs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Output>, D::Error> {
    struct Outputs;

    impl<'de> Visitor<'de> for Outputs {
        type Value = Vec<Output>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of outputs")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(output) = list.next_element()? {
                if all.len() == MOST_OUTPUTS {
                    return Err(Error::custom(format!("more than {MOST_OUTPUTS} outputs")));
                }
                all.push(output);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_seq(Outputs)
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut data = Self::default();
        Collect(&mut data).deserialize(deserializer)?;
        Ok(data)
    }
}

/// Appends what is read to the data.
struct Collect<'a>(&'a mut Data);

impl Collect<'_> {
    fn other<E>(self) -> Result<(), E> {
        self.0.has_others = true;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("data")
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.numbers.push(number as f32);
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.other()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.other()
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.other()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.other()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Collect(self.0))?.is_some() {}
        Ok(())
    }
}
