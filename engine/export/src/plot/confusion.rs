//! The picture of a head's confusion: how often each label was predicted for each true label, with the
//! scores beside it.

use super::colors::{DIM, GROUND, PANEL, TEXT, heat};
use super::font::{Weight, elided, width_px};
use super::shapes::{Anchor, Canvas, Rect, TextStyle};
use super::{HEIGHT, MARGIN, PlotError, RIGHT, WIDTH, raster, svg};
use crate::palette::{Color, text_on};
use mertscope_heads::head::metrics::Scores;

/// The place of the matrix.
const MATRIX: Rect = Rect::new(300.0, 140.0, 700.0, 700.0);
/// Space between two cells, in logical pixels.
const GAP: f64 = 1.5;
/// Largest text in and beside the cells, in logical pixels.
const LABEL_PX: f64 = 17.0;
/// Smallest text that is still drawn, in logical pixels.
const SMALLEST_PX: f64 = 7.0;
/// Left edge of the words beside the matrix.
const WORDS_X: f64 = MATRIX.right() + 64.0;
/// Mistakes that are named.
const MOST_NAMED: usize = 8;

/// The content of the picture.
#[derive(Debug, Clone, Copy)]
pub struct Confusion<'a> {
    /// The head and what it was judged on, for example `genre · files`.
    pub title: &'a str,
    /// The labels, in the order of the scores' rows.
    pub labels: &'a [String],
    /// The scores.
    pub scores: &'a Scores,
    /// Scores as text, one per line.
    pub facts: &'a [String],
}

impl Confusion<'_> {
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
        let mut canvas = Canvas::new(format!("{}: confusion", self.title));
        canvas.rect(Rect::new(0.0, 0.0, WIDTH, HEIGHT), GROUND);
        let large = TextStyle::new(30.0, TEXT).bold();
        let title = elided(self.title, 30.0, Weight::SemiBold, RIGHT - MARGIN);
        canvas.text(MARGIN, 72.0, &title, large);
        let present = self.scores.occurring();
        if present.is_empty() {
            canvas.text(
                MARGIN,
                MATRIX.y,
                "nothing was judged",
                TextStyle::new(16.0, DIM),
            );
            return canvas;
        }
        self.matrix(&mut canvas, &present);
        self.words(&mut canvas, &present);
        canvas
    }

    /// Draws row and column labels, and a cell for each pair, shaded by its share of the row.
    fn matrix(&self, canvas: &mut Canvas, present: &[usize]) {
        let side = MATRIX.width / present.len() as f64;
        let text_px = (side * 0.55).min(LABEL_PX);
        let is_readable = text_px >= SMALLEST_PX;
        for (row, truth) in present.iter().enumerate() {
            let top = MATRIX.y + side * row as f64;
            if is_readable {
                self.name(canvas, row, *truth, text_px, side);
            }
            let counts = &self.scores.confusion[*truth];
            let total: usize = counts.iter().sum();
            for (column, predicted) in present.iter().enumerate() {
                let left = MATRIX.x + side * column as f64;
                let place = Rect::new(left, top, side - GAP, side - GAP);
                let count = counts[*predicted];
                let fill = match total {
                    0 => PANEL,
                    total => heat(count as f64 / total as f64),
                };
                canvas.rect(place, fill);
                if count > 0 && is_readable {
                    write_count(canvas, place, count, text_px, fill);
                }
            }
        }
        let y = MATRIX.bottom() + 26.0;
        let legend =
            "rows: true label; columns: answer, by the row's number; shade: share of the row";
        canvas.text(MATRIX.x, y, legend, TextStyle::new(14.0, DIM));
    }

    /// Writes a row's label and number, and the number over its column: a name has no room there.
    fn name(&self, canvas: &mut Canvas, row: usize, truth: usize, text_px: f64, side: f64) {
        let top = MATRIX.y + side * row as f64;
        let base = Rect::new(MARGIN, top, MATRIX.x - MARGIN, side).baseline(text_px);
        let room = MATRIX.x - MARGIN - 44.0;
        let name = elided(&self.labels[truth], text_px, Weight::Regular, room);
        let style = TextStyle::new(text_px, TEXT).anchored(Anchor::End);
        canvas.text(MATRIX.x - 40.0, base, &name, style);
        let number = (row + 1).to_string();
        let style = TextStyle::new(text_px, DIM).anchored(Anchor::End);
        canvas.text(MATRIX.x - 10.0, base, &number, style);
        let x = MATRIX.x + side * (row as f64 + 0.5);
        let style = style.anchored(Anchor::Middle);
        canvas.text(x, MATRIX.y - 10.0, &number, style);
    }

    /// Writes the scores and the most frequent mistakes.
    fn words(&self, canvas: &mut Canvas, present: &[usize]) {
        let room = RIGHT - WORDS_X;
        let mut y = MATRIX.y + 16.0;
        let mut line = |text: &str, style: TextStyle, step: f64| {
            canvas.text(
                WORDS_X,
                y,
                &elided(text, style.size_px, style.weight, room),
                style,
            );
            y += step;
        };
        for fact in self.facts {
            line(fact, TextStyle::new(18.0, TEXT), 30.0);
        }
        let mut mistakes: Vec<(usize, usize, usize)> = Vec::new();
        for truth in present {
            for predicted in present.iter().filter(|predicted| *predicted != truth) {
                let count = self.scores.confusion[*truth][*predicted];
                mistakes.push((count, *truth, *predicted));
            }
        }
        mistakes.retain(|(count, ..)| *count > 0);
        // Equal counts stay in the order of the labels.
        mistakes.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
        line("", TextStyle::new(18.0, TEXT), 18.0);
        let heading = if mistakes.is_empty() {
            "no mistake"
        } else {
            "most frequent mistakes"
        };
        line(heading, TextStyle::new(16.0, DIM), 30.0);
        for (count, truth, predicted) in mistakes.iter().take(MOST_NAMED) {
            let (truth, predicted) = (&self.labels[*truth], &self.labels[*predicted]);
            let text = format!("{count} × {truth} taken for {predicted}");
            line(&text, TextStyle::new(18.0, TEXT), 28.0);
        }
    }
}

