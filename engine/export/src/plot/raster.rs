//! A page as a PNG file: its shapes painted by tiny-skia at twice their size.
//!
//! resvg would draw the document that `svg` writes, but it makes the plugin 2 MB larger.

use kurbo::{BezPath, PathEl, Point};
use tiny_skia::{
    FillRule, FilterQuality, LineJoin, Paint, Path, PathBuilder, Pattern, Pixmap, Shader,
    SpreadMode, Transform,
};

use super::colors::{HATCH, PANEL};
use super::font::{self, width_px};
use super::shapes::{
    Anchor, Canvas, Fill, HATCH_PERIOD_PX, HATCH_STRIPE_PX, PathStyle, Rect, Shape, Stroke,
    TextStyle,
};
use super::{HEIGHT, PlotError, WIDTH};
use crate::palette::Color;

/// Pixels of the PNG per logical pixel.
const SCALE: f32 = 2.0;

/// Pixels of the hatch's tile per pixel of the PNG: stripes stay sharp when they are turned.
const TILE_SCALE: f32 = 4.0;

/// Draws a page.
///
/// # Errors
/// When memory is short.
pub(crate) fn png(canvas: &Canvas) -> Result<Vec<u8>, PlotError> {
    let size_px = |length: f64| (length as f32 * SCALE) as u32;
    let mut page = Raster {
        pixels: Pixmap::new(size_px(WIDTH), size_px(HEIGHT)).ok_or(PlotError::Memory)?,
        hatch: hatch().ok_or(PlotError::Memory)?,
    };
    for shape in canvas.shapes() {
        match shape {
            Shape::Rect {
                rect,
                radius_px,
                fill,
            } => page.rect(*rect, *radius_px, *fill),
            Shape::Path { path, style } => page.path(path, *style),
            Shape::Text { at, text, style } => page.text(*at, text, *style),
        }
    }
    page.pixels
        .encode_png()
        .map_err(|error| PlotError::Png(error.to_string()))
}

/// A page in the making.
struct Raster {
    pixels: Pixmap,
    /// One period of the stripes.
    hatch: Pixmap,
}

impl Raster {
    fn rect(&mut self, rect: Rect, radius_px: f64, fill: Color) {
        let path = path_from(&rect.rounded(radius_px));
        self.fill(path, &solid(fill, 1.0, radius_px > 0.0));
    }

    fn path(&mut self, path: &BezPath, style: PathStyle) {
        let Some(path) = path_from(path) else {
            return;
        };
        let is_smooth = !style.is_crisp;
        let paint = match style.fill {
            None => None,
            Some(Fill::Plain(color, opacity)) => Some(solid(color, opacity, is_smooth)),
            Some(Fill::Hatch) => Some(Paint {
                shader: hatched(&self.hatch),
                anti_alias: is_smooth,
                ..Paint::default()
            }),
        };
        if let Some(paint) = paint {
            let rule = FillRule::Winding;
            self.pixels.fill_path(&path, &paint, rule, scaled(), None);
        }
        if let Some(stroke) = style.stroke {
            self.stroke(&path, stroke, is_smooth);
        }
    }

    fn stroke(&mut self, path: &Path, stroke: Stroke, is_smooth: bool) {
        let paint = solid(stroke.color, stroke.opacity, is_smooth);
        let line = tiny_skia::Stroke {
            width: stroke.width_px,
            line_join: LineJoin::Miter,
            ..tiny_skia::Stroke::default()
        };
        self.pixels.stroke_path(path, &paint, &line, scaled(), None);
    }

    fn text(&mut self, at: Point, text: &str, style: TextStyle) {
        let width = || width_px(text, style.size_px, style.weight);
        let left = match style.anchor {
            Anchor::Start => at.x,
            Anchor::Middle => at.x - 0.5 * width(),
            Anchor::End => at.x - width(),
        };
        let mut pen = Pen {
            path: PathBuilder::new(),
            x: left as f32,
            y: at.y as f32,
        };
        font::draw(text, style.size_px, style.weight, &mut pen);
        self.fill(pen.path.finish(), &solid(style.fill, 1.0, true));
    }

