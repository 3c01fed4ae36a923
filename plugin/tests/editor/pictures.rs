//! What is drawn, at three sizes, in all themes, at two scales.

use std::path::PathBuf;

use egui::{Vec2, vec2};
use mertscope::editor::look::{Look, Page};
use mertscope::editor::theme::Theme;

use crate::raster::picture;
use crate::stage::{Stage, snapshot};

const SIZES: [Vec2; 3] = [vec2(480.0, 320.0), vec2(960.0, 600.0), vec2(1600.0, 1000.0)];

/// Pictures of every page for a person to look at, in the folder that `MERTSCOPE_PICTURES` names.
#[test]
fn pictures_for_a_person() {
    let Some(folder) = std::env::var_os("MERTSCOPE_PICTURES").map(PathBuf::from) else {
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    let wanted = std::env::var("MERTSCOPE_PICTURE").unwrap_or_default();
    for page in Page::TABS.into_iter().chain([Page::Settings]) {
        for size in SIZES {
            for theme in Theme::ALL {
                let name = format!("{}-{}x{}-{theme:?}.png", page.name(), size.x, size.y);
                if !name.contains(&wanted) {
                    continue;
                }
                let stage = Stage::default();
                stage.params.memory.set(&Look {
                    theme,
                    page,
                    ..Look::default()
                });
                picture(&stage, snapshot(400), size, 1.0, None).save(&folder.join(name));
            }
        }
    }
}
