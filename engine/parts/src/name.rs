//! Names of parts: `part-00002-of-00016-000001-0123456789abcdef.parquet` is the second part (they count from 0) of shard
//! 2 of 16; the last digits are the first of its bytes' SHA-256.

use std::path::Path;

use crate::Shard;

/// Hexadecimal digits of the SHA-256 in a name.
const DIGITS: usize = 16;

/// What a part's name tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartName {
    pub(crate) shard: Shard,
    pub(crate) number: u32,
    /// The first digits of the SHA-256 of its bytes.
    digest: String,
}

impl PartName {
    pub(crate) fn new(shard: Shard, number: u32, sha256: &str) -> Self {
        Self {
            shard,
            number,
            digest: sha256.chars().take(DIGITS).collect(),
        }
    }

    /// The name, when `path` is a part's.
    pub(crate) fn parse(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".parquet")?;
        let fields: Vec<&str> = name.split('-').collect();
        let ["part", index, "of", count, number, digest] = fields[..] else {
            return None;
        };
        let shard = format!("{index}/{count}").parse().ok()?;
        let name = Self {
            shard,
            number: number.parse().ok()?,
            digest: digest.to_owned(),
        };
        // One spelling per part.
        (name.file_name() == path.file_name()?.to_str()?).then_some(name)
    }

    pub(crate) fn file_name(&self) -> String {
        format!(
            "{}-{:06}-{}.parquet",
            stem(self.shard),
            self.number,
            self.digest
        )
    }

    /// Whether bytes with this SHA-256 are those the part was written with.
    pub(crate) fn fits(&self, sha256: &str) -> bool {
        self.digest.len() == DIGITS && sha256.starts_with(&self.digest)
    }
}

/// The beginning of the names of a shard's parts.
pub(crate) fn stem(shard: Shard) -> String {
    format!("part-{:05}-of-{:05}", shard.index, shard.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_others_are_no_parts() {
        let name = PartName::new(
            Shard {
                index: 2,
                count: 16,
            },
            1,
            "0123456789abcdef0123",
        );
        let text = "part-00002-of-00016-000001-0123456789abcdef.parquet";
        assert_eq!(name.file_name(), text);
        assert_eq!(PartName::parse(Path::new(text)), Some(name.clone()));
        assert!(name.fits("0123456789abcdefffff") && !name.fits("1123456789abcdefffff"));
        for other in [
            "merged.parquet",
            "part-2-of-16-1-0123456789abcdef.parquet",
            "part-00016-of-00016-000001-0123456789abcdef.parquet",
            "part-00002-of-00016-000001-0123456789abcdef.parquet.broken",
        ] {
            assert_eq!(PartName::parse(Path::new(other)), None, "{other}");
        }
    }
}
