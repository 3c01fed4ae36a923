//! The window's scale: pixels per logical point.
//!
//! The desktop's own scale comes first, as in the framework's window: on X11 `Xft.dpi` over 96. Where
//! the desktop has none, the host's counts, and without either a point is a pixel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::WindowError;

/// The scales that are followed. Others come from hosts that don't know theirs, and the framework
/// panics on some of them.
const SCALES: std::ops::RangeInclusive<f64> = 0.25..=8.0;

/// The bits of a scale that is unknown; they are the number zero.
const NONE: u64 = 0;

/// See the module. Clones share one scale.
#[derive(Clone, Default)]
pub(super) struct Scale(Arc<Known>);

#[derive(Default)]
struct Known {
    desktop: AtomicU64,
    host: AtomicU64,
    /// Whether a window is open, which keeps the desktop's scale that it was made with.
    open: AtomicBool,
}

/// While it lives, a window is open.
pub(super) struct Open(Scale);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.store(false, Ordering::Release);
    }
}

impl Scale {
    /// The scale of the open window, else of the next one.
    pub(super) fn pixels_per_point(&self) -> f64 {
        if !self.0.open.load(Ordering::Acquire) {
            self.ask_desktop();
        }
        let known = |scale: &AtomicU64| valid(f64::from_bits(scale.load(Ordering::Acquire)));
        known(&self.0.desktop)
            .or_else(|| known(&self.0.host))
            .unwrap_or(1.0)
    }

    /// The scale of a window that is made now, with the host's scale if it has told one.
    pub(super) fn open(&self, host: Option<f64>) -> Open {
        self.ask_desktop();
        let host = host.and_then(valid).map_or(NONE, f64::to_bits);
        self.0.host.store(host, Ordering::Release);
        self.0.open.store(true, Ordering::Release);
        Open(self.clone())
    }

    /// Takes the host's scale for the open window, else for the next one.
    ///
    /// # Errors
    /// [`WindowError::Scale`] for a number that is none, and [`WindowError::DesktopScale`] if the
    /// desktop's own scale stays in use.
    pub(super) fn follow_host(&self, scale: f64) -> Result<(), WindowError> {
        let host = valid(scale).ok_or(WindowError::Scale(scale))?;
        if !self.0.open.load(Ordering::Acquire) {
            self.ask_desktop();
        }
        let desktop = valid(f64::from_bits(self.0.desktop.load(Ordering::Acquire)));
        self.0.host.store(host.to_bits(), Ordering::Release);
        match desktop {
            Some(desktop) if (desktop - host).abs() > f64::EPSILON => {
                Err(WindowError::DesktopScale(desktop))
            }
            _ => Ok(()),
        }
    }

    /// Takes the scale that an open window has on its screen.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn follow_screen(&self, scale: f64) {
        self.0.desktop.store(scale.to_bits(), Ordering::Release);
    }

    fn ask_desktop(&self) {
        #[cfg(target_os = "linux")]
        {
            let desktop = super::x11::desktop_scale().and_then(valid);
            let bits = desktop.map_or(NONE, f64::to_bits);
            self.0.desktop.store(bits, Ordering::Release);
        }
    }
}

fn valid(scale: f64) -> Option<f64> {
    SCALES.contains(&scale).then_some(scale)
}
