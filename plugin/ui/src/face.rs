//! Everything in the window, without a window: pages, strip and first-run note, drawn from a
//! snapshot. The editor in a host, the standalone app, the tests and the benchmark draw this.

use std::sync::Arc;

use egui::{Key, Modifiers, Rect, Ui, UiBuilder, pos2, vec2};
use mertscope_live::Snapshot;

use crate::bar::{BAR_HEIGHT, bar_ui};
use crate::circle::circle_ui;
use crate::desk::Desk;
use crate::extra::Extra;
use crate::genre::genre_ui;
use crate::host::EditorHost;
use crate::layout::{split, stack};
use crate::look::{Look, Page};
use crate::map::MapView;
use crate::others;
use crate::ranking::ranking_ui;
use crate::settings::Settings;
use crate::strip::Strip;
use crate::study::Study;
use crate::text;
use crate::theme::Theme;
use crate::timeline::Timeline;
use crate::user::User;
use crate::welcome::Welcome;

/// Space around and between cards, in points.
const GAP: f32 = 8.0;
/// From this width beside the circle on there is room for genres and map, in points.
const MAP_FROM_WIDTH: f32 = 480.0;
/// Below this width or height of the body cards move closer together.
const ROOMY: f32 = 420.0;

/// See the module.
pub struct Face {
    host: Arc<dyn EditorHost>,
    extra: Option<Arc<dyn Extra>>,
    /// The theme that egui was dressed in.
    dressed: Option<Theme>,
    /// What was shown when hold was pressed.
    held: Option<Arc<Snapshot>>,
    map: MapView,
    timeline: Timeline,
    strip: Strip,
    study: Study,
    settings: Settings,
    user: User,
    welcome: Welcome,
}

impl Face {
    /// A face in the context `egui`, whose fonts and style it sets. An instance that nothing was
    /// changed in yet takes on the defaults of `user`.
    #[must_use]
    pub fn new(egui: &egui::Context, host: Arc<dyn EditorHost>, user: User) -> Self {
        text::install(egui);
        if host.memory().is_new() {
            host.take_defaults(&user);
        }
        Self {
            host,
            extra: None,
            dressed: None,
            held: None,
            map: MapView::default(),
            timeline: Timeline::default(),
            strip: Strip::default(),
            study: Study::default(),
            settings: Settings::default(),
            welcome: Welcome::new(user.clone()),
            user,
        }
    }

    /// The same face with what the program around it adds.
    #[must_use]
    pub fn with_extra(mut self, extra: Option<Arc<dyn Extra>>) -> Self {
        self.extra = extra;
        self
    }

