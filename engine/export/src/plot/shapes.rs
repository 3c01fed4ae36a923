//! The shapes of a page in logical pixels, y downwards: rectangles, paths and text with their colors,
//! all as values. `svg` writes them, `raster` paints them; this file knows no file format.

use kurbo::{BezPath, Point, RoundedRect, Shape as _};

use super::font::Weight;
use crate::palette::Color;

/// From one stripe of the hatch to the next, in pixels.
pub(crate) const HATCH_PERIOD_PX: f64 = 7.0;
/// Width of a stripe, in pixels.
pub(crate) const HATCH_STRIPE_PX: f64 = 1.6;
/// The largest distance of a round corner's curves from a circle, in pixels.
const CORNER_TOLERANCE_PX: f64 = 0.01;

/// Which part of a line of text stands at its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Its beginning.
    Start,
    /// Its center.
    Middle,
    /// Its end.
    End,
}

/// Size, weight, color and place of text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TextStyle {
    /// Size of the em, in pixels.
    pub(crate) size_px: f64,
    /// Its weight.
    pub(crate) weight: Weight,
    /// Its color.
    pub(crate) fill: Color,
    /// Which part of it stands at its x.
    pub(crate) anchor: Anchor,
}

impl TextStyle {
    /// Regular weight, beginning at its x.
    pub(crate) const fn new(size_px: f64, fill: Color) -> Self {
        Self {
            size_px,
            weight: Weight::Regular,
            fill,
            anchor: Anchor::Start,
        }
    }

    /// The same in semi-bold.
    pub(crate) const fn bold(self) -> Self {
        Self {
            weight: Weight::SemiBold,
            ..self
        }
    }

    /// The same with `anchor` at its x.
    pub(crate) const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// A rectangle, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    /// Left edge.
    pub(crate) x: f64,
    /// Top edge.
    pub(crate) y: f64,
    /// Width.
    pub(crate) width: f64,
    /// Height.
    pub(crate) height: f64,
}

impl Rect {
    /// A rectangle by its top left corner and size.
    pub(crate) const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// Right edge.
    pub(crate) const fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Bottom edge.
    pub(crate) const fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// Center of its width.
    pub(crate) const fn center_x(&self) -> f64 {
        self.x + 0.5 * self.width
    }

    /// Baseline that centers capitals of `size_px` in its height (Inter's are 0.727 em high).
    pub(crate) const fn baseline(&self, size_px: f64) -> f64 {
        self.y + 0.5 * (self.height + 0.727 * size_px)
    }

    /// Its outline with corners of a radius, which its size limits.
    pub(crate) fn rounded(&self, radius_px: f64) -> BezPath {
        if radius_px <= 0.0 {
            let mut path = BezPath::new();
            self.add_to(&mut path);
            return path;
        }
        RoundedRect::new(self.x, self.y, self.right(), self.bottom(), radius_px)
            .to_path(CORNER_TOLERANCE_PX)
    }

    /// Appends its outline to `path`.
    pub(crate) fn add_to(&self, path: &mut BezPath) {
        path.move_to((self.x, self.y));
        path.line_to((self.right(), self.y));
        path.line_to((self.right(), self.bottom()));
        path.line_to((self.x, self.bottom()));
        path.close_path();
    }
}

/// What the inside of a path shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fill {
    /// A color and its opacity, 0 to 1.
    Plain(Color, f32),
    /// Stripes: nothing was analyzed there.
    Hatch,
}

/// The line along a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    /// Its color.
    pub(crate) color: Color,
    /// Its width, in pixels.
    pub(crate) width_px: f32,
    /// Its opacity, 0 to 1.
    pub(crate) opacity: f32,
}

/// Fill, stroke and edges of a path; by default it is invisible.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PathStyle {
    /// The fill, if any.
    pub(crate) fill: Option<Fill>,
    /// The stroke, if any.
    pub(crate) stroke: Option<Stroke>,
    /// Whether edges are drawn without anti-aliasing.
    pub(crate) is_crisp: bool,
}

impl PathStyle {
    /// Filled with a color, without a stroke.
    pub(crate) fn filled(color: Color) -> Self {
        Self::shaded(color, 1.0)
    }

    /// Filled with a color of this opacity.
    pub(crate) fn shaded(color: Color, opacity: f32) -> Self {
        Self {
            fill: Some(Fill::Plain(color, opacity)),
            ..Self::default()
        }
    }

    /// Filled with the hatch.
    pub(crate) fn hatched() -> Self {
        Self {
            fill: Some(Fill::Hatch),
            ..Self::default()
        }
    }

    /// The same with a stroke of this color, width in pixels and opacity.
    pub(crate) fn stroked(self, color: Color, width_px: f32, opacity: f32) -> Self {
        let stroke = Some(Stroke {
            color,
            width_px,
            opacity,
        });
        Self { stroke, ..self }
    }

    /// The same without anti-aliasing.
    pub(crate) fn crisp(self) -> Self {
        Self {
            is_crisp: true,
            ..self
        }
    }
}

/// One shape on the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A filled rectangle.
    Rect {
        /// Its place.
        rect: Rect,
        /// Radius of its corners, in pixels.
        radius_px: f64,
        /// Its color.
        fill: Color,
    },
    /// A path.
    Path {
        /// Its course.
        path: BezPath,
        /// Its looks.
        style: PathStyle,
    },
    /// One line of text.
    Text {
        /// The x that its anchor refers to, and its baseline.
        at: Point,
        /// Its characters.
        text: String,
        /// Its looks.
        style: TextStyle,
    },
}

/// A page in the making: its title and its shapes from the bottom up.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    title: String,
    shapes: Vec<Shape>,
}

impl Canvas {
    /// An empty page; screen readers and tooltips say its `title`.
    pub(crate) fn new(title: String) -> Self {
        let shapes = Vec::new();
        Self { title, shapes }
    }

    /// The page's title.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Everything on the page, from the bottom up.
    pub(crate) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// Adds a filled rectangle with sharp corners.
    pub(crate) fn rect(&mut self, rect: Rect, fill: Color) {
        self.rounded(rect, 0.0, fill);
    }

    /// Adds a filled rectangle with corners of this radius.
    pub(crate) fn rounded(&mut self, rect: Rect, radius_px: f64, fill: Color) {
        self.shapes.push(Shape::Rect {
            rect,
            radius_px,
            fill,
        });
    }

    /// Adds a straight line, one pixel wide.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Color) {
        let mut path = BezPath::new();
        path.move_to(from);
        path.line_to(to);
        self.path(path, PathStyle::default().stroked(stroke, 1.0, 1.0));
    }

    /// Adds a path, unless it is empty.
    pub(crate) fn path(&mut self, path: BezPath, style: PathStyle) {
        if !path.elements().is_empty() {
            self.shapes.push(Shape::Path { path, style });
        }
    }

    /// Adds one line of text on the baseline `y`.
    pub(crate) fn text(&mut self, x: f64, y: f64, text: &str, style: TextStyle) {
        self.shapes.push(Shape::Text {
            at: Point::new(x, y),
            text: text.to_owned(),
            style,
        });
    }
}
