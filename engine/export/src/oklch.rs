//! Colors by how light, how strong and of which hue they look. Knows no key and no genre.

/// sRGB, red, green and blue, from lightness (0…1), chroma and hue in degrees, clipped to what a
/// screen shows. Matrices: Björn Ottosson, “A perceptual color space for image processing” (2020).
#[must_use]
pub fn srgb_from_oklch(lightness: f64, chroma: f64, hue: f64) -> [u8; 3] {
    let (sin, cos) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ];
    linear.map(|c| {
        let encoded = if c <= 0.003_130_8 {
            12.92 * c
        } else {
            1.055 * c.powf(1.0 / 2.4) - 0.055
        };
        (encoded.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_and_black_convert_exactly() {
        assert_eq!(srgb_from_oklch(1.0, 0.0, 0.0), [255; 3]);
        assert_eq!(srgb_from_oklch(0.0, 0.0, 0.0), [0; 3]);
    }

    #[test]
    fn the_primary_colors_are_where_the_paper_has_them() {
        assert_eq!(srgb_from_oklch(0.627_955, 0.257_683, 29.234), [255, 0, 0]);
        assert_eq!(srgb_from_oklch(0.452_014, 0.313_214, 264.052), [0, 0, 255]);
    }
}
