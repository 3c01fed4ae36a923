//! The contents of the window: pages, status bar and first-run notice, drawn from a snapshot. The
//! editor in a host, the standalone app, the tests and the benchmark draw them, on the GUI thread.
//! Deliberately not here: the window itself.

use std::sync::Arc;

use egui::{Key, Modifiers, Rect, Ui, UiBuilder, pos2, vec2};
use mertscope_live::Snapshot;

use crate::bar::{BAR_HEIGHT, bar_ui};
use crate::circle::circle_ui;
use crate::extra_heads;
use crate::file_drop::{self, Use};
use crate::genre::genre_ui;
use crate::host::EditorHost;
use crate::host_panel::HostPanel;
use crate::layout::{split, stack};
use crate::map::MapView;
use crate::ranking::ranking_ui;
use crate::settings::SettingsPage;
use crate::shortcuts::shortcuts;
use crate::status_bar::StatusBar;
use crate::study::StudyPage;
use crate::text;
use crate::theme::Theme;
use crate::timeline::Timeline;
use crate::user::User;
use crate::view_context::ViewContext;
use crate::view_settings::{Page, ViewSettings};
use crate::welcome::Welcome;

/// Space around and between cards, in points.
const GAP: f32 = 8.0;
/// From this width beside the circle on, genres and map both have room, in points.
const MAP_FROM_WIDTH: f32 = 480.0;
/// Below this width or height of the body, cards move closer together, in points.
const ROOMY: f32 = 420.0;

/// See the module.
pub struct EditorUi {
    host: Arc<dyn EditorHost>,
    host_panel: Option<Arc<dyn HostPanel>>,
    /// The theme whose style egui has.
    styled: Option<Theme>,
    /// The snapshot that was shown when hold was pressed.
    held: Option<Arc<Snapshot>>,
    map: MapView,
    timeline: Timeline,
    status_bar: StatusBar,
    study: StudyPage,
    settings: SettingsPage,
    user: User,
    welcome: Welcome,
}

impl EditorUi {
    /// An editor in the context `egui`, whose fonts and style it sets. An instance without any change so
    /// far takes the defaults of `user`.
    #[must_use]
    pub fn new(egui: &egui::Context, host: Arc<dyn EditorHost>, user: User) -> Self {
        text::install(egui);
        if host.state().is_new() {
            host.take_defaults(&user);
        }
        Self {
            host,
            host_panel: None,
            styled: None,
            held: None,
            map: MapView::default(),
            timeline: Timeline::default(),
            status_bar: StatusBar::default(),
            study: StudyPage::default(),
            settings: SettingsPage::default(),
            welcome: Welcome::new(user.clone()),
            user,
        }
    }

    /// The same editor with the panel that the program around it adds.
    #[must_use]
    pub fn with_host_panel(mut self, host_panel: Option<Arc<dyn HostPanel>>) -> Self {
        self.host_panel = host_panel;
        self
    }

