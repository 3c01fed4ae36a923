//! The picture of selective answers: accuracy of the named labels against their share, live and for whole files.

use kurbo::BezPath;

use super::colors::{DIM, GROUND, PANEL, RULE, TEXT};
use super::font::{Weight, elided};
use super::shapes::{Anchor, Canvas, PathStyle, Rect, TextStyle};
use super::{HEIGHT, MARGIN, PlotError, RIGHT, WIDTH, raster, svg};
use crate::palette::Color;
use mertscope_heads::head::reliability::{Answers, Reliability};

/// The place of the curves.
const PANEL_PLACE: Rect = Rect::new(150.0, 140.0, 760.0, 640.0);
/// Left edge of the words beside them.
const WORDS_X: f64 = PANEL_PLACE.right() + 64.0;
const LIVE: Color = Color::from_hex(0xf2_b84b);
const WHOLE: Color = Color::from_hex(0x5c_c8ff);

/// The content of the picture.
#[derive(Debug, Clone, Copy)]
pub struct RiskCoverage<'a> {
    /// The head and what it was judged on.
    pub title: &'a str,
    /// The figures.
    pub reliability: &'a Reliability,
    /// Figures as text, one per line.
    pub facts: &'a [String],
}

impl RiskCoverage<'_> {
    /// The picture as an SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::document(&self.page())
    }

    /// The picture as a PNG file, at twice its logical size.
    ///
    /// # Errors
    /// When memory is short.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        raster::png(&self.page())
    }

    fn page(&self) -> Canvas {
        let mut canvas = Canvas::new(format!("{}: accuracy where named", self.title));
        canvas.rect(Rect::new(0.0, 0.0, WIDTH, HEIGHT), GROUND);
        let title = elided(self.title, 30.0, Weight::SemiBold, RIGHT - MARGIN);
        canvas.text(MARGIN, 72.0, &title, TextStyle::new(30.0, TEXT).bold());
        canvas.rounded(PANEL_PLACE, 4.0, PANEL);
        axes(&mut canvas);
        let curves = [
            ("live, each window", &self.reliability.live, LIVE),
            ("whole files", &self.reliability.whole, WHOLE),
        ];
        for (row, (name, answers, color)) in curves.into_iter().enumerate() {
            curve(&mut canvas, answers, color);
            let y = PANEL_PLACE.bottom() - 48.0 + 26.0 * row as f64;
            let style = TextStyle::new(16.0, color).bold();
            canvas.text(PANEL_PLACE.x + 20.0, y, name, style);
        }
        let mut y = PANEL_PLACE.y + 16.0;
        for fact in self.facts {
            let text = elided(fact, 17.0, Weight::Regular, RIGHT - WORDS_X);
            canvas.text(WORDS_X, y, &text, TextStyle::new(17.0, TEXT));
            y += 30.0;
        }
        canvas
    }
}

/// The place of a share named and a share right.
fn place(named: f64, right: f64) -> (f64, f64) {
    (
        PANEL_PLACE.x + PANEL_PLACE.width * named,
        PANEL_PLACE.bottom() - PANEL_PLACE.height * right,
    )
}

fn axes(canvas: &mut Canvas) {
    for tenth in (0..=10).step_by(2) {
        let share = f64::from(tenth) / 10.0;
        let text = format!("{} %", tenth * 10);
        let style = TextStyle::new(14.0, DIM);
        let (left, y) = place(0.0, share);
        canvas.line((left, y), (PANEL_PLACE.right(), y), RULE);
        let at_left = style.anchored(Anchor::End);
        canvas.text(left - 10.0, y + 5.0, &text, at_left);
        let (x, bottom) = place(share, 0.0);
        let below = style.anchored(Anchor::Middle);
        canvas.text(x, bottom + 24.0, &text, below);
    }
    let style = TextStyle::new(16.0, DIM).anchored(Anchor::Middle);
    let words = "share of the answers that are named, the most probable first";
    let y = PANEL_PLACE.bottom() + 54.0;
    canvas.text(PANEL_PLACE.center_x(), y, words, style);
    let words = "share of the named labels that are right";
    canvas.text(
        PANEL_PLACE.x,
        PANEL_PLACE.y - 14.0,
        words,
        TextStyle::new(16.0, DIM),
    );
}

/// A line through the answers, the most probable first, and a ring at the limit in use.
fn curve(canvas: &mut Canvas, answers: &Answers, color: Color) {
    let mut path = BezPath::new();
    for (n, (named, right)) in answers.curve.iter().enumerate() {
        let at = place(*named, *right);
        if n == 0 {
            path.move_to(at);
        } else {
            path.line_to(at);
        }
    }
    canvas.path(path, PathStyle::default().stroked(color, 3.0, 1.0));
    let (named, right) = (answers.named.value, answers.right_where_named.value);
    if named.is_finite() && right.is_finite() {
        let (x, y) = place(named, right);
        let ring = Rect::new(x - 8.0, y - 8.0, 16.0, 16.0).rounded(8.0);
        canvas.path(ring, PathStyle::filled(GROUND).stroked(color, 3.0, 1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_heads::head::reliability::{ShownAnswer, ShownFile};

    fn file(n: usize) -> ShownFile {
        let answer = ShownAnswer {
            heard_s: 5.0,
            best: n % 4,
            probability: 0.5 + (n % 4) as f32 * 0.1,
            is_named: n.is_multiple_of(2),
        };
        ShownFile {
            group: n.to_string(),
            truth: 2,
            live: vec![answer],
            whole: answer,
        }
    }

    #[test]
    fn curves_limits_and_facts_are_on_the_picture() {
        let files: Vec<ShownFile> = (0..40).map(file).collect();
        for reliability in [Reliability::of(&files), Reliability::of(&[])] {
            let picture = RiskCoverage {
                title: "key <files>",
                reliability: &reliability,
                facts: &["live: named 50 %".to_owned()],
            };
            let svg = picture.svg();
            for expected in ["live: named 50 %", "key &lt;files&gt;", "whole files"] {
                assert!(svg.contains(expected), "{expected}");
            }
            assert!(picture.png().unwrap().starts_with(b"\x89PNG"));
        }
    }
}
