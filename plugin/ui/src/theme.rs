//! The three themes of the window: their colors, and egui's style in these colors.

use egui::style::{ScrollAnimation, WidgetVisuals};
use egui::{Color32, CornerRadius, Margin, Stroke, Style, TextStyle, Vec2};
use mertscope_audio::Severity;
use serde::{Deserialize, Serialize};

use crate::text::{self, Size};

/// A theme of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Light on near-black, for dim rooms.
    #[default]
    Dark,
    /// Dark on near-white, for daylight.
    Light,
    /// White on black with strong lines.
    HighContrast,
}

/// The colors of a theme. Text colors keep 7:1 on the ground and panels, [`faint`](Self::faint)
/// 4.5:1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Whether light text stands on a dark ground.
    pub dark: bool,
    /// Behind everything.
    pub ground: Color32,
    /// Cards.
    pub panel: Color32,
    /// Tracks of bars, keys at rest, buttons.
    pub raised: Color32,
    /// Lines that separate.
    pub rule: Color32,
    /// Text of first importance.
    pub text: Color32,
    /// Text of second importance.
    pub dim: Color32,
    /// Captions and ticks.
    pub faint: Color32,
    /// Chosen, focused and lit controls.
    pub(crate) accent: Color32,
    /// Warnings and errors.
    pub warn: Color32,
    /// Notices of success.
    pub good: Color32,
    /// Windows without a clear result.
    pub unclear: Color32,
    /// Hatching over windows that were not analyzed.
    pub hatch: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Palette = Palette {
    dark: true,
    ground: rgb(0x0d1014),
    panel: rgb(0x151a20),
    raised: rgb(0x222932),
    rule: rgb(0x2b333d),
    text: rgb(0xeef1f5),
    dim: rgb(0xadb6c2),
    faint: rgb(0x8793a1),
    accent: rgb(0x6cb8ff),
    warn: rgb(0xf5b754),
    good: rgb(0x59c98f),
    unclear: rgb(0x3a424e),
    hatch: rgb(0x4a5460),
};

const LIGHT: Palette = Palette {
    dark: false,
    ground: rgb(0xeceff3),
    panel: rgb(0xffffff),
    raised: rgb(0xe7ebf0),
    rule: rgb(0xd3dae2),
    text: rgb(0x12161c),
    dim: rgb(0x434d5a),
    faint: rgb(0x5f6b79),
    accent: rgb(0x0a5fc0),
    warn: rgb(0x8a4b00),
    good: rgb(0x157347),
    unclear: rgb(0xc3cad3),
    hatch: rgb(0xa9b3bf),
};

const HIGH_CONTRAST: Palette = Palette {
    dark: true,
    ground: rgb(0x000000),
    panel: rgb(0x000000),
    raised: rgb(0x262626),
    rule: rgb(0x8c8c8c),
    text: rgb(0xffffff),
    dim: rgb(0xf0f0f0),
    faint: rgb(0xd6d6d6),
    accent: rgb(0xffe34d),
    warn: rgb(0xffb84d),
    good: rgb(0x6dff9c),
    unclear: rgb(0x5c5c5c),
    hatch: rgb(0x9a9a9a),
};

impl Theme {
    /// All of them, in the order of the settings.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::HighContrast];

    /// Its name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "Dark",
            Self::Light => "Light",
            Self::HighContrast => "High contrast",
        }
    }

    /// Its colors.
    #[must_use]
    pub const fn palette(self) -> &'static Palette {
        match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
            Self::HighContrast => &HIGH_CONTRAST,
        }
    }
}

impl Palette {
    /// The color of a notice.
    #[must_use]
    pub const fn severity(&self, severity: Severity) -> Color32 {
        match severity {
            Severity::Info => self.good,
            Severity::Warning | Severity::Error => self.warn,
        }
    }

