//! The sections of the settings, in their order.

use crate::view_context::ViewContext;

/// A section of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// The app's own section; its panel has the title.
    App,
    Analysis,
    Models,
    Heads,
    Device,
    Display,
    Export,
    Defaults,
}

impl Section {
    /// All of them, from top to bottom.
    pub(super) const ALL: [Self; 8] = [
        Self::App,
        Self::Analysis,
        Self::Models,
        Self::Heads,
        Self::Device,
        Self::Display,
        Self::Export,
        Self::Defaults,
    ];

    /// Its title; `None` for the section of an app that is not there.
    pub(super) fn title<'a>(self, context: &ViewContext<'a>) -> Option<&'a str> {
        Some(match self {
            Self::App => context.host_panel?.title(),
            Self::Analysis => "Analysis",
            Self::Models => "Models",
            Self::Heads => "Heads",
            Self::Device => "Device",
            Self::Display => "Display",
            Self::Export => "Export",
            Self::Defaults => "Defaults",
        })
    }
}
