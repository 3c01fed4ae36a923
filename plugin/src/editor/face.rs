//! Everything in the window, without a window: pages, strip and first-run note, drawn from a
//! snapshot. The editor in a host, the standalone app, the tests and the benchmark draw this.

use std::sync::Arc;

use egui::{Key, Modifiers, Rect, Ui, UiBuilder, pos2, vec2};
use mertscope_engine::live::Snapshot;
use nih_plug::context::gui::GuiContext;

use super::bar::{BAR_HEIGHT, bar_ui};
use super::circle::circle_ui;
use super::desk::Desk;
use super::extra::Extra;
use super::genre::genre_ui;
use super::look::{Look, Page};
use super::settings::Settings;
use super::strip::Strip;
use super::text;
use super::theme::Theme;
use super::timeline::Timeline;
use crate::connection::Connection;
use crate::params::MertscopeParams;

/// Space around and between cards, in points.
const GAP: f32 = 8.0;
/// Below this width or height of the body cards move closer together.
const ROOMY: f32 = 420.0;

/// See the module.
pub struct Face {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    host: GuiContext,
    extra: Option<Arc<dyn Extra>>,
    /// The theme that egui was dressed in.
    dressed: Option<Theme>,
    /// What was shown when hold was pressed.
    held: Option<Arc<Snapshot>>,
    timeline: Timeline,
    strip: Strip,
    settings: Settings,
}

impl Face {
    /// A face in the context `egui`, whose fonts and style it sets.
    #[must_use]
    pub fn new(
        egui: &egui::Context,
        params: Arc<MertscopeParams>,
        connection: Arc<Connection>,
        host: GuiContext,
    ) -> Self {
        text::install(egui);
        Self {
            params,
            connection,
            host,
            extra: None,
            dressed: None,
            held: None,
            timeline: Timeline::default(),
            strip: Strip::default(),
            settings: Settings::default(),
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
        let params = Arc::clone(&self.params);
        let look: Look = params.memory.get().unwrap_or_default();
        self.dress(ui, look.theme);
        leave_space_to_the_host(ui);
        let shown = self.shown(live);
        let connection = Arc::clone(&self.connection);
        let host = self.host.clone();
        let desk = Desk {
            snapshot: &shown,
            live,
            params: &params,
            connection: &connection,
            host: &host,
            palette: look.theme.palette(),
            notation: params.notation.value().into(),
        };
        let mut next = look;
        self.parts(ui, &desk, &mut next);
        if next != look {
            params.memory.set(&next);
            ui.ctx().request_repaint();
        }
    }

    /// The snapshot to show: while hold is on, the one of when it was pressed.
    fn shown(&mut self, live: &Arc<Snapshot>) -> Arc<Snapshot> {
        if self.params.hold.value() {
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
                let inner = desk.card(ui, body);
                circle_ui(ui, desk, inner);
            }
            Page::Genre => {
                let (left, right) = split(body, (body.width() * 0.4).clamp(200.0, 520.0), gap);
                let inner = desk.card(ui, left);
                genre_ui(ui, desk, inner);
                let inner = desk.card(ui, right);
                self.timeline.ui(ui, desk, look.time_base, inner);
            }
            Page::Timeline => {
                let inner = desk.card(ui, body);
                self.timeline.ui(ui, desk, look.time_base, inner);
            }
            Page::Settings => self
                .settings
                .ui(ui, desk, look, self.extra.as_deref(), body),
        }
    }

    fn overview(&mut self, ui: &mut Ui, desk: &Desk<'_>, look: &Look, body: Rect, gap: f32) {
        let below = (body.height() * 0.34).clamp(70.0, 340.0);
        let top = body.with_max_y(body.bottom() - below - gap);
        let bottom = body.with_min_y(body.bottom() - below);
        let (left, right) = split(top, (top.height() + 16.0).min(body.width() * 0.56), gap);
        let inner = desk.card(ui, left);
        circle_ui(ui, desk, inner);
        let inner = desk.card(ui, right);
        genre_ui(ui, desk, inner);
        let inner = desk.card(ui, bottom);
        self.timeline.ui(ui, desk, look.time_base, inner);
    }
}

/// A place cut in two, the left part `width` wide, with a gap between.
fn split(rect: Rect, width: f32, gap: f32) -> (Rect, Rect) {
    let width = width.clamp(0.0, rect.width());
    let left = Rect::from_min_size(rect.min, vec2(width, rect.height()));
    let right = Rect::from_min_max(
        pos2((left.right() + gap).min(rect.right()), rect.top()),
        rect.max,
    );
    (left, right)
}

/// The space bar starts and stops the host, so it presses nothing here unless text is typed.
fn leave_space_to_the_host(ui: &Ui) {
    if !ui.ctx().text_edit_focused() {
        ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space));
    }
}
