//! The choice of a stream's format among those that a device offers.

use std::ops::RangeInclusive;

use cpal::{BufferSize, SampleFormat, StreamConfig, SupportedStreamConfigRange};

use crate::audio::error::AudioError;
use crate::choice::AudioChoice;

/// The formats that are supported, best first.
const FORMATS: [SampleFormat; 10] = [
    SampleFormat::F32,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::I16,
    SampleFormat::F64,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::U16,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// The wanted format of a stream.
pub(super) struct FormatWish {
    /// The rate that was asked for, if any.
    pub(super) rate_hz: Option<u32>,
    /// The device's default rate, preferred without another.
    pub(super) otherwise_hz: u32,
    /// The least number of channels.
    pub(super) channels: u16,
    /// The device's default number of channels, which is preferred.
    pub(super) usual_channels: u16,
}

/// The part of a wish that a device can't meet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UnmetWish {
    Channels,
    Rate,
    Format,
}

impl UnmetWish {
    /// The error for the device of this name.
    pub(super) fn error_for(
        self,
        device: String,
        choice: &AudioChoice,
        offered: &[SupportedStreamConfigRange],
    ) -> AudioError {
        match self {
            Self::Channels => AudioError::Channels {
                device,
                channels: choice.channels,
                has: offered.iter().map(|c| c.channels()).max().unwrap_or(0),
            },
            Self::Rate => AudioError::Rate {
                device,
                rate_hz: choice.rate_hz.unwrap_or_default(),
                offered: rates_text(offered),
            },
            Self::Format => AudioError::Refused {
                device,
                reason: "it offers no sample format that is supported here".to_owned(),
            },
        }
    }
}

impl FormatWish {
    /// The best format among those that a device offers, at a rate in `usable_hz`.
    ///
    /// # Errors
    /// [`UnmetWish`], when no offered format will do.
    pub(super) fn choose(
        &self,
        offered: &[SupportedStreamConfigRange],
        usable_hz: RangeInclusive<u32>,
    ) -> Result<(SampleFormat, StreamConfig), UnmetWish> {
        let channels: Vec<_> = offered
            .iter()
            .filter(|range| range.channels() >= self.channels)
            .collect();
        if channels.is_empty() {
            return Err(UnmetWish::Channels);
        }
        let rates = channels.iter().filter_map(|range| {
            let (lowest, highest) = (range.min_sample_rate(), range.max_sample_rate());
            let has = |rate_hz: &u32| (lowest..=highest).contains(rate_hz);
            let rate_hz = match self.rate_hz {
                Some(asked) => Some(asked).filter(has),
                None => [self.otherwise_hz, 48_000, 44_100]
                    .into_iter()
                    .find(|rate_hz| has(rate_hz) && usable_hz.contains(rate_hz))
                    .or(Some(highest.min(*usable_hz.end())).filter(has)),
            };
            Some((
                range,
                rate_hz.filter(|rate_hz| usable_hz.contains(rate_hz))?,
            ))
        });
        let mut fitting: Vec<_> = rates.collect();
        if fitting.is_empty() {
            return Err(UnmetWish::Rate);
        }
        let rank = |format| FORMATS.iter().position(|known| *known == format);
        fitting.retain(|(range, _)| rank(range.sample_format()).is_some());
        let best = fitting.iter().min_by_key(|(range, rate_hz)| {
            (
                // The usual number of channels, or else the fewest.
                range.channels() != self.usual_channels,
                range.channels(),
                *rate_hz != self.otherwise_hz,
                rank(range.sample_format()),
            )
        });
        let (range, rate_hz) = best.ok_or(UnmetWish::Format)?;
        let config = StreamConfig {
            channels: range.channels(),
            sample_rate: *rate_hz,
            buffer_size: BufferSize::Default,
        };
        Ok((range.sample_format(), config))
    }
}

/// The offered rates in words.
fn rates_text(offered: &[SupportedStreamConfigRange]) -> String {
    let mut rates: Vec<_> = offered
        .iter()
        .map(|range| (range.min_sample_rate(), range.max_sample_rate()))
        .collect();
    rates.sort_unstable();
    rates.dedup();
    let texts: Vec<_> = rates
        .iter()
        .map(|(lowest, highest)| match lowest == highest {
            true => format!("{lowest} Hz"),
            false => format!("{lowest} to {highest} Hz"),
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::system::{INPUT_RATES_HZ, OUTPUT_RATES_HZ};
    use cpal::SupportedBufferSize;

    fn range(
        channels: u16,
        lowest: u32,
        highest: u32,
        format: SampleFormat,
    ) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(
            channels,
            lowest,
            highest,
            SupportedBufferSize::Unknown,
            format,
        )
    }

    #[test]
    fn the_best_offered_format_is_chosen() {
        use SampleFormat::{F32, I16};
        let card = [
            range(2, 44_100, 96_000, I16),
            range(2, 44_100, 96_000, F32),
            range(8, 44_100, 192_000, F32),
        ];
        for (rate_hz, channels, expected) in [
            (None, 2, Ok((F32, 2, 48_000))),
            (None, 4, Ok((F32, 8, 48_000))),
            (Some(96_000), 1, Ok((F32, 2, 96_000))),
            (Some(192_000), 2, Ok((F32, 8, 192_000))),
            (Some(22_050), 2, Err(UnmetWish::Rate)),
            (None, 9, Err(UnmetWish::Channels)),
        ] {
            let wish = FormatWish {
                rate_hz,
                otherwise_hz: 48_000,
                channels,
                usual_channels: 2,
            };
            let chosen = wish.choose(&card, INPUT_RATES_HZ);
            let chosen = chosen.map(|(format, c)| (format, c.channels, c.sample_rate));
            assert_eq!(chosen, expected, "{rate_hz:?}, {channels} channels");
        }
    }

    #[test]
    fn unusable_rates_are_not_chosen() {
        let wish = |otherwise_hz| FormatWish {
            rate_hz: None,
            otherwise_hz,
            channels: 1,
            usual_channels: 2,
        };
        let any = [range(2, 4_000, u32::MAX, SampleFormat::I16)];
        let chosen = wish(384_000).choose(&any, OUTPUT_RATES_HZ).unwrap();
        assert_eq!(chosen.1.sample_rate, 48_000);
        let high = [range(2, 352_800, 384_000, SampleFormat::I32)];
        assert_eq!(
            wish(384_000).choose(&high, OUTPUT_RATES_HZ),
            Err(UnmetWish::Rate)
        );
        let odd = [range(2, 48_000, 48_000, SampleFormat::DsdU8)];
        assert_eq!(
            wish(48_000).choose(&odd, INPUT_RATES_HZ),
            Err(UnmetWish::Format)
        );
    }
}
