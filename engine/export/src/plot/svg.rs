//! A page as an SVG 1.1 document. Text stays text, in the embedded typeface where a viewer has it and
//! in a similar one elsewhere; coordinates have one decimal.

use std::fmt::{self, Write as _};

use kurbo::{BezPath, PathEl, Point};

use super::colors::{HATCH, PANEL};
use super::font::Weight;
use super::shapes::{
    Anchor, Canvas, Fill, HATCH_PERIOD_PX, HATCH_STRIPE_PX, PathStyle, Rect, Shape, TextStyle,
};
use super::{HEIGHT, WIDTH};
use crate::palette::Color;

/// The document of a page of [`WIDTH`] × [`HEIGHT`] logical pixels.
pub(crate) fn document(canvas: &Canvas) -> String {
    let mut svg = String::new();
    // Writing to a string can't fail.
    let _ = write_document(&mut svg, canvas);
    svg
}

fn write_document(svg: &mut String, canvas: &Canvas) -> fmt::Result {
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" xml:space=\"preserve\" font-family=\"Inter, 'Segoe UI', \
         Roboto, 'Helvetica Neue', Arial, sans-serif\">"
    )?;
    if canvas.shapes().iter().any(is_hatched) {
        write_hatch(svg)?;
    }
    writeln!(svg, "<title>{}</title>", escaped(canvas.title()))?;
    for shape in canvas.shapes() {
        match shape {
            Shape::Rect {
                rect,
                radius_px,
                fill,
            } => write_rect(svg, *rect, *radius_px, *fill)?,
            Shape::Path { path, style } => write_path(svg, path, *style)?,
            Shape::Text { at, text, style } => write_text(svg, *at, text, *style)?,
        }
    }
    writeln!(svg, "</svg>")
}

fn is_hatched(shape: &Shape) -> bool {
    matches!(shape, Shape::Path { style, .. } if style.fill == Some(Fill::Hatch))
}

/// The pattern of stripes at 45°.
fn write_hatch(svg: &mut String) -> fmt::Result {
    let (period, stripe) = (HATCH_PERIOD_PX, HATCH_STRIPE_PX);
    writeln!(
        svg,
        "<defs><pattern id=\"hatch\" width=\"{period}\" height=\"{period}\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"{period}\" height=\"{period}\" fill=\"{PANEL}\"/>\
         <rect width=\"{stripe}\" height=\"{period}\" fill=\"{HATCH}\"/></pattern></defs>"
    )
}

fn write_rect(svg: &mut String, rect: Rect, radius_px: f64, fill: Color) -> fmt::Result {
    let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(Px);
    write!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""
    )?;
    if radius_px > 0.0 {
        write!(svg, " rx=\"{}\"", Px(radius_px))?;
    }
    writeln!(svg, " fill=\"{fill}\"/>")
}

fn write_path(svg: &mut String, path: &BezPath, style: PathStyle) -> fmt::Result {
    write!(svg, "<path d=\"")?;
    write_course(svg, path)?;
    match style.fill {
        None => write!(svg, "\" fill=\"none\"")?,
        Some(Fill::Hatch) => write!(svg, "\" fill=\"url(#hatch)\"")?,
        Some(Fill::Plain(color, opacity)) => {
            write!(svg, "\" fill=\"{color}\"")?;
            if opacity < 1.0 {
                write!(svg, " fill-opacity=\"{opacity}\"")?;
            }
        }
    }
    if let Some(stroke) = style.stroke {
        let (color, width_px) = (stroke.color, stroke.width_px);
        write!(svg, " stroke=\"{color}\" stroke-width=\"{width_px}\"")?;
        if stroke.opacity < 1.0 {
            write!(svg, " stroke-opacity=\"{}\"", stroke.opacity)?;
        }
    }
    if style.is_crisp {
        write!(svg, " shape-rendering=\"crispEdges\"")?;
    }
    writeln!(svg, "/>")
}

/// The course of a path in SVG's commands; lines along an axis take the short ones.
fn write_course(svg: &mut String, path: &BezPath) -> fmt::Result {
    let mut at = Point::ZERO;
    for element in path {
        match element {
            PathEl::MoveTo(to) => write!(svg, "M{}", Place(to))?,
            PathEl::LineTo(to) if Px(to.y).tenths() == Px(at.y).tenths() => {
                write!(svg, "H{}", Px(to.x))?;
            }
            PathEl::LineTo(to) if Px(to.x).tenths() == Px(at.x).tenths() => {
                write!(svg, "V{}", Px(to.y))?;
            }
            PathEl::LineTo(to) => write!(svg, "L{}", Place(to))?,
            PathEl::QuadTo(a, to) => write!(svg, "Q{} {}", Place(a), Place(to))?,
            PathEl::CurveTo(a, b, to) => {
                write!(svg, "C{} {} {}", Place(a), Place(b), Place(to))?;
            }
            PathEl::ClosePath => write!(svg, "z")?,
        }
        at = element.end_point().unwrap_or(at);
    }
    Ok(())
}

fn write_text(svg: &mut String, at: Point, text: &str, style: TextStyle) -> fmt::Result {
    let [x, y, size] = [at.x, at.y, style.size_px].map(Px);
    write!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"")?;
    if style.weight != Weight::Regular {
        write!(svg, " font-weight=\"{}\"", style.weight.css())?;
    }
    write!(svg, " fill=\"{}\"", style.fill)?;
    match style.anchor {
        Anchor::Start => {}
        Anchor::Middle => write!(svg, " text-anchor=\"middle\"")?,
        Anchor::End => write!(svg, " text-anchor=\"end\"")?,
    }
    writeln!(svg, ">{}</text>", escaped(text))
}

/// A coordinate with at most one decimal.
#[derive(Debug, Clone, Copy)]
struct Px(f64);

impl Px {
    fn tenths(self) -> f64 {
        (self.0 * 10.0).round()
    }
}

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding zero turns -0 into 0.
        write!(f, "{}", self.tenths() / 10.0 + 0.0)
    }
}

/// A point as two coordinates.
struct Place(Point);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Px(self.0.x), Px(self.0.y))
    }
}

/// `text` as XML character data; a character that XML 1.0 forbids becomes U+FFFD.
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

    #[test]
    fn a_course_reads_back_as_the_path_that_it_was() {
        let mut path = BezPath::new();
        Rect::new(10.0, 20.5, 30.0, 4.0).add_to(&mut path);
        path.move_to((1.0, 2.0));
        path.line_to((3.5, 4.0));
        path.quad_to((5.0, 6.0), (7.0, 8.0));
        path.curve_to((1.0, 1.5), (2.0, 2.0), (-3.0, 0.1));
        let mut course = String::new();
        write_course(&mut course, &path).unwrap();
        assert!(
            course.starts_with("M10 20.5H40V24.5H10zM1 2L3.5 4Q"),
            "{course}"
        );
        assert_eq!(BezPath::from_svg(&course).unwrap(), path);
    }
}
