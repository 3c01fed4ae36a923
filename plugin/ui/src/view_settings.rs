//! The view settings that a project keeps: theme, clock and open page.

use serde::{Deserialize, Serialize};

use crate::state::StateField;
use crate::theme::Theme;

/// The look of the window, and the page that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSettings {
    /// The colors.
    pub theme: Theme,
    /// The clock of the timeline.
    pub time_base: TimeBase,
    /// The page that is open.
    pub page: Page,
}

impl StateField for ViewSettings {
    const NAME: &'static str = "look";
}

/// The clock of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeBase {
    /// Audio since listening began; jumps don't count.
    Elapsed,
    /// The host's timeline.
    #[default]
    Timecode,
    /// The time of day, in local time.
    WallClock,
}

impl TimeBase {
    /// All of them, in the order of the settings.
    pub const ALL: [Self; 3] = [Self::Timecode, Self::Elapsed, Self::WallClock];

    /// Its name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elapsed => "Elapsed",
            Self::Timecode => "Timecode",
            Self::WallClock => "Wall clock",
        }
    }
}

/// A page of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Page {
    /// Everything at a glance.
    #[default]
    Overview,
    /// The circle of fifths.
    Key,
    /// Genres now and over time.
    Genre,
    /// The path of the embedding.
    Map,
    /// Both ribbons, large.
    Timeline,
    /// References and teaching.
    Study,
    /// All settings.
    Settings,
}

impl Page {
    /// The pages with a tab, from left to right.
    pub const TABS: [Self; 6] = [
        Self::Overview,
        Self::Key,
        Self::Genre,
        Self::Map,
        Self::Timeline,
        Self::Study,
    ];

    /// Its name on the tab.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Key => "Key",
            Self::Genre => "Genre",
            Self::Map => "Map",
            Self::Timeline => "Timeline",
            Self::Study => "Study",
            Self::Settings => "Settings",
        }
    }

    /// Its content, for its tooltip.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Overview => "Key, genre and their history at a glance",
            Self::Key => "The circle of fifths, shaded by probability",
            Self::Genre => "Every genre now, and over the last minutes",
            Self::Map => "The place of the music among the music that the map was fitted on",
            Self::Timeline => "Key and genre over time, to zoom and to read",
            Self::Study => "Compare with other music, and teach your own labels",
            Self::Settings => "Models, device, display, exports and defaults",
        }
    }
}
