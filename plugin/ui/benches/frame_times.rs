//! The CPU time of a frame, layout and tessellation, page by page, with a full history.
//!
//! `cargo xtask bench frames` runs it. Painting is the graphics driver's and not in it. Measures nothing without
//! `--bench`, which `cargo bench` adds and `cargo test` does not.

#[path = "../tests/editor/host.rs"]
mod host;
#[path = "../tests/editor/music.rs"]
mod music;
#[path = "../tests/editor/stage.rs"]
mod stage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Context, Pos2, RawInput, Rect, Vec2, vec2};
use mertscope_live::Snapshot;
use mertscope_ui::view_settings::{Page, ViewSettings};

use host::TestHost;
use mertscope_ui::host::EditorHost;
use music::snapshot;
use stage::Stage;

/// Windows in a full history of the engine.
const WINDOWS: usize = 2048;
/// Frames measured of each kind.
const FRAMES: usize = 300;
/// What is aimed at, in milliseconds.
const AIM_MS: f64 = 2.0;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("A frame on the CPU: median and 99th percentile in ms of {FRAMES}, aim {AIM_MS} ms");
    println!(
        "{:<22}{:>18}{:>20}",
        "page and size", "nothing new", "new result"
    );
    for size in [vec2(480.0, 320.0), vec2(960.0, 600.0), vec2(1600.0, 1000.0)] {
        for page in Page::TABS.into_iter().chain([Page::Settings]) {
            let same = times(page, size, false);
            let new = times(page, size, true);
            let name = format!("{} {}x{}", page.name(), size.x, size.y);
            println!("{name:<22}{:>18}{:>20}", figures(same), figures(new));
        }
    }
}

/// The times of frames, of which each has a new history if `changing`.
fn times(page: Page, size: Vec2, changing: bool) -> Vec<Duration> {
    let stage = Stage::<TestHost>::default();
    stage.host.state().set(&ViewSettings {
        page,
        ..ViewSettings::default()
    });
    let context = Context::default();
    let mut editor_ui = stage.editor_ui(&context);
    let first = snapshot(WINDOWS);
    let mut shown = Arc::new(first.clone());
    let mut times = Vec::with_capacity(FRAMES);
    for frame in 0..FRAMES + 5 {
        if changing {
            let history = Arc::new(first.history.as_ref().clone());
            shown = Arc::new(Snapshot {
                history,
                ..first.clone()
            });
        }
        let input = RawInput {
            time: Some(frame as f64 / 60.0),
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
            ..RawInput::default()
        };
        let begun = Instant::now();
        let mut output = context.run_ui(input, |ui| editor_ui.ui(ui, &shown));
        let meshes =
            context.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let took = begun.elapsed();
        output.textures_delta.clear();
        assert!(!meshes.is_empty());
        // The first frames fill egui's caches.
        if frame >= 5 {
            times.push(took);
        }
    }
    times.sort();
    times
}

fn figures(times: Vec<Duration>) -> String {
    let ms = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("{:.2} / {:.2}", ms(0.5), ms(0.99))
}
