//! Pictures: no part of the window may be empty, at three sizes, three themes and three scales.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Rect, Vec2, pos2, vec2};
use mertscope_audio::Notice;
use mertscope_ui::host::EditorHost;
use mertscope_ui::state::Comparison;
use mertscope_ui::theme::Theme;
use mertscope_ui::user::User;
use mertscope_ui::view_settings::{Page, ViewSettings};

use crate::Stage;
use crate::answers;
use crate::host_panel::TestPanel;
use crate::music::snapshot;
use crate::raster::{Picture, picture};
use crate::start_again::started_again;
use crate::studied::studied;

const SIZES: [Vec2; 3] = [vec2(480.0, 320.0), vec2(960.0, 600.0), vec2(1600.0, 1000.0)];

fn drawn(page: Page, theme: Theme, size: Vec2, scale: f32) -> Picture {
    let stage = Stage::default();
    stage.host.state().set(&ViewSettings {
        theme,
        page,
        ..ViewSettings::default()
    });
    let shown = match page {
        Page::Map | Page::Timeline | Page::Study => studied(400),
        _ => snapshot(400),
    };
    if page == Page::Study {
        let b = shown.study.references[1].id.clone();
        let a = String::new();
        stage.host.state().set(&Comparison { a, b });
    }
    picture(&stage, shown, size, scale, &[])
}

/// A part of the window, by shares of its width and height, in pixels.
fn part(size: Vec2, scale: f32, [left, top, right, bottom]: [f32; 4]) -> Rect {
    let size = size * scale;
    Rect::from_min_max(
        pos2(left * size.x, top * size.y),
        pos2(right * size.x, bottom * size.y),
    )
}

#[test]
fn nothing_is_empty() {
    for (size, scale) in SIZES.into_iter().map(|size| (size, 1.0)).chain([
        (SIZES[0], 2.0),
        (SIZES[1], 2.0),
        (SIZES[0], 3.0),
    ]) {
        for theme in Theme::ALL {
            let picture = drawn(Page::Overview, theme, size, scale);
            let colors = |shares| picture.colors(part(size, scale, shares));
            let name = format!("{size} at {scale}, {theme:?}");
            // The circle, the genres, the timeline, the bar and the status bar have shades of their own.
            assert!(colors([0.02, 0.15, 0.34, 0.55]) > 60, "{name}: no circle");
            assert!(colors([0.60, 0.15, 0.98, 0.55]) > 30, "{name}: no genres");
            assert!(colors([0.60, 0.65, 0.98, 0.90]) > 30, "{name}: no timeline");
            assert!(colors([0.0, 0.0, 1.0, 0.06]) > 10, "{name}: no bar");
            assert!(colors([0.0, 0.92, 1.0, 1.0]) > 10, "{name}: no status bar");
        }
    }
}

/// Draws every page in every size and theme, into the folder that `MERTSCOPE_PICTURES` names or a temporary one;
/// `MERTSCOPE_PICTURE` limits the pictures to names with this part.
#[test]
#[ignore = "long: draws every page, for people to look at"]
fn pictures_for_a_person() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("MERTSCOPE_PICTURES")
        .map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let wanted = std::env::var("MERTSCOPE_PICTURE").unwrap_or_default();
    for size in SIZES
        .into_iter()
        .filter(|size| format!("Trouble-{}x{}", size.x, size.y).contains(&wanted))
    {
        let stage = Stage {
            user: User::at(&folder),
            ..Stage::default()
        };
        let mut shown = snapshot(0);
        shown.error = Some(
            "ONNX Runtime was not found: libonnxruntime.so was looked for beside the plugin and in the user's data \
             folder. “cargo xtask setup” installs it."
                .to_owned(),
        );
        picture(&stage, shown, size, 1.0, &[])
            .save(&folder.join(format!("Trouble-{}x{}.png", size.x, size.y)));
    }
    for size in SIZES {
        let name = format!("StudyTrouble-{}x{}.png", size.x, size.y);
        if name.contains(&wanted) {
            let stage = Stage::default();
            let page = Page::Study;
            stage.host.state().set(&ViewSettings {
                page,
                ..ViewSettings::default()
            });
            let mut shown = snapshot(60);
            shown.study.notice = Some(Notice::error(
                "/music/album/notes.txt is no audio file that can be read; give one that a player plays.",
            ));
            picture(&stage, shown, size, 1.0, &[]).save(&folder.join(name));
        }
    }
    for size in SIZES {
        for theme in Theme::ALL {
            let view_settings = |page| ViewSettings {
                theme,
                page,
                ..ViewSettings::default()
            };
            for (name, page, over) in [
                ("StudyFirst", Page::Study, &[][..]),
                ("App", Page::Settings, &[]),
                (
                    "Dropping",
                    Page::Overview,
                    &["/music/A song to compare with.flac"],
                ),
            ] {
                let file = format!("{name}-{}x{}-{theme:?}.png", size.x, size.y);
                if file.contains(&wanted) {
                    let stage = Stage {
                        host_panel: (name == "App").then(|| Arc::new(TestPanel::default()) as _),
                        ..Stage::default()
                    };
                    stage.host.state().set(&view_settings(page));
                    picture(&stage, snapshot(400), size, 1.0, over).save(&folder.join(file));
                }
            }
        }
    }
    for theme in Theme::ALL {
        let name = format!("Again-960x600-{theme:?}.png");
        if name.contains(&wanted) {
            let stage = Stage::default();
            stage.host.state().set(&ViewSettings {
                theme,
                ..ViewSettings::default()
            });
            picture(&stage, started_again(), SIZES[1], 1.0, &[]).save(&folder.join(name));
        }
    }
    for (name, shown) in [
        ("Named", answers::NAMED),
        ("Pair", answers::PAIR),
        ("Unclear", answers::UNCLEAR),
    ] {
        for size in SIZES {
            for theme in Theme::ALL {
                for scale in [1.0, 2.0] {
                    let name = format!("{name}-{}x{}-{theme:?}@{scale}.png", size.x, size.y);
                    if name.contains(&wanted) {
                        answers::drawn(&shown, theme, size, scale).save(&folder.join(name));
                    }
                }
            }
        }
    }
    for page in Page::TABS.into_iter().chain([Page::Settings]) {
        for size in SIZES {
            for theme in Theme::ALL {
                let name = format!("{}-{}x{}-{theme:?}.png", page.name(), size.x, size.y);
                if name.contains(&wanted) {
                    drawn(page, theme, size, 1.0).save(&folder.join(name));
                }
            }
        }
    }
}
