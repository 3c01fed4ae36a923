//! A picture of a head's confusion: which true label was answered by which, and the scores beside it.

use super::canvas::{Anchor, Canvas, Rect, Type};
use super::colors::{DIM, GROUND, INK, PANEL, TEXT, heat};
use super::font::{Weight, elided, width_px};
use super::{HEIGHT, MARGIN, PlotError, RIGHT, WIDTH, pixels};
use mertscope_heads::head::metrics::Scores;

/// Where the matrix stands.
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
/// A share of a row from which its cell is light enough for dark text.
const LIGHT: f64 = 0.6;

/// What the picture shows.
#[derive(Debug, Clone, Copy)]
pub struct Confusion<'a> {
    /// What was judged, for example `genre · files`.
    pub title: &'a str,
    /// The labels, in the order of the scores' rows.
    pub labels: &'a [String],
    /// The scores.
    pub scores: &'a Scores,
    /// Scores as text, a line each.
    pub facts: &'a [String],
}

impl Confusion<'_> {
    /// The picture as an SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        self.page().svg(WIDTH, HEIGHT, "")
    }

    /// The picture as a PNG file, at twice its logical size.
    ///
    /// # Errors
    /// When memory is short.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        pixels::png(self.page().shapes())
    }

    fn page(&self) -> Canvas {
        let mut canvas = Canvas::default();
        canvas.title(&format!("{}: confusion", self.title));
        canvas.rect(Rect::new(0.0, 0.0, WIDTH, HEIGHT), GROUND);
        let large = Type::new(30.0, TEXT).bold();
        let title = elided(self.title, 30.0, Weight::SemiBold, RIGHT - MARGIN);
        canvas.text(MARGIN, 72.0, &title, large);
        let present = self.scores.occurring();
        if present.is_empty() {
            canvas.text(MARGIN, MATRIX.y, "nothing was judged", Type::new(16.0, DIM));
            return canvas;
        }
        self.matrix(&mut canvas, &present);
        self.words(&mut canvas, &present);
        canvas
    }

    /// Row and column labels, and a cell for each pair, shaded by its share of the row.
    fn matrix(&self, canvas: &mut Canvas, present: &[usize]) {
        let side = MATRIX.width / present.len() as f64;
        let text_px = (side * 0.55).min(LABEL_PX);
        let is_readable = text_px >= SMALLEST_PX;
        for (row, truth) in present.iter().enumerate() {
            let top = MATRIX.y + side * row as f64;
            let line = Rect::new(MARGIN, top, MATRIX.x - MARGIN, side);
            let counts = &self.scores.confusion[*truth];
            let total: usize = counts.iter().sum();
            if is_readable {
                let room = MATRIX.x - MARGIN - 44.0;
                let name = elided(&self.labels[*truth], text_px, Weight::Regular, room);
                let look = Type::new(text_px, TEXT).anchored(Anchor::End);
                let base = line.baseline(text_px);
                canvas.text(MATRIX.x - 40.0, base, &name, look);
                // A column is found by the number that its label's row bears.
                let number = (row + 1).to_string();
                let look = Type::new(text_px, DIM).anchored(Anchor::End);
                canvas.text(MATRIX.x - 10.0, base, &number, look);
                let x = MATRIX.x + side * (row as f64 + 0.5);
                let look = Type::new(text_px, DIM).anchored(Anchor::Middle);
                canvas.text(x, MATRIX.y - 10.0, &number, look);
            }
            for (column, answer) in present.iter().enumerate() {
                let left = MATRIX.x + side * column as f64;
                let cell = Rect::new(left, top, side - GAP, side - GAP);
                let share = counts[*answer] as f64 / total.max(1) as f64;
                canvas.rect(
                    cell,
                    &if total > 0 {
                        heat(share)
                    } else {
                        PANEL.to_owned()
                    },
                );
                if counts[*answer] > 0 && is_readable {
                    let ink = if share >= LIGHT { INK } else { TEXT };
                    let count = counts[*answer].to_string();
                    let room = 0.9 * cell.width / width_px(&count, text_px, Weight::Regular);
                    let px = text_px * room.min(1.0);
                    let look = Type::new(px, ink).anchored(Anchor::Middle);
                    canvas.text(cell.center_x(), cell.baseline(px), &count, look);
                }
            }
        }
        let y = MATRIX.bottom() + 26.0;
        let legend =
            "rows: true label; columns: answer, by the row's number; shade: share of the row";
        canvas.text(MATRIX.x, y, legend, Type::new(14.0, DIM));
    }

    /// The scores and the most frequent mistakes.
    fn words(&self, canvas: &mut Canvas, present: &[usize]) {
        let room = RIGHT - WORDS_X;
        let mut y = MATRIX.y + 16.0;
        let mut line = |text: &str, look: Type<&str>, step: f64| {
            canvas.text(
                WORDS_X,
                y,
                &elided(text, look.size_px, look.weight, room),
                look,
            );
            y += step;
        };
        for fact in self.facts {
            line(fact, Type::new(18.0, TEXT), 30.0);
        }
        let mut mistakes: Vec<(usize, usize, usize)> = Vec::new();
        for truth in present {
            for answer in present.iter().filter(|answer| *answer != truth) {
                mistakes.push((self.scores.confusion[*truth][*answer], *truth, *answer));
            }
        }
        mistakes.retain(|(count, ..)| *count > 0);
        // Equal counts stay in the order of the labels.
        mistakes.sort_by_key(|(count, ..)| std::cmp::Reverse(*count));
        line("", Type::new(18.0, TEXT), 18.0);
        let heading = if mistakes.is_empty() {
            "no mistake"
        } else {
            "most frequent mistakes"
        };
        line(heading, Type::new(16.0, DIM), 30.0);
        for (count, truth, answer) in mistakes.iter().take(MOST_NAMED) {
            let (truth, answer) = (&self.labels[*truth], &self.labels[*answer]);
            let text = format!("{count} × {truth} taken for {answer}");
            line(&text, Type::new(18.0, TEXT), 28.0);
        }
    }
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
