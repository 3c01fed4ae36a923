//! A page in the making: shapes and text in logical pixels, y downwards; and the page as SVG.

use std::fmt::{self, Write as _};

use super::font::Weight;

/// Where text stands relative to its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Begins there.
    Start,
    /// Is centered there.
    Middle,
    /// Ends there.
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Type<C> {
    /// Size of the em, in pixels.
    pub(crate) size_px: f64,
    /// Its weight.
    pub weight: Weight,
    /// Its color.
    pub fill: C,
    /// Where it stands relative to its x.
    pub anchor: Anchor,
}

impl<'a> Type<&'a str> {
    /// Regular weight, beginning at its x.
    pub(crate) const fn new(size_px: f64, fill: &'a str) -> Self {
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

    /// The same, standing at `anchor`.
    pub(crate) const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    fn owned(self) -> Type<String> {
        Type {
            size_px: self.size_px,
            weight: self.weight,
            fill: self.fill.to_owned(),
            anchor: self.anchor,
        }
    }
}

/// A rectangle, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
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
}

/// What a path is filled with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fill {
    /// A color, `#rrggbb`, and how opaque it is, 0 to 1.
    Plain(String, f32),
    /// The pattern of what was not analyzed.
    Hatch,
}

/// How a path looks; nothing of it is seen by default.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Look {
    fill: Option<Fill>,
    /// Color, width in pixels, and opacity.
    stroke: Option<(String, f32, f32)>,
    crisp: bool,
}

impl Look {
    /// Filled, and not more.
    pub(crate) fn filled(color: &str) -> Self {
        Self::with(Fill::Plain(color.to_owned(), 1.0))
    }

    /// Filled with a color that lets through what is below.
    pub(crate) fn shaded(color: &str, opacity: f32) -> Self {
        Self::with(Fill::Plain(color.to_owned(), opacity))
    }

    /// Filled with the hatch.
    pub(crate) fn hatched() -> Self {
        Self::with(Fill::Hatch)
    }

    fn with(fill: Fill) -> Self {
        Self {
            fill: Some(fill),
            ..Self::default()
        }
    }

    /// With a line of this color, width in pixels and opacity along it, too.
    pub(crate) fn stroked(self, color: &str, width_px: f32, opacity: f32) -> Self {
        Self {
            stroke: Some((color.to_owned(), width_px, opacity)),
            ..self
        }
    }

    /// With edges on whole pixels.
    pub(crate) fn crisp(self) -> Self {
        Self {
            crisp: true,
            ..self
        }
    }

    /// What it is filled with.
    pub(crate) const fn fill(&self) -> Option<&Fill> {
        self.fill.as_ref()
    }

    /// Its line: color, width in pixels, opacity.
    pub(crate) fn stroke(&self) -> Option<(&str, f32, f32)> {
        let (color, width_px, opacity) = self.stroke.as_ref()?;
        Some((color, *width_px, *opacity))
    }

    /// Whether its edges stay on whole pixels.
    pub(crate) const fn is_crisp(&self) -> bool {
        self.crisp
    }
}

/// One thing on the page.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// A filled rectangle with corners of a radius, in pixels.
    Rect(Rect, f64, String),
    /// A path, in the words of SVG: absolute M, L, H, V, relative h, v, and z.
    Path(String, Look),
    /// One line of text, from the x that its anchor says, on the baseline y.
    Text(f64, f64, String, Type<String>),
}

/// What is on the page so far, from the bottom up.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    title: String,
    shapes: Vec<Shape>,
}

impl Canvas {
    /// Everything on the page, from the bottom up.
    pub(crate) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The picture's title, for screen readers and tooltips.
    pub(crate) fn title(&mut self, text: &str) {
        self.title = text.to_owned();
    }

    /// A filled rectangle with sharp edges.
    pub(crate) fn rect(&mut self, r: Rect, fill: &str) {
        self.rounded(r, 0.0, fill);
    }

    /// A filled rectangle with corners of `radius`.
    pub(crate) fn rounded(&mut self, r: Rect, radius: f64, fill: &str) {
        self.shapes.push(Shape::Rect(r, radius, fill.to_owned()));
    }