    /// Draws one frame of `live`, the newest snapshot, over all of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, live: &Arc<Snapshot>) {
        let host = Arc::clone(&self.host);
        let parameters = host.parameters();
        let look: Look = host.memory().get().unwrap_or_default();
        self.dress(ui, look.theme);
        leave_space_to_the_host(ui);
        let shown = self.shown(live, parameters.hold);
        let desk = Desk {
            snapshot: &shown,
            live,
            host: &*host,
            parameters,
            palette: look.theme.palette(),
        };
        let mut next = look;
        self.parts(ui, &desk, &mut next);
        if next != look {
            host.memory().set(&next);
            ui.ctx().request_repaint();
        }
    }

    /// The snapshot to show: while hold is on, the one of when it was pressed.
    fn shown(&mut self, live: &Arc<Snapshot>, hold: bool) -> Arc<Snapshot> {
        if hold {
            Arc::clone(self.held.get_or_insert_with(|| Arc::clone(live)))
        } else {
            self.held = None;
            Arc::clone(live)
        }
    }

    fn dress(&mut self, ui: &mut Ui, theme: Theme) {
        if self.dressed != Some(theme) {
            let style = theme.palette().style();
            ui.ctx().all_styles_mut(|all| *all = style.clone());
            ui.set_style(style);
            self.dressed = Some(theme);
        }
    }

    fn parts(&mut self, ui: &mut Ui, desk: &Desk<'_>, look: &mut Look) {
        let window = ui.max_rect();
        ui.painter()
            .rect_filled(window, egui::CornerRadius::ZERO, desk.palette.ground);
        let bar = window.with_max_y((window.top() + BAR_HEIGHT).min(window.bottom()));
        ui.scope_builder(UiBuilder::new().max_rect(bar), |ui| bar_ui(ui, desk, look));
        let mut top = bar.bottom();
        if let Some(extra) = &self.extra {
            let height = extra.bar_height(window.width()).clamp(0.0, window.height());
            let place = Rect::from_min_size(bar.left_bottom(), vec2(window.width(), height));
            let builder = UiBuilder::new().max_rect(place).id_salt("extra");
            ui.scope_builder(builder, |ui| extra.bar_ui(ui, desk.palette));
            top += height;
        }
        let note = Rect::from_min_size(
            pos2(window.left(), top),
            vec2(window.width(), self.welcome.height(window.width())),
        );
        if note.height() > 0.0 {
            ui.scope_builder(UiBuilder::new().max_rect(note).id_salt("note"), |ui| {
                self.welcome.ui(ui, desk, note)
            });
            top += note.height();
        }
        let strip_height = self
            .strip
            .height(ui, desk, window.width())
            .min(window.height());
        let strip = window.with_min_y(window.bottom() - strip_height);
        let body = Rect::from_min_max(pos2(window.left(), top), strip.right_top());
        if body.height() > 0.0 && body.width() > 0.0 {
            let builder = UiBuilder::new().max_rect(body).id_salt(look.page);
            ui.scope_builder(builder, |ui| {
                ui.set_clip_rect(body.intersect(ui.clip_rect()));
                self.page(ui, desk, look, body);
            });
        }
        ui.scope_builder(UiBuilder::new().max_rect(strip), |ui| {
            self.strip.ui(ui, desk, strip)
        });
    }

    fn page(&mut self, ui: &mut Ui, desk: &Desk<'_>, look: &mut Look, body: Rect) {
        let gap = if body.width().min(body.height()) < ROOMY {
            GAP * 0.75
        } else {
            GAP * 1.5
        };
        let body = body.shrink(gap);
        match look.page {
            Page::Overview => self.overview(ui, desk, look, body, gap),
            Page::Key => {
                let list = if body.width() >= 700.0 {
                    (body.width() * 0.32).min(440.0) + gap
                } else {
                    0.0
                };
                let (left, right) = split(body, body.width() - list, gap);
                let inner = desk.card(ui, left);
                circle_ui(ui, desk, inner);
                if list > 0.0 {
                    let inner = desk.card(ui, right);
                    ranking_ui(ui, desk, inner);
                }
            }
            Page::Genre => {
                let (left, right) = split(body, (body.width() * 0.4).clamp(200.0, 520.0), gap);
                let inner = desk.card(ui, left);
                let below = others::height(desk).min(inner.height() / 2.0);
                let (bars, others) = stack(inner, below, 0.0);
                genre_ui(ui, desk, bars);
                others::others_ui(ui, desk, others);
                let inner = desk.card(ui, right);
                self.timeline.ui(ui, desk, look.time_base, inner);
            }
            Page::Map => {
                let inner = desk.card(ui, body);
                self.map.ui(ui, desk, inner);
            }
            Page::Timeline => {
                let inner = desk.card(ui, body);
                self.timeline.ui(ui, desk, look.time_base, inner);
            }
            Page::Study => self.study.ui(ui, desk, body, gap),
            Page::Settings => {
                let around = (self.extra.as_deref(), &self.user);
                self.settings.ui(ui, desk, look, around, body);
            }
        }
    }

    fn overview(&mut self, ui: &mut Ui, desk: &Desk<'_>, look: &Look, body: Rect, gap: f32) {
        let (keys, genres, timeline) = if body.height() < ROOMY {
            // Little height: the circle takes all of it.
            let (left, right) = split(body, (body.height()).min(body.width() * 0.54), gap);
            let below = (right.height() * 0.33).max(76.0).min(right.height());
            let (top, bottom) = stack(right, below, gap);
            (left, top, bottom)
        } else {
            let (top, bottom) = stack(body, (body.height() * 0.34).min(340.0), gap);
            let (left, right) = split(top, (top.height() + 16.0).min(top.width() * 0.56), gap);
            (left, right, bottom)
        };
        let inner = desk.card(ui, keys);
        circle_ui(ui, desk, inner);
        let mut genres = genres;
        let has_map = desk
            .snapshot
            .model
            .running
            .as_ref()
            .is_some_and(|running| running.map.is_some());
        if has_map && genres.width() >= MAP_FROM_WIDTH {
            let (left, right) = split(genres, genres.width() * 0.46, gap);
            genres = left;
            let inner = desk.card(ui, right);
            self.map.ui(ui, desk, inner);
        }
        let inner = desk.card(ui, genres);
        genre_ui(ui, desk, inner);
        let inner = desk.card(ui, timeline);
        self.timeline.ui(ui, desk, look.time_base, inner);
    }
}

/// The space bar starts and stops the host, so it presses nothing here unless text is typed.
fn leave_space_to_the_host(ui: &Ui) {
    if !ui.ctx().text_edit_focused() {
        ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space));
    }
}
