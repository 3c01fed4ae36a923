//! A page of SVG in the making: shapes and text in logical pixels, y downwards.

use std::fmt::Write as _;

use super::font::Weight;

/// Where text stands relative to its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Begins there.
    Start,
    /// Is centred there.
    Middle,
    /// Ends there.
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub struct Type<'a> {
    /// Size of the em, in pixels.
    pub size_px: f64,
    /// Its weight.
    pub weight: Weight,
    /// Its colour.
    pub fill: &'a str,
    /// Where it stands relative to its x.
    pub anchor: Anchor,
}

impl<'a> Type<'a> {
    /// Regular weight, beginning at its x.
    pub const fn new(size_px: f64, fill: &'a str) -> Self {
        Self {
            size_px,
            weight: Weight::Regular,
            fill,
            anchor: Anchor::Start,
        }
    }

    /// The same in semi-bold.
    pub const fn bold(self) -> Self {
        Self {
            weight: Weight::SemiBold,
            ..self
        }
    }

    /// The same, standing at `anchor`.
    pub const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// A rectangle, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
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
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// Right edge.
    pub const fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Bottom edge.
    pub const fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// Centre of its width.
    pub const fn centre_x(&self) -> f64 {
        self.x + 0.5 * self.width
    }

    /// Baseline that centres capitals of `size_px` in its height (Inter's are 0.727 em high).
    pub const fn baseline(&self, size_px: f64) -> f64 {
        self.y + 0.5 * (self.height + 0.727 * size_px)
    }
}

/// The elements so far.
#[derive(Debug, Default)]
pub struct Canvas(String);

impl Canvas {
    /// An SVG document of `width` × `height` logical pixels with `defs`, around the elements.
    pub fn into_svg(self, width: f64, height: f64, defs: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" xml:space=\"preserve\" font-family=\"Inter, 'Segoe UI', Roboto, \
             'Helvetica Neue', Arial, sans-serif\">\n<defs>{defs}</defs>\n{}</svg>\n",
            self.0
        )
    }

    /// The picture's title, for screen readers and tooltips.
    pub fn title(&mut self, text: &str) {
        self.element(format_args!("<title>{}</title>", escaped(text)));
    }

    /// A filled rectangle with sharp edges.
    pub fn rect(&mut self, r: Rect, fill: &str) {
        self.element(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"/>",
            Px(r.x),
            Px(r.y),
            Px(r.width),
            Px(r.height)
        ));
    }

    /// A filled rectangle with corners of `radius`.
    pub fn rounded(&mut self, r: Rect, radius: f64, fill: &str) {
        self.element(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{fill}\"/>",
            Px(r.x),
            Px(r.y),
            Px(r.width),
            Px(r.height),
            Px(radius)
        ));
    }

    /// A straight line, one pixel wide.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str) {
        self.element(format_args!(
            "<path d=\"M{} {}L{} {}\" stroke=\"{stroke}\"/>",
            Px(from.0),
            Px(from.1),
            Px(to.0),
            Px(to.1)
        ));
    }

    /// A path with its presentation attributes; both are our own text and not escaped.
    pub fn path(&mut self, d: &str, attributes: &str) {
        if !d.is_empty() {
            self.element(format_args!("<path d=\"{d}\" {attributes}/>"));
        }
    }

    /// One line of text on the baseline `y`.
    pub fn text(&mut self, x: f64, y: f64, text: &str, look: Type<'_>) {
        let anchor = match look.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = match look.weight {
            Weight::Regular => String::new(),
            weight => format!(" font-weight=\"{}\"", weight.css()),
        };
        self.element(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{weight} fill=\"{}\"{anchor}>{}</text>",
            Px(x),
            Px(y),
            Px(look.size_px),
            look.fill,
            escaped(text)
        ));
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "{element}");
    }
}

/// A coordinate as SVG keeps it here: at most one decimal.
#[derive(Debug, Clone, Copy)]
pub struct Px(pub f64);

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
