//! The bar at the top: tabs of the pages, and the buttons that start again, hold, and open the settings.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::control::{HEIGHT, Icon, focus_ring, icon_button};
use crate::parameters::{self, ParameterChange};
use crate::shortcuts::START_AGAIN_KEY;
use crate::text::{self, Size};
use crate::view_context::ViewContext;
use crate::view_settings::{Page, ViewSettings};

/// Height of the bar in points.
pub(crate) const BAR_HEIGHT: f32 = 40.0;

/// From this width on there is room for the name of the product.
const NAME_FROM_WIDTH: f32 = 640.0;

/// Draws the bar, and acts on the buttons that are pressed in it.
pub(crate) fn bar_ui(ui: &mut Ui, context: &ViewContext<'_>, view_settings: &mut ViewSettings) {
    let palette = context.palette;
    let rect = ui.max_rect();
    ui.painter()
        .rect_filled(rect, CornerRadius::ZERO, palette.panel);
    ui.painter().hline(
        rect.x_range(),
        rect.bottom() - 0.5,
        egui::Stroke::new(1.0, palette.rule),
    );
    ui.scope_builder(
        egui::UiBuilder::new().max_rect(rect.shrink2(vec2(10.0, 8.0))),
        |ui| {
            ui.horizontal_centered(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                if rect.width() >= NAME_FROM_WIDTH {
                    let (name, _) = ui.allocate_exact_size(vec2(92.0, HEIGHT), Sense::hover());
                    let at = name.left_center() + vec2(2.0, 0.0);
                    text::put(
                        ui.painter(),
                        at,
                        Align2::LEFT_CENTER,
                        "Mertscope",
                        (text::bold(Size::Title), palette.text),
                        92.0,
                    );
                }
                for page in Page::TABS {
                    if tab(ui, context, page, view_settings.page == page) {
                        view_settings.page = page;
                    }
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let settings = view_settings.page == Page::Settings;
                    let name = Page::Settings.name();
                    if icon_button(
                        ui,
                        palette,
                        Icon::Settings,
                        settings,
                        name,
                        Page::Settings.about(),
                    )
                    .clicked()
                    {
                        view_settings.page = if settings {
                            Page::Overview
                        } else {
                            Page::Settings
                        };
                    }
                    hold_ui(ui, context);
                    start_again_ui(ui, context);
                });
            });
        },
    );
}

/// Draws a tab; returns whether it was pressed.
fn tab(ui: &mut Ui, context: &ViewContext<'_>, page: Page, open: bool) -> bool {
    let palette = context.palette;
    let measured = text::line(
        ui.painter(),
        page.name(),
        text::bold(Size::Body),
        palette.text,
        f32::INFINITY,
    );
    let (rect, response) =
        ui.allocate_exact_size(vec2(measured.size().x + 16.0, HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, open, page.name()));
    let (font, color) = match (open, response.hovered()) {
        (true, _) => (text::bold(Size::Body), palette.text),
        (false, true) => (text::plain(Size::Body), palette.text),
        (false, false) => (text::plain(Size::Body), palette.dim),
    };
    text::put(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        page.name(),
        (font, color),
        rect.width(),
    );
    if open {
        let bottom = ui.max_rect().bottom() + 7.0;
        let line = Rect::from_min_max(
            pos2(rect.left() + 8.0, bottom - 2.0),
            pos2(rect.right() - 8.0, bottom),
        );
        ui.painter()
            .rect_filled(line, CornerRadius::same(1), palette.accent);
    }
    focus_ring(ui, &response, palette, 5);
    let pressed = response.clicked();
    response.on_hover_text(page.about());
    pressed
}

fn start_again_ui(ui: &mut Ui, context: &ViewContext<'_>) {
    let about = format!(
        "Start again at a change of track: what follows is judged by itself; the history and the references \
         stay ({START_AGAIN_KEY})"
    );
    let (icon, name) = (Icon::Again, parameters::START_AGAIN);
    if icon_button(ui, context.palette, icon, false, name, &about).clicked() {
        context.host.start_again();
    }
}

fn hold_ui(ui: &mut Ui, context: &ViewContext<'_>) {
    let held = context.parameters.hold;
    let (icon, about) = if held {
        (Icon::Resume, "Follow the music again")
    } else {
        (
            Icon::Hold,
            "Freeze the pictures to look at them; analysis goes on",
        )
    };
    if icon_button(ui, context.palette, icon, held, parameters::HOLD, about).clicked() {
        context.host.change(ParameterChange::Hold(!held));
    }
    if held {
        let (font, color) = (text::bold(Size::Small), context.palette.accent);
        let (rect, _) = ui.allocate_exact_size(vec2(34.0, HEIGHT), Sense::hover());
        text::put(
            ui.painter(),
            rect.center(),
            Align2::CENTER_CENTER,
            "Held",
            (font, color),
            34.0,
        );
    }
}