    /// egui's style in these colors. Nothing in it animates, so that the window rests between
    /// results.
    pub(crate) fn style(&self) -> Style {
        let mut style = Style {
            animation_time: 0.0,
            scroll_animation: ScrollAnimation::none(),
            text_styles: [
                (TextStyle::Heading, text::bold(Size::Title)),
                (TextStyle::Body, text::plain(Size::Body)),
                (TextStyle::Button, text::plain(Size::Body)),
                (TextStyle::Small, text::plain(Size::Small)),
                (TextStyle::Monospace, text::plain(Size::Body)),
            ]
            .into(),
            ..Style::default()
        };
        style.interaction.tooltip_delay = 0.35;
        style.interaction.selectable_labels = false;
        self.space(&mut style);
        self.color(&mut style);
        style
    }

    fn space(&self, style: &mut Style) {
        let spacing = &mut style.spacing;
        spacing.item_spacing = Vec2::new(8.0, 6.0);
        spacing.button_padding = Vec2::new(10.0, 4.0);
        spacing.interact_size = Vec2::new(32.0, 24.0);
        spacing.menu_margin = Margin::same(8);
        spacing.tooltip_width = 300.0;
        spacing.slider_width = 180.0;
        spacing.slider_rail_height = 4.0;
        spacing.scroll.bar_width = 6.0;
        spacing.scroll.floating = true;
        spacing.scroll.foreground_color = true;
    }

    fn color(&self, style: &mut Style) {
        let visuals = &mut style.visuals;
        visuals.dark_mode = self.dark;
        visuals.panel_fill = self.ground;
        visuals.window_fill = self.panel;
        visuals.window_stroke = Stroke::new(1.0, self.rule);
        visuals.window_corner_radius = CornerRadius::same(6);
        visuals.menu_corner_radius = CornerRadius::same(6);
        visuals.extreme_bg_color = mix_down(self.ground, self.dark);
        visuals.text_edit_bg_color = Some(self.ground);
        visuals.faint_bg_color = self.raised;
        visuals.weak_text_color = Some(self.faint);
        visuals.warn_fg_color = self.warn;
        visuals.error_fg_color = self.warn;
        visuals.hyperlink_color = self.accent;
        visuals.selection.bg_fill = self.accent.gamma_multiply(0.35);
        visuals.selection.stroke = Stroke::new(1.0, self.text);
        visuals.text_cursor.blink = false;
        visuals.text_cursor.stroke = Stroke::new(1.5, self.accent);
        visuals.slider_trailing_fill = true;
        visuals.popup_shadow.blur = 12;
        visuals.popup_shadow.color = Color32::from_black_alpha(if self.dark { 120 } else { 50 });
        visuals.text_options.font_hinting = false;
        let rest = |fill: Color32, line: Stroke, text: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: line,
            corner_radius: CornerRadius::same(5),
            fg_stroke: Stroke::new(1.0, text),
            expansion: 0.0,
        };
        let widgets = &mut visuals.widgets;
        widgets.noninteractive = rest(self.panel, Stroke::new(1.0, self.rule), self.text);
        widgets.inactive = rest(self.raised, Stroke::new(1.0, self.rule), self.text);
        widgets.hovered = rest(self.raised, Stroke::new(1.0, self.faint), self.text);
        widgets.active = rest(self.raised, Stroke::new(2.0, self.accent), self.text);
        widgets.open = rest(self.raised, Stroke::new(1.0, self.accent), self.text);
    }
}

fn mix_down(ground: Color32, dark: bool) -> Color32 {
    if dark {
        crate::color::mix(ground, Color32::BLACK, 0.35)
    } else {
        crate::color::mix(ground, Color32::BLACK, 0.06)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::tests::contrast;

    #[test]
    fn text_has_contrast_on_every_ground() {
        for theme in Theme::ALL {
            let p = theme.palette();
            for under in [p.ground, p.panel, p.raised] {
                assert!(contrast(p.text, under) >= 12.0, "{theme:?}: {under:?}");
                assert!(contrast(p.dim, under) >= 6.5, "{theme:?}: {under:?}");
                assert!(contrast(p.faint, under) >= 4.3, "{theme:?}: {under:?}");
                assert!(contrast(p.accent, under) >= 4.5, "{theme:?}: {under:?}");
                assert!(contrast(p.warn, under) >= 4.5, "{theme:?}: {under:?}");
            }
        }
    }
}
