//! Where files are put: the lock between processes, free space, and the one moment at which a
//! file is there.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::HubError;
use super::progress::{Progress, Stage, Stop};
use mertscope_model::store::{Store, StoreError};

/// What stays free, so that the receipt and the system have room.
const RESERVE: u64 = 16 << 20;
/// How often a lock is tried.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// Holds other processes off a model. The system gives it back when the process ends, however.
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// Waits until no other process works on `id`.
    pub(crate) fn wait(store: &Store, id: &str, progress: &mut Progress) -> Result<Self, HubError> {
        let file = Self::open(store, id)?;
        let stop: Stop = progress.stop.clone();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if !told => {
                    told = true;
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

/// Refuses to begin what would not fit.
pub(super) fn check_space(folder: &Path, bytes: u64) -> Result<(), HubError> {
    let needed = bytes.saturating_add(RESERVE);
    // Where the system can't tell, writing will.
    match fs4::available_space(folder) {
        Ok(free) if free < needed => Err(disk_full(folder, needed, free)),
        _ => Ok(()),
    }
}

/// What a failed write means.
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

/// Makes `part`, whose content is whole and checked, the file `path`: after a power cut there is
/// the old file or the new one, whole.
pub(super) fn put(part: &Path, path: &Path) -> Result<(), HubError> {
    fs::rename(part, path).map_err(StoreError::system("written", path))?;
    // A folder can be synchronized on Unix only; elsewhere the system does it by itself.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(StoreError::system("written", folder))?;
    }
    Ok(())
}
