//! A page as a PNG file: its SVG document drawn by resvg at twice its size, with the embedded typeface.

use std::sync::{Arc, OnceLock};

use resvg::usvg::{self, fontdb};
use tiny_skia::{Pixmap, Transform};

use super::font::{self, Weight};
use super::shapes::{Canvas, Shape};
use super::{HEIGHT, PlotError, WIDTH, svg};

/// Pixels of the PNG per logical pixel.
const SCALE: f32 = 2.0;

/// Draws a page.
///
/// # Errors
/// When memory is short.
pub(crate) fn png(canvas: &Canvas) -> Result<Vec<u8>, PlotError> {
    let options = usvg::Options {
        fontdb: faces(canvas),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(&svg::document(canvas), &options)
        .map_err(|error| PlotError::Draw(error.to_string()))?;
    let size_px = |length: f64| (length as f32 * SCALE) as u32;
    let mut pixels = Pixmap::new(size_px(WIDTH), size_px(HEIGHT)).ok_or(PlotError::Memory)?;
    let scaled = Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, scaled, &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|error| PlotError::Png(error.to_string()))
}

/// The faces that the page's text needs. Names of files may be in any script, so the system's faces
/// stand in for characters that the embedded one lacks; they are read at most once, since that takes
/// a good part of a second.
fn faces(canvas: &Canvas) -> Arc<fontdb::Database> {
    static EMBEDDED: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    static WITH_SYSTEM: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let is_covered = canvas.shapes().iter().all(|shape| match shape {
        Shape::Text { text, style, .. } => font::covers(text, style.weight),
        _ => true,
    });
    let faces = if is_covered {
        EMBEDDED.get_or_init(|| Arc::new(embedded()))
    } else {
        WITH_SYSTEM.get_or_init(|| {
            let mut faces = embedded();
            faces.load_system_fonts();
            Arc::new(faces)
        })
    };
    Arc::clone(faces)
}

fn embedded() -> fontdb::Database {
    let mut faces = fontdb::Database::new();
    for weight in [Weight::Regular, Weight::SemiBold] {
        faces.load_font_source(fontdb::Source::Binary(Arc::new(weight.bytes())));
    }
    faces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palette::Color;
    use crate::plot::shapes::{Rect, TextStyle};

    const INK: Color = Color::from_hex(0xff_ffff);

    fn pixels(canvas: &Canvas) -> Pixmap {
        Pixmap::decode_png(&png(canvas).unwrap()).unwrap()
    }

    /// First and last column, and first and last row, that have ink; in logical pixels.
    fn ink(pixels: &Pixmap) -> Option<[f32; 4]> {
        let drawn = pixels.pixels().iter().enumerate();
        let drawn = drawn.filter(|(_, pixel)| pixel.alpha() > 127);
        let width = pixels.width() as usize;
        let places = drawn.map(|(at, _)| (at % width, at / width));
        let bounds = places.fold(None, |bounds: Option<[usize; 4]>, (x, y)| {
            let [left, right, top, bottom] = bounds.unwrap_or([x, x, y, y]);
            Some([left.min(x), right.max(x), top.min(y), bottom.max(y)])
        });
        bounds.map(|bounds| bounds.map(|px| px as f32 / SCALE))
    }

    #[test]
    fn a_rectangle_has_its_color_at_its_place() {
        let mut canvas = Canvas::default();
        let fill = Color::from_hex(0x7a_6fd0);
        canvas.rect(Rect::new(10.0, 20.0, 30.0, 40.0), fill);
        let pixels = pixels(&canvas);
        let inside = pixels.pixel(21, 41).unwrap();
        assert_eq!([inside.red(), inside.green(), inside.blue()], fill.rgb());
        assert_eq!(ink(&pixels), Some([10.0, 39.5, 20.0, 59.5]));
    }

    #[test]
    fn text_is_drawn_as_wide_as_it_is_measured_and_stands_on_its_baseline() {
        for text in ["H minor 5A", "Čajkovskij – Щедрин", "x"] {
            let mut canvas = Canvas::default();
            canvas.text(50.0, 100.0, text, TextStyle::new(20.0, INK).bold());
            let [left, right, top, bottom] = ink(&pixels(&canvas)).unwrap();
            let end = 50.0 + font::width_px(text, 20.0, Weight::SemiBold) as f32;
            // Kerning and the space beside the letters make the difference.
            assert!((49.0..53.0).contains(&left), "{text}: {left}");
            assert!((end - 4.0..=end + 1.0).contains(&right), "{text}: {right}");
            assert!(top > 78.0 && (99.0..106.0).contains(&bottom), "{text}");
        }
    }

    #[test]
    fn a_letter_that_the_embedded_face_lacks_is_drawn_all_the_same() {
        let mut canvas = Canvas::default();
        canvas.text(50.0, 100.0, "曲", TextStyle::new(20.0, INK));
        assert!(!font::covers("曲", Weight::Regular));
        let [left, right, ..] = ink(&pixels(&canvas)).unwrap();
        assert!(left >= 49.0 && right <= 72.0, "{left} {right}");
    }
}