/// Writes a count into its cell, smaller when it has no room.
fn write_count(canvas: &mut Canvas, place: Rect, count: usize, text_px: f64, fill: Color) {
    let count = count.to_string();
    let room = 0.9 * place.width / width_px(&count, text_px, Weight::Regular);
    let px = text_px * room.min(1.0);
    let style = TextStyle::new(px, text_on(fill)).anchored(Anchor::Middle);
    canvas.text(place.center_x(), place.baseline(px), &count, style);
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_heads::head::metrics::scores;

    fn labels(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("label <{n}>")).collect()
    }

    #[test]
    fn counts_mistakes_and_scores_are_on_the_picture() {
        let labels = labels(3);
        let answers = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]];
        let answers = answers.map(|row| row.to_vec());
        let scores = scores(&answers, &[0, 0, 1], 3);
        let confusion = Confusion {
            title: "mood",
            labels: &labels,
            scores: &scores,
            facts: &["accuracy 0.667".to_owned()],
        };
        let svg = confusion.svg();
        for expected in [
            "accuracy 0.667",
            "1 × label &lt;0&gt; taken for label &lt;1&gt;",
            "mood",
        ] {
            assert!(svg.contains(expected), "{expected}");
        }
        // The third label neither is true nor is answered.
        assert!(!svg.contains("label &lt;2&gt;"));
        assert!(confusion.png().unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn many_labels_and_none_are_drawn_too() {
        let labels = labels(200);
        let answers: Vec<Vec<f32>> = (0..200)
            .map(|n| (0..200).map(|m| f32::from(u8::from(n == m))).collect())
            .collect();
        let truth: Vec<usize> = (0..200).collect();
        for scores in [scores(&answers, &truth, 200), scores(&[], &[], 200)] {
            let confusion = Confusion {
                title: "many",
                labels: &labels,
                scores: &scores,
                facts: &[],
            };
            assert!(confusion.svg().len() < 6_000_000);
            confusion.png().unwrap();
        }
    }
}
