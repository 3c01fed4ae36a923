//! Why a host's request for the window is refused.

use nih_plug_egui::baseview;

/// The reason, for the host's log.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// A scale that no screen has.
    #[error(
        "The window can't follow a scale of {0}: set the host's scale to a value from 0.25 to 8."
    )]
    Scale(f64),
    /// The desktop's scale is in use.
    #[error(
        "The window keeps the desktop's scale of {0}: for another, change the desktop's (on X11 Xft.dpi)."
    )]
    DesktopScale(f64),
    /// A size that no window has.
    #[error(
        "The window can't be {width} by {height} pixels large: ask for sides from 1 to {longest}."
    )]
    Size {
        /// The width that was asked for.
        width: u32,
        /// The height that was asked for.
        height: u32,
        /// The longest side.
        longest: u32,
    },
    /// The windowing system has failed.
    #[error(transparent)]
    System(#[from] baseview::Error),
}
