//! A picture of one file: key, key probabilities and genre over time, with the summary above.
//!
//! Everything is laid out on a page of [`WIDTH`] × [`HEIGHT`] logical pixels: [`svg`] writes that
//! page down, [`png`] paints it at twice its size with the embedded typeface. Windows beyond what
//! the page can show are averaged, so a picture of hours is as small as one of minutes.

use mertscope_heads::timeline::{TimedResult, Timeline};

use super::segments::{Segment, merge};
use super::units::percent;
use super::{FileReport, Run};
use axis::{LABEL_PX, TimeAxis};
use canvas::{Anchor, Canvas, Look, Px, Rect, Type};
use colors::{DIM, GROUND, HATCH, PANEL, RULE, TEXT};
use font::Weight;
use samples::{Sample, thinned};

mod axis;
mod canvas;
mod colors;
pub mod confusion;
mod font;
mod genre;
mod header;
mod key;
mod pixels;
mod samples;

/// Width of the page, in logical pixels.
pub const WIDTH: f64 = 1600.0;
/// Height of the page, in logical pixels.
pub const HEIGHT: f64 = 900.0;
/// From one stripe of the hatch to the next, and the width of a stripe, in logical pixels.
const HATCH_PX: (f32, f32) = (7.0, 1.6);

/// Margin at both sides of the page.
const MARGIN: f64 = 48.0;
/// Left edge of the panels; what is left of it belongs to their labels.
const LEFT: f64 = 148.0;
/// Right edge of the panels.
const RIGHT: f64 = WIDTH - MARGIN;
/// Most samples across a panel: one for two pixels.
const MOST_SAMPLES: usize = ((RIGHT - LEFT) / 2.0) as usize;

const RIBBON: Rect = panel(202.0, 42.0);
const CONFIDENCE: Rect = panel(250.0, 46.0);
const HEAT_MAP: Rect = panel(342.0, 288.0);
const GENRE: Rect = panel(676.0, 124.0);
/// In the panels' stead where there is nothing to draw.
const WHOLE: Rect = Rect::new(MARGIN, RIBBON.y, RIGHT - MARGIN, GENRE.bottom() - RIBBON.y);
/// Baseline of the time axis' labels.
const TIME_BASELINE: f64 = 824.0;
const FOOTER_RULE: f64 = 848.0;
const FOOTER_BASELINE: f64 = 874.0;

const fn panel(y: f64, height: f64) -> Rect {
    Rect::new(LEFT, y, RIGHT - LEFT, height)
}

/// Why there is no PNG.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// There is no room for the pixels.
    #[error("There is not enough memory to draw the plot; close some programs and try again.")]
    Memory,
    /// The pixels could not be packed.
    #[error("The plot could not be packed as PNG ({0}); please report it.")]
    Png(String),
}

/// Everything that a panel draws from.
struct Page<'a> {
    timeline: &'a Timeline,
    samples: Vec<Sample>,
    axis: TimeAxis,
    /// Stretches in which nothing was analyzed, in seconds.
    unheard: Vec<(f64, f64)>,
}

/// The picture as an SVG document, under 1 MB for any length.
#[must_use]
pub fn svg(run: &Run, report: &FileReport) -> String {
    page(run, report).svg(WIDTH, HEIGHT, &hatch())
}

/// The picture as a PNG file, at twice its logical size.
///
/// # Errors
/// When memory is short.
pub fn png(run: &Run, report: &FileReport) -> Result<Vec<u8>, PlotError> {
    pixels::png(page(run, report).shapes())
}

/// Everything on the page.
fn page(run: &Run, report: &FileReport) -> Canvas {
    let nothing = Timeline::default();
    let timeline = report.outcome.as_ref().unwrap_or(&nothing);
    let start_s = timeline.results.first().map_or(0.0, |r| r.start_s);
    let last_s = timeline.results.last().map_or(0.0, |r| r.end_s);
    let duration_s = report.duration_s.unwrap_or(last_s - start_s);
    let page = Page {
        timeline,
        samples: thinned(timeline, MOST_SAMPLES),
        axis: TimeAxis {
            left: LEFT,
            right: RIGHT,
            start_s,
            // A page without audio still needs an axis.
            duration_s: if duration_s > 0.0 { duration_s } else { 1.0 },
        },
        unheard: unheard(&timeline.results),
    };

    let mut canvas = Canvas::default();
    canvas.title(&format!("{}: key and genre over time", report.file));
    canvas.rect(Rect::new(0.0, 0.0, WIDTH, HEIGHT), GROUND);
    header::draw(&mut canvas, report);
    match &report.outcome {
        Err(error) => notice(&mut canvas, WHOLE, error),
        Ok(timeline) if timeline.results.is_empty() => {
            notice(&mut canvas, WHOLE, "no window to analyze");
        }
        Ok(_) => {
            key::draw(&mut canvas, &page);
            genre::draw(&mut canvas, &page);
            time_axis(&mut canvas, &page.axis);
        }
    }
    footer(&mut canvas, run);
    canvas
}

/// Stretches without an answer, joined where less than a pixel lies between them.
fn unheard(results: &[TimedResult]) -> Vec<(f64, f64)> {
    let ends = results.first().zip(results.last());
    let total_s = ends.map_or(0.0, |(first, last)| last.end_s - first.start_s);
    let pixel_s = total_s / (RIGHT - LEFT);
    let mut joined: Vec<(f64, f64)> = Vec::new();
    let segments = merge(results, |r| r.result.is_some());
    for Segment { start_s, end_s, .. } in segments.into_iter().filter(|s| !s.label) {
        match joined.last_mut() {
            Some(last) if start_s - last.1 < pixel_s => last.1 = end_s,
            _ => joined.push((start_s, end_s)),
        }
    }
    joined
}

