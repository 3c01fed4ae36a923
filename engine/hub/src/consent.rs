//! Consent to licenses: asked once per license, recorded in the user's data folder.

use std::env;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::HubError;
use mertscope_model::catalogue::{CatalogueEntry, PublishedHeads};
use mertscope_model::store::{StoreError, write_text};

/// Whether the user agrees to a model's license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The user has just agreed to the shown license, and to that of the heads that come along; this is recorded.
    Given,
    /// The user agreed to it earlier; without a record nothing is done.
    OnRecord,
}

/// The record's file in the user's data folder.
const RECORD: &str = "consent.toml";

#[derive(Serialize, Deserialize, Default)]
struct Record {
    #[serde(default)]
    agreed: Vec<Agreed>,
}

#[derive(Serialize, Deserialize)]
struct Agreed {
    #[serde(rename = "licence")]
    license: String,
    url: String,
    by: String,
    /// In UTC, such as `2026-01-31T12:00:00Z`.
    at: String,
}

fn read(data: &Path) -> Record {
    // A record that can't be read is no consent: the user is asked again.
    let text = fs::read_to_string(data.join(RECORD)).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}

/// The terms under which files are published.
pub(super) struct Terms<'a> {
    license: String,
    url: &'a str,
}

impl<'a> Terms<'a> {
    /// Those of a model.
    pub(super) fn of(entry: &'a CatalogueEntry) -> Self {
        Self {
            license: entry.license.clone(),
            url: &entry.license_url,
        }
    }

    /// Those of published heads.
    pub(super) fn of_heads(heads: &'a PublishedHeads) -> Self {
        Self {
            license: heads.license_words(),
            url: &heads.license_url,
        }
    }

    /// Whether the user of this data folder agreed to them.
    pub(super) fn are_recorded(&self, data: &Path) -> bool {
        let agreed = read(data).agreed;
        agreed.iter().any(|agreed| agreed.license == self.license)
    }
}

/// Whether the user of this data folder agreed to the terms of the heads of `entry`; `true` without heads.
pub(super) fn covers_heads(data: &Path, entry: &CatalogueEntry) -> bool {
    let heads = entry.heads.as_ref();
    heads.is_none_or(|heads| Terms::of_heads(heads).are_recorded(data))
}

/// Makes sure that the user agreed to the license of `entry`, and that this is recorded.
pub(super) fn ensure(
    data: &Path,
    entry: &CatalogueEntry,
    consent: Consent,
) -> Result<(), HubError> {
    ensure_terms(data, &Terms::of(entry), consent, |license, url| {
        let id = entry.id.clone();
        HubError::Consent { id, license, url }
    })
}

/// Makes sure that the user agreed to the terms of the heads of `entry`, and that this is recorded.
pub(super) fn ensure_heads(
    data: &Path,
    entry: &CatalogueEntry,
    heads: &PublishedHeads,
    consent: Consent,
) -> Result<(), HubError> {
    ensure_terms(data, &Terms::of_heads(heads), consent, |license, url| {
        let id = entry.id.clone();
        HubError::HeadsConsent { id, license, url }
    })
}

fn ensure_terms(
    data: &Path,
    terms: &Terms<'_>,
    consent: Consent,
    refused: impl FnOnce(String, String) -> HubError,
) -> Result<(), HubError> {
    if terms.are_recorded(data) {
        return Ok(());
    }
    if consent == Consent::OnRecord {
        return Err(refused(terms.license.clone(), terms.url.to_owned()));
    }
    let mut record = read(data);
    record.agreed.push(Agreed {
        license: terms.license.clone(),
        url: terms.url.to_owned(),
        by: user(),
        at: utc(SystemTime::now()),
    });
    let path = data.join(RECORD);
    let text = toml::to_string(&record).map_err(|error| StoreError::Receipt {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    Ok(write_text(&path, &text)?)
}

/// The user's name on this system.
fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].iter();
    let mut named = named.filter_map(|name| env::var(name).ok());
    named.next().unwrap_or_else(|| "unknown".to_owned())
}

/// A time as text in UTC, computed from the days of the Gregorian calendar since 1 March 0000.
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    // 400 years have 146,097 days; years begin in March, so that the leap day comes last.
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::catalogue;
    use std::time::Duration;

    #[test]
    fn consent_is_recorded_once_per_license() {
        let data = tempfile::tempdir().unwrap();
        let entry = catalogue::find("MERT-v0").unwrap().unwrap();
        let refused = ensure(data.path(), entry, Consent::OnRecord).unwrap_err();
        assert!(refused.to_string().contains("CC-BY-NC-4.0"), "{refused}");
        assert!(!data.path().join(RECORD).exists());
        ensure(data.path(), entry, Consent::Given).unwrap();
        let other = catalogue::find("music2vec-v1").unwrap().unwrap();
        ensure(data.path(), other, Consent::OnRecord).unwrap();
        ensure(data.path(), other, Consent::Given).unwrap();
        let record = read(data.path());
        assert_eq!(record.agreed.len(), 1);
        assert!(record.agreed[0].at.starts_with("20"));
        fs::write(data.path().join(RECORD), "nonsense").unwrap();
        assert!(!Terms::of(entry).are_recorded(data.path()));
    }

    #[test]
    fn heads_have_terms_of_their_own() {
        let data = tempfile::tempdir().unwrap();
        let entry = catalogue::find("MERT-v1-95M").unwrap().unwrap();
        let heads = entry.heads.as_ref().unwrap();
        ensure(data.path(), entry, Consent::Given).unwrap();
        assert!(!covers_heads(data.path(), entry));
        let refused = ensure_heads(data.path(), entry, heads, Consent::OnRecord).unwrap_err();
        assert!(refused.to_string().contains("--no-heads"), "{refused}");
        ensure_heads(data.path(), entry, heads, Consent::Given).unwrap();
        assert!(covers_heads(data.path(), entry));
        let bare = catalogue::find("MERT-v0").unwrap().unwrap();
        assert!(covers_heads(data.path(), bare));
    }

    #[test]
    fn times_follow_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