    fn fill(&mut self, path: Option<Path>, paint: &Paint<'_>) {
        if let Some(path) = path {
            let rule = FillRule::Winding;
            self.pixels.fill_path(&path, paint, rule, scaled(), None);
        }
    }
}

fn scaled() -> Transform {
    Transform::from_scale(SCALE, SCALE)
}

fn solid(color: Color, opacity: f32, is_smooth: bool) -> Paint<'static> {
    let [r, g, b] = color.rgb();
    let alpha = (opacity * 255.0).round() as u8;
    Paint {
        shader: Shader::SolidColor(tiny_skia::Color::from_rgba8(r, g, b, alpha)),
        anti_alias: is_smooth,
        ..Paint::default()
    }
}

/// One period of the stripes, upright.
fn hatch() -> Option<Pixmap> {
    let scale = SCALE * TILE_SCALE;
    let side = (HATCH_PERIOD_PX as f32 * scale) as u32;
    let mut tile = Pixmap::new(side, side)?;
    let [r, g, b] = PANEL.rgb();
    tile.fill(tiny_skia::Color::from_rgba8(r, g, b, 255));
    let width = HATCH_STRIPE_PX as f32 * scale;
    let stripe = tiny_skia::Rect::from_xywh(0.0, 0.0, width, side as f32)?;
    let paint = solid(HATCH, 1.0, true);
    tile.fill_rect(stripe, &paint, Transform::identity(), None);
    Some(tile)
}

fn hatched(tile: &Pixmap) -> Shader<'_> {
    // The tile is in its own pixels, the path that it fills in logical ones.
    let to_logical = 1.0 / (SCALE * TILE_SCALE);
    let turned = Transform::from_rotate(45.0).pre_scale(to_logical, to_logical);
    Pattern::new(
        tile.as_ref(),
        SpreadMode::Repeat,
        FilterQuality::Bilinear,
        1.0,
        turned,
    )
}

/// `None` for a path without a line.
fn path_from(path: &BezPath) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for element in path {
        match element {
            PathEl::MoveTo(p) => builder.move_to(p.x as f32, p.y as f32),
            PathEl::LineTo(p) => builder.line_to(p.x as f32, p.y as f32),
            PathEl::QuadTo(a, p) => {
                builder.quad_to(a.x as f32, a.y as f32, p.x as f32, p.y as f32);
            }
            PathEl::CurveTo(a, b, p) => {
                let [ax, ay, bx, by] = [a.x, a.y, b.x, b.y].map(|v| v as f32);
                builder.cubic_to(ax, ay, bx, by, p.x as f32, p.y as f32);
            }
            PathEl::ClosePath => builder.close(),
        }
    }
    builder.finish()
}

/// Adds glyphs, which have their y upwards from the baseline, at their place on the page.
struct Pen {
    path: PathBuilder,
    x: f32,
    y: f32,
}

impl font::Pen for Pen {
    fn advance(&mut self, width_px: f32) {
        self.x += width_px;
    }
}

impl skrifa::outline::OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, self.y - y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, self.y - y);
    }

    fn quad_to(&mut self, ax: f32, ay: f32, x: f32, y: f32) {
        let (left, base) = (self.x, self.y);
        self.path.quad_to(left + ax, base - ay, left + x, base - y);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let (left, base) = (self.x, self.y);
        let (ax, ay) = (left + ax, base - ay);
        let (bx, by) = (left + bx, base - by);
        self.path.cubic_to(ax, ay, bx, by, left + x, base - y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::font::Weight;

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
            // The space beside the letters makes the difference.
            assert!((49.0..53.0).contains(&left), "{text}: {left}");
            assert!((end - 4.0..=end + 1.0).contains(&right), "{text}: {right}");
            assert!(top > 78.0 && (99.0..106.0).contains(&bottom), "{text}");
        }
    }

    #[test]
    fn a_letter_that_the_embedded_face_lacks_is_drawn_all_the_same() {
        let mut canvas = Canvas::default();
        canvas.text(50.0, 100.0, "曲", TextStyle::new(20.0, INK));
        let [left, right, ..] = ink(&pixels(&canvas)).unwrap();
        assert!(left >= 49.0 && right <= 72.0, "{left} {right}");
    }
}