    /// Draws one frame of `live`, the newest snapshot, over all of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, live: &Arc<Snapshot>) {
        let (host, host_panel) = (Arc::clone(&self.host), self.host_panel.clone());
        let parameters = host.parameters();
        let view_settings: ViewSettings = host.state().get().unwrap_or_default();
        self.set_style(ui, view_settings.theme);
        leave_space_to_host(ui);
        let shown = self.shown(live, parameters.hold);
        let context = ViewContext {
            snapshot: &shown,
            live,
            host: &*host,
            host_panel: host_panel.as_deref(),
            parameters,
            palette: view_settings.theme.palette(),
        };
        let mut next = view_settings;
        shortcuts(ui, &context);
        self.parts(ui, &context, &mut next);
        self.take_files(ui, &context, &mut next);
        file_drop::hover_ui(ui, &context, next.page);
        if next != view_settings {
            host.state().set(&next);
            ui.ctx().request_repaint();
        }
    }

    /// The snapshot to show: while hold is on, the one from the moment it was pressed.
    fn shown(&mut self, live: &Arc<Snapshot>, hold: bool) -> Arc<Snapshot> {
        if hold {
            Arc::clone(self.held.get_or_insert_with(|| Arc::clone(live)))
        } else {
            self.held = None;
            Arc::clone(live)
        }
    }

    /// Plays files that were dropped on the window, or makes references of them and shows those.
    fn take_files(&mut self, ui: &Ui, context: &ViewContext<'_>, view_settings: &mut ViewSettings) {
        let mut files = file_drop::dropped(ui);
        if files.is_empty() {
            return;
        }
        match (context.host_panel, Use::on(view_settings.page, context)) {
            (Some(host_panel), Use::Play) => host_panel.play_file(files.swap_remove(0)),
            _ => {
                view_settings.page = Page::Study;
                self.study.add_files(context, files);
            }
        }
    }

    fn set_style(&mut self, ui: &mut Ui, theme: Theme) {
        if self.styled != Some(theme) {
            let style = theme.palette().style();
            ui.ctx().all_styles_mut(|all| *all = style.clone());
            ui.set_style(style);
            self.styled = Some(theme);
        }
    }

    fn parts(&mut self, ui: &mut Ui, context: &ViewContext<'_>, view_settings: &mut ViewSettings) {
        let window = ui.max_rect();
        ui.painter()
            .rect_filled(window, egui::CornerRadius::ZERO, context.palette.ground);
        let bar = window.with_max_y((window.top() + BAR_HEIGHT).min(window.bottom()));
        ui.scope_builder(UiBuilder::new().max_rect(bar), |ui| {
            bar_ui(ui, context, view_settings)
        });
        let mut top = bar.bottom();
        if let Some(host_panel) = context.host_panel {
            let height = host_panel
                .bar_height(window.width())
                .clamp(0.0, window.height());
            let place = Rect::from_min_size(bar.left_bottom(), vec2(window.width(), height));
            let builder = UiBuilder::new().max_rect(place).id_salt("host panel");
            ui.scope_builder(builder, |ui| host_panel.bar_ui(ui, context.palette));
            top += height;
        }
        let welcome = Rect::from_min_size(
            pos2(window.left(), top),
            vec2(window.width(), self.welcome.height(window.width())),
        );
        if welcome.height() > 0.0 {
            ui.scope_builder(
                UiBuilder::new().max_rect(welcome).id_salt("welcome"),
                |ui| self.welcome.ui(ui, context, welcome),
            );
            top += welcome.height();
        }
        let status_bar_height = self
            .status_bar
            .height(ui, context, window.width())
            .min(window.height());
        let status_bar = window.with_min_y(window.bottom() - status_bar_height);
        let body = Rect::from_min_max(pos2(window.left(), top), status_bar.right_top());
        if body.height() > 0.0 && body.width() > 0.0 {
            let builder = UiBuilder::new().max_rect(body).id_salt(view_settings.page);
            ui.scope_builder(builder, |ui| {
                ui.set_clip_rect(body.intersect(ui.clip_rect()));
                self.page(ui, context, view_settings, body);
            });
        }
        ui.scope_builder(UiBuilder::new().max_rect(status_bar), |ui| {
            self.status_bar.ui(ui, context, status_bar)
        });
    }

    fn page(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        view_settings: &mut ViewSettings,
        body: Rect,
    ) {
        let gap = if body.width().min(body.height()) < ROOMY {
            GAP * 0.75
        } else {
            GAP * 1.5
        };
        let body = body.shrink(gap);
        match view_settings.page {
            Page::Overview => self.overview(ui, context, view_settings, body, gap),
            Page::Key => {
                let list = if body.width() >= 700.0 {
                    (body.width() * 0.32).min(440.0) + gap
                } else {
                    0.0
                };
                let (left, right) = split(body, body.width() - list, gap);
                let inner = context.card(ui, left);
                circle_ui(ui, context, inner);
                if list > 0.0 {
                    let inner = context.card(ui, right);
                    ranking_ui(ui, context, inner);
                }
            }
            Page::Genre => {
                let (left, right) = split(body, (body.width() * 0.4).clamp(200.0, 520.0), gap);
                let inner = context.card(ui, left);
                let below = extra_heads::height(context).min(inner.height() / 2.0);
                let (bars, extra_heads) = stack(inner, below, 0.0);
                genre_ui(ui, context, bars);
                extra_heads::extra_heads_ui(ui, context, extra_heads);
                let inner = context.card(ui, right);
                self.timeline
                    .ui(ui, context, view_settings.time_base, inner);
            }
            Page::Map => {
                let inner = context.card(ui, body);
                self.map.ui(ui, context, inner);
            }
            Page::Timeline => {
                let inner = context.card(ui, body);
                self.timeline
                    .ui(ui, context, view_settings.time_base, inner);
            }
            Page::Study => self.study.ui(ui, context, body, gap),
            Page::Settings => {
                self.settings
                    .ui(ui, context, view_settings, &self.user, body);
            }
        }
    }

    fn overview(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        view_settings: &ViewSettings,
        body: Rect,
        gap: f32,
    ) {
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
        let inner = context.card(ui, keys);
        circle_ui(ui, context, inner);
        let mut genres = genres;
        let has_map = context
            .snapshot
            .model
            .running
            .as_ref()
            .is_some_and(|running| running.map.is_some());
        if has_map && genres.width() >= MAP_FROM_WIDTH {
            let (left, right) = split(genres, genres.width() * 0.46, gap);
            genres = left;
            let inner = context.card(ui, right);
            self.map.ui(ui, context, inner);
        }
        let inner = context.card(ui, genres);
        genre_ui(ui, context, inner);
        let inner = context.card(ui, timeline);
        self.timeline
            .ui(ui, context, view_settings.time_base, inner);
    }
}

/// The space bar starts and stops the host's transport, so it presses nothing here unless text is typed.
fn leave_space_to_host(ui: &Ui) {
    if !ui.ctx().text_edit_focused() {
        ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space));
    }
}
