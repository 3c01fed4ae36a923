//! AAC by its AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1): the profile's name for messages, and
//! the part of HE-AAC that a decoder for AAC-LC reads.

use symphonia::core::codecs::audio::AudioCodecParameters;

/// Sample rates by their index, in hertz.
const RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Object types that the names below and the core need.
const LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;

/// Reads bits from the most significant on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |value, _| {
            let byte = self.bytes.get(self.at / 8)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(value << 1 | u32::from(bit))
        })
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.read(5)? {
            31 => Some(32 + self.read(6)?),
            short => Some(short),
        }
    }

    fn rate_hz(&mut self) -> Option<u32> {
        match self.read(4)? {
            15 => self.read(24),
            index => RATES_HZ.get(index as usize).copied(),
        }
    }
}

/// The fields that every configuration begins with.
#[derive(Debug, PartialEq, Eq)]
struct Config {
    object_type: u32,
    rate_hz: u32,
    channels: u32,
    /// Under [`SBR`] and [`PS`], the object type of the part that they extend.
    core: Option<u32>,
}

impl Config {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut bits = Bits { bytes, at: 0 };
        let object_type = bits.object_type()?;
        let rate_hz = bits.rate_hz()?;
        let channels = bits.read(4)?;
        let is_extended = matches!(object_type, SBR | PS);
        let core = if is_extended {
            bits.rate_hz()?;
            Some(bits.object_type()?)
        } else {
            None
        };
        Some(Self {
            object_type,
            rate_hz,
            channels,
            core,
        })
    }
}

/// The usual name of the AAC in a track that could not be decoded.
pub(super) fn name(params: &AudioCodecParameters) -> String {
    let config = params.extra_data.as_deref().and_then(Config::read);
    let Some(config) = config else {
        return "an unknown kind of AAC".to_owned();
    };
    let name = match config.core.unwrap_or(config.object_type) {
        LC if config.channels > 2 => return format!("{}-channel AAC", channels(config.channels)),
        LC if config.channels == 0 => "AAC with a channel layout of its own",
        LC => "AAC-LC with frames of 960 samples",
        object_type => object_type_name(object_type),
    };
    name.to_owned()
}

/// The name of an object type, which by the standard's numbers is the profile.
pub(super) fn object_type_name(object_type: u32) -> &'static str {
    match object_type {
        1 => "AAC Main profile",
        3 => "AAC SSR",
        4 => "AAC LTP",
        SBR => "HE-AAC",
        6 | 20 => "scalable AAC",
        7 | 21 => "TwinVQ",
        8 | 24 => "CELP speech",
        9 | 25 => "HVXC speech",
        17 => "error-resilient AAC-LC",
        19 => "error-resilient AAC LTP",
        22 => "BSAC",
        23 => "AAC-LD",
        PS => "HE-AAC v2",
        30 => "MPEG Surround",
        32..=34 => "MPEG layer I to III in MP4",
        35 => "DST",
        36 => "MPEG-4 ALS",
        37 | 38 => "MPEG-4 SLS",
        39 => "AAC-ELD",
        42 => "xHE-AAC (USAC)",
        _ => "an unknown kind of AAC",
    }
}

/// Channels of a channel configuration.
fn channels(configuration: u32) -> u32 {
    match configuration {
        7 => 8,
        11 => 7,
        12 | 14 => 8,
        other => other,
    }
}

/// For HE-AAC: the parameters of its AAC-LC part, which is the sound at half the rate; `None` for others.
///
/// SBR, the other part, describes the upper half of the spectrum roughly, and PS how far the left and
/// right channels differ; symphonia decodes neither.
pub(super) fn core(params: &AudioCodecParameters) -> Option<AudioCodecParameters> {
    let config = Config::read(params.extra_data.as_deref()?)?;
    if config.core != Some(LC) {
        return None;
    }
    let index = RATES_HZ.iter().position(|&hz| hz == config.rate_hz)?;
    let bits = LC << 11 | (index as u32) << 7 | config.channels << 3;
    let mut core = params.clone();
    core.with_extra_data(Box::new((bits as u16).to_be_bytes()))
        .with_sample_rate(config.rate_hz);
    Some(core)
}

#[cfg(test)]
mod tests {
    use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;

    use super::*;

    fn params(config: &[u8]) -> AudioCodecParameters {
        let mut params = AudioCodecParameters::new();
        params
            .for_codec(CODEC_ID_AAC)
            .with_extra_data(Box::from(config));
        params
    }

    /// Configurations with the object type in front, 44.1 kHz and stereo unless said.
    #[test]
    fn profiles_have_their_usual_names() {
        let rows: [(&[u8], &str); 9] = [
            (&[0b0000_1010, 0b0001_0000], "AAC Main profile"),
            (&[0b0010_0010, 0b0001_0000], "AAC LTP"),
            (&[0b0001_1010, 0b0001_0000], "AAC SSR"),
            (&[0b0001_0010, 0b0011_0000], "6-channel AAC"),
            (
                &[0b0001_0010, 0b0000_0000],
                "AAC with a channel layout of its own",
            ),
            // 31, then 4 more: ALS.
            (&[0b1111_1000, 0b1000_1000, 0b0100_0000], "MPEG-4 ALS"),
            // 31, then 10 more.
            (&[0b1111_1001, 0b0100_1000, 0b0100_0000], "xHE-AAC (USAC)"),
            // SBR over Main.
            (&[0b0010_1011, 0b1001_0010, 0b0000_0100], "AAC Main profile"),
            (&[], "an unknown kind of AAC"),
        ];
        for (config, expected) in rows {
            assert_eq!(name(&params(config)), expected, "{config:x?}");
        }
    }

    #[test]
    fn the_core_of_he_aac_is_lc_at_half_the_rate() {
        // SBR, 22.05 kHz, stereo, extended to 44.1 kHz, over LC.
        let core = core(&params(&[0b0010_1011, 0b1001_0010, 0b0000_1000])).unwrap();
        let lc = [0b0001_0011, 0b1001_0000];
        assert_eq!(core.extra_data.as_deref(), Some(&lc[..]));
        assert_eq!(core.sample_rate, Some(22_050));
        assert_eq!(super::core(&params(&lc)).map(|core| core.codec), None);
    }
}
