//! Writing models to disk: the lock between processes, free space, and the rename that puts a whole
//! file in place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::HubError;
use super::progress::{Progress, Stage, Stop};
use mertscope_model::store::{Store, StoreError};

/// Bytes that stay free, so that the receipt and the system have room.
const RESERVE: u64 = 16 << 20;
/// Interval between attempts to get the lock.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// A lock on a model against other processes. The system releases it whenever the process ends.
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// Waits until no other process works on `id`.
    pub(crate) fn wait(store: &Store, id: &str, progress: &mut Progress) -> Result<Self, HubError> {
        let file = Self::open(store, id)?;
        let stop: Stop = progress.stop.clone();
        let mut is_waiting = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if !is_waiting => {
                    is_waiting = true;
                    progress.stage(Stage::Waiting, 0, 0);
                }
                Err(TryLockError::WouldBlock) => stop.pause(TRY_EVERY)?,
                Err(TryLockError::Error(error)) => return Err(unlockable(store, error)),
            }
        }
    }

    /// The lock, if no other process has it.
    pub(crate) fn at_once(store: &Store, id: &str) -> Result<Self, HubError> {
        let file = Self::open(store, id)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(HubError::Locked { id: id.to_owned() }),
            Err(TryLockError::Error(error)) => Err(unlockable(store, error)),
        }
    }

    fn open(store: &Store, id: &str) -> Result<File, HubError> {
        // Outside the model's folder, which may be removed while the lock is held.
        store.folder(id)?;
        let folder = store.root().join(".locks");
        fs::create_dir_all(&folder).map_err(StoreError::system("made", &folder))?;
        let path = folder.join(id);
        let opened = File::create(&path).map_err(StoreError::system("written", &path));
        Ok(opened?)
    }
}

fn unlockable(store: &Store, error: io::Error) -> HubError {
    StoreError::system("locked", store.root())(error).into()
}

/// Fails when `bytes` and the reserve don't fit into `folder`.
pub(super) fn check_space(folder: &Path, bytes: u64) -> Result<(), HubError> {
    let needed = bytes.saturating_add(RESERVE);
    // If the system does not know the free space, writing finds out.
    match fs4::available_space(folder) {
        Ok(free) if free < needed => Err(disk_full(folder, needed, free)),
        _ => Ok(()),
    }
}

/// The error of a failed write, with `left` bytes still to write.
pub(super) fn write_failed(path: &Path, left: u64) -> impl FnOnce(io::Error) -> HubError {
    let path = path.to_owned();
    move |error| {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        if full.contains(&error.kind()) {
            let folder = path.parent().unwrap_or(&path);
            let free = fs4::available_space(folder).unwrap_or(0);
            return disk_full(folder, left.saturating_add(RESERVE), free);
        }
        StoreError::system("written", &path)(error).into()
    }
}

fn disk_full(folder: &Path, needed: u64, free: u64) -> HubError {
    HubError::DiskFull {
        folder: folder.to_owned(),
        needed_mb: needed.div_ceil(1_000_000),
        free_mb: free / 1_000_000,
    }
}

/// Renames `part`, whose content is whole and checked, to `path`: after a power cut the old file or the
/// new one exists, whole.
pub(super) fn put(part: &Path, path: &Path) -> Result<(), HubError> {
    fs::rename(part, path).map_err(StoreError::system("written", path))?;
    // Only Unix can synchronize a folder; other systems do so by themselves.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(StoreError::system("written", folder))?;
    }
    Ok(())
}
