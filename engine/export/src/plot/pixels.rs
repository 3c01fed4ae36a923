//! The page as pixels: the same shapes that [`Canvas::svg`](super::canvas::Canvas::svg) writes
//! down, painted by tiny-skia.
//!
//! A renderer of SVG would do it too, but it is six times the code, and the plugin paints as well.

use kurbo::{BezPath, PathEl};
use tiny_skia::{
    Color, FillRule, FilterQuality, LineJoin, Paint, Path, PathBuilder, Pattern, Pixmap, Shader,
    SpreadMode, Stroke, Transform,
};

use super::canvas::{Anchor, Fill, Look, Rect, Shape, Type};
use super::colors::{HATCH, PANEL};
use super::font::{self, width_px};
use super::{HATCH_PX, HEIGHT, PlotError, WIDTH};

/// Pixels of the PNG to a logical pixel.
const SCALE: f32 = 2.0;

/// Pixels of the hatch's tile to a pixel of the PNG: stripes stay sharp when they are turned.
const TILE_SCALE: f32 = 4.0;

/// Distance of a quarter circle's control points from its ends, in radii.
const QUARTER: f32 = 0.552_285;

/// Paints a page's shapes.
pub(crate) fn png(shapes: &[Shape]) -> Result<Vec<u8>, PlotError> {
    let size_px = |length: f64| (length as f32 * SCALE) as u32;
    let mut pixels = Pixmap::new(size_px(WIDTH), size_px(HEIGHT)).ok_or(PlotError::Memory)?;
    let hatch = hatch().ok_or(PlotError::Memory)?;
    for shape in shapes {
        match shape {
            Shape::Rect(rect, radius, fill) => {
                if let Some(path) = rounded(*rect, *radius as f32) {
                    let paint = solid(fill, 1.0, *radius > 0.0);
                    pixels.fill_path(&path, &paint, FillRule::Winding, scaled(), None);
                }
            }
            Shape::Path(d, look) => paint_path(&mut pixels, d, look, &hatch),
            Shape::Text(x, y, text, look) => {
                if let Some(path) = outline((*x, *y), text, look) {
                    let paint = solid(&look.fill, 1.0, true);
                    pixels.fill_path(&path, &paint, FillRule::Winding, scaled(), None);
                }
            }
        }
    }
    pixels
        .encode_png()
        .map_err(|error| PlotError::Png(error.to_string()))
}

fn scaled() -> Transform {
    Transform::from_scale(SCALE, SCALE)
}

fn paint_path(pixels: &mut Pixmap, d: &str, look: &Look, hatch: &Pixmap) {
    let Some(path) = path_from_svg(d) else {
        return;
    };
    let smooth = !look.is_crisp();
    let paint = match look.fill() {
        None => None,
        Some(Fill::Plain(color, opacity)) => Some(solid(color, *opacity, smooth)),
        Some(Fill::Hatch) => Some(Paint {
            shader: hatched(hatch),
            anti_alias: smooth,
            ..Paint::default()
        }),
    };
    if let Some(paint) = paint {
        pixels.fill_path(&path, &paint, FillRule::Winding, scaled(), None);
    }
    if let Some((color, width, opacity)) = look.stroke() {
        let stroke = Stroke {
            width,
            line_join: LineJoin::Miter,
            ..Stroke::default()
        };
        pixels.stroke_path(
            &path,
            &solid(color, opacity, smooth),
            &stroke,
            scaled(),
            None,
        );
    }
}

fn solid(color: &str, opacity: f32, smooth: bool) -> Paint<'static> {
    Paint {
        shader: Shader::SolidColor(color_from_hex(color, opacity)),
        anti_alias: smooth,
        ..Paint::default()
    }
}

/// `#rrggbb`; anything else is no color of ours, and comes out as black.
fn color_from_hex(hex: &str, opacity: f32) -> Color {
    let digits = hex.strip_prefix('#').unwrap_or_default();
    let [_, r, g, b] = u32::from_str_radix(digits, 16)
        .unwrap_or_default()
        .to_be_bytes();
    Color::from_rgba8(r, g, b, (opacity * 255.0).round() as u8)
}

/// One period of the stripes, unturned.
fn hatch() -> Option<Pixmap> {
    let (period, stripe) = HATCH_PX;
    let side = (period * SCALE * TILE_SCALE) as u32;
    let mut tile = Pixmap::new(side, side)?;
    tile.fill(color_from_hex(PANEL, 1.0));
    let width = stripe * SCALE * TILE_SCALE;
    let rect = tiny_skia::Rect::from_xywh(0.0, 0.0, width, side as f32)?;
    tile.fill_rect(rect, &solid(HATCH, 1.0, true), Transform::identity(), None);
    Some(tile)
}

fn hatched(tile: &Pixmap) -> Shader<'_> {
    // The tile is in its own pixels; what it fills is in logical ones.
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

fn path_from_svg(d: &str) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for element in BezPath::from_svg(d).ok()? {
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

/// A rectangle, with round corners where `radius` says so.
fn rounded(rect: Rect, radius: f32) -> Option<Path> {
    let [left, top, right, bottom] =
        [rect.x, rect.y, rect.right(), rect.bottom()].map(|v| v as f32);
    let r = radius.min(0.5 * (right - left)).min(0.5 * (bottom - top));
    if r <= 0.0 {
        return tiny_skia::Rect::from_ltrb(left, top, right, bottom).map(PathBuilder::from_rect);
    }
    let c = r * (1.0 - QUARTER);
    let mut path = PathBuilder::new();
    path.move_to(left + r, top);
    path.line_to(right - r, top);
    path.cubic_to(right - c, top, right, top + c, right, top + r);
    path.line_to(right, bottom - r);
    path.cubic_to(right, bottom - c, right - c, bottom, right - r, bottom);
    path.line_to(left + r, bottom);
    path.cubic_to(left + c, bottom, left, bottom - c, left, bottom - r);
    path.line_to(left, top + r);
    path.cubic_to(left, top + c, left + c, top, left + r, top);
    path.close();
    path.finish()
}

/// The outlines of a line of text, in logical pixels.
fn outline(at: (f64, f64), text: &str, look: &Type<String>) -> Option<Path> {
    let width = || width_px(text, look.size_px, look.weight);
    let left = match look.anchor {
        Anchor::Start => at.0,
        Anchor::Middle => at.0 - 0.5 * width(),
        Anchor::End => at.0 - width(),
    };
    let mut pen = Pen {
        path: PathBuilder::new(),
        x: left as f32,
        y: at.1 as f32,
    };
    font::draw(text, look.size_px, look.weight, &mut pen);
    pen.path.finish()
}

/// Puts a glyph, which has its y upwards from the baseline, where it stands on the page.
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