/// The pattern of what was not analyzed: stripes at 45°.
fn hatch() -> String {
    let (period, stripe) = (HATCH_PX.0, HATCH_PX.1);
    format!(
        "<pattern id=\"hatch\" width=\"{period}\" height=\"{period}\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"{period}\" height=\"{period}\" fill=\"{PANEL}\"/>\
         <rect width=\"{stripe}\" height=\"{period}\" fill=\"{HATCH}\"/></pattern>"
    )
}

/// Hatches the page's unheard stretches across `panel`, each at least 2 px wide.
fn hatch_unheard(canvas: &mut Canvas, page: &Page<'_>, panel: Rect) {
    let mut d = String::new();
    for &(start_s, end_s) in &page.unheard {
        let (left, right) = (page.axis.x_from_s(start_s), page.axis.x_from_s(end_s));
        d += &rect_path(left, panel.y, (right - left).max(2.0), panel.height);
    }
    canvas.path(&d, Look::hatched().crisp());
}

/// A rectangle as a piece of a path.
fn rect_path(x: f64, y: f64, width: f64, height: f64) -> String {
    let (width, height) = (Px(width), Px(height));
    format!("M{} {}h{width}v{height}h-{width}z", Px(x), Px(y))
}

/// A panel that has nothing to show but a sentence.
fn notice(canvas: &mut Canvas, panel: Rect, text: &str) {
    canvas.rounded(panel, 3.0, PANEL);
    let look = Type::new(16.0, DIM).anchored(Anchor::Middle);
    let text = font::elided(text, 16.0, look.weight, panel.width - 48.0);
    canvas.text(panel.center_x(), panel.baseline(16.0), &text, look);
}

/// A panel's title over its left edge, with a dimmer remark behind it.
fn title(canvas: &mut Canvas, panel: Rect, title: &str, remark: &str) {
    let (y, look) = (panel.y - 11.0, Type::new(15.0, TEXT).bold());
    canvas.text(panel.x, y, title, look);
    let width = font::width_px(title, look.size_px, look.weight);
    canvas.text(panel.x + width + 12.0, y, remark, Type::new(13.0, DIM));
}

/// Swatches with their names, ending at the panel's right edge, on its title's line.
fn legend(canvas: &mut Canvas, panel: Rect, entries: &[(String, String)]) {
    let (size_px, swatch_px) = (12.5, 11.0);
    let baseline = panel.y - 11.0;
    let mut right = panel.right();
    for (name, fill) in entries.iter().rev() {
        canvas.text(
            right,
            baseline,
            name,
            Type::new(size_px, DIM).anchored(Anchor::End),
        );
        right -= font::width_px(name, size_px, Weight::Regular) + swatch_px + 6.0;
        canvas.rounded(
            Rect::new(right, baseline - 9.5, swatch_px, swatch_px),
            2.0,
            fill,
        );
        right -= 16.0;
    }
}

/// Labels of a 0–100 % axis at the panel's left edge.
fn percent_axis(canvas: &mut Canvas, panel: Rect, shares: &[f32]) {
    for &share in shares {
        let y = panel.bottom() - f64::from(share) * panel.height;
        // Labels of the ends stay inside the panel's height, away from their neighbors.
        let baseline = (y + 4.0).clamp(panel.y + 9.0, panel.bottom());
        let look = Type::new(12.0, DIM).anchored(Anchor::End);
        canvas.text(panel.x - 10.0, baseline, &percent(share), look);
    }
}

/// Gridlines through all panels and the labels below them.
fn time_axis(canvas: &mut Canvas, axis: &TimeAxis) {
    let bottom = GENRE.bottom();
    let mut d = String::new();
    for (time_s, label) in axis.ticks() {
        let x = axis.x_from_s(time_s).floor() + 0.5;
        for panel in [RIBBON, CONFIDENCE, HEAT_MAP, GENRE] {
            d += &format!("M{} {}v{}", Px(x), Px(panel.y), Px(panel.height));
        }
        canvas.line((x, bottom), (x, bottom + 6.0), DIM);
        let width = font::width_px(&label, LABEL_PX, Weight::Regular);
        // The first and the last stay within the panels instead of hanging over the margins.
        let center = x.clamp(LEFT + 0.5 * width, RIGHT - 0.5 * width);
        let look = Type::new(LABEL_PX, DIM).anchored(Anchor::Middle);
        canvas.text(center, TIME_BASELINE, &label, look);
    }
    canvas.path(&d, Look::default().stroked("#ffffff", 1.0, 0.09));
    canvas.text(MARGIN, TIME_BASELINE, axis.title(), Type::new(12.0, DIM));
}

fn footer(canvas: &mut Canvas, run: &Run) {
    canvas.line((MARGIN, FOOTER_RULE), (RIGHT, FOOTER_RULE), RULE);
    let text = format!(
        "Model {}  ·  window {} s  ·  hop {} s  ·  {}, {}",
        run.model_id, run.window_s, run.hop_s, run.device, run.precision
    );
    let text = font::elided(&text, 12.5, Weight::Regular, RIGHT - MARGIN - 140.0);
    canvas.text(MARGIN, FOOTER_BASELINE, &text, Type::new(12.5, DIM));
    let look = Type::new(12.5, DIM).bold().anchored(Anchor::End);
    canvas.text(RIGHT, FOOTER_BASELINE, "Mertscope", look);
}

#[cfg(test)]
mod tests;