    /// A straight line, one pixel wide.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str) {
        let (x, y) = (Px(from.0), Px(from.1));
        let d = format!("M{x} {y}L{} {}", Px(to.0), Px(to.1));
        self.path(&d, Look::default().stroked(stroke, 1.0, 1.0));
    }

    /// A path; see [`Shape::Path`].
    pub(crate) fn path(&mut self, d: &str, look: Look) {
        if !d.is_empty() {
            self.shapes.push(Shape::Path(d.to_owned(), look));
        }
    }

    /// One line of text on the baseline `y`.
    pub(crate) fn text(&mut self, x: f64, y: f64, text: &str, look: Type<&str>) {
        self.shapes
            .push(Shape::Text(x, y, text.to_owned(), look.owned()));
    }

    /// The page as an SVG document of `width` × `height` logical pixels, with `defs`.
    pub(crate) fn svg(&self, width: f64, height: f64, defs: &str) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" xml:space=\"preserve\" font-family=\"Inter, 'Segoe UI', Roboto, \
             'Helvetica Neue', Arial, sans-serif\">\n<defs>{defs}</defs>\n<title>{}</title>\n",
            escaped(&self.title)
        );
        for shape in &self.shapes {
            // Writing to a string can't fail.
            let _ = match shape {
                Shape::Rect(r, radius, fill) => rect_element(&mut svg, *r, *radius, fill),
                Shape::Path(d, look) => path_element(&mut svg, d, look),
                Shape::Text(x, y, text, look) => text_element(&mut svg, (*x, *y), text, look),
            };
        }
        svg + "</svg>\n"
    }
}

fn rect_element(svg: &mut String, r: Rect, radius: f64, fill: &str) -> fmt::Result {
    let (x, y, width, height) = (Px(r.x), Px(r.y), Px(r.width), Px(r.height));
    write!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""
    )?;
    if radius > 0.0 {
        write!(svg, " rx=\"{}\"", Px(radius))?;
    }
    writeln!(svg, " fill=\"{fill}\"/>")
}

fn path_element(svg: &mut String, d: &str, look: &Look) -> fmt::Result {
    write!(svg, "<path d=\"{d}\"")?;
    match look.fill() {
        None => write!(svg, " fill=\"none\"")?,
        Some(Fill::Hatch) => write!(svg, " fill=\"url(#hatch)\"")?,
        Some(Fill::Plain(color, opacity)) => {
            write!(svg, " fill=\"{color}\"")?;
            if *opacity < 1.0 {
                write!(svg, " fill-opacity=\"{opacity}\"")?;
            }
        }
    }
    if let Some((color, width_px, opacity)) = look.stroke() {
        write!(svg, " stroke=\"{color}\" stroke-width=\"{width_px}\"")?;
        if opacity < 1.0 {
            write!(svg, " stroke-opacity=\"{opacity}\"")?;
        }
    }
    if look.is_crisp() {
        write!(svg, " shape-rendering=\"crispEdges\"")?;
    }
    writeln!(svg, "/>")
}

fn text_element(svg: &mut String, at: (f64, f64), text: &str, look: &Type<String>) -> fmt::Result {
    let (x, y, size) = (Px(at.0), Px(at.1), Px(look.size_px));
    write!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"")?;
    if look.weight != Weight::Regular {
        write!(svg, " font-weight=\"{}\"", look.weight.css())?;
    }
    write!(svg, " fill=\"{}\"", look.fill)?;
    match look.anchor {
        Anchor::Start => {}
        Anchor::Middle => write!(svg, " text-anchor=\"middle\"")?,
        Anchor::End => write!(svg, " text-anchor=\"end\"")?,
    }
    writeln!(svg, ">{}</text>", escaped(text))
}

/// A coordinate as SVG keeps it here: at most one decimal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Px(pub f64);

impl std::fmt::Display for Px {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rounded = (self.0 * 10.0).round() / 10.0;
        // Adding zero turns -0 into 0.
        write!(f, "{}", rounded + 0.0)
    }
}

/// `text` as XML character data, without the characters that XML 1.0 has no place for.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_what_xml_forbids_is_replaced() {
        assert_eq!(
            escaped("a<b>&\"c\"\u{1}\n\u{ffff}é"),
            "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}\u{fffd}\u{fffd}é"
        );
    }

    #[test]
    fn coordinates_are_short() {
        for (value, text) in [(12.0, "12"), (0.449_9, "0.4"), (-0.01, "0"), (3.25, "3.3")] {
            assert_eq!(Px(value).to_string(), text);
        }
    }
}
