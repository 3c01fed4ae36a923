//! The library of models as a window uses it: no call blocks, jobs run one at a time and stop at once.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use mertscope_hub::{
    Consent, HubError, Job, Library, ModelOffer, OfferState, Settings, Stage, UpdateHook,
};
use mertscope_tests::hub::Faults;

use super::home::{Home, ID};

/// The time limit: far longer than a passing test needs.
const LONG: Duration = Duration::from_secs(60);

struct Watched {
    library: Library,
    changes: Receiver<()>,
    _hook: UpdateHook,
}

impl Watched {
    fn open(home: &Home) -> Self {
        let mut settings = Settings::from_environment();
        settings.endpoint = home.hub.endpoint();
        settings.token = None;
        settings.cache = None;
        settings.offline = false;
        // A job that is not stopped would outlast the test.
        settings.read_timeout = LONG * 10;
        let library = Library::open(home.path("data/mertscope"), settings).unwrap();
        let (sender, changes) = unbounded();
        let hook: UpdateHook = Arc::new(move || {
            let _ = sender.send(());
        });
        library.on_update(&hook);
        Self {
            library,
            changes,
            _hook: hook,
        }
    }

    fn offer(&self, id: &str) -> ModelOffer {
        let list = self.library.list();
        list.iter()
            .find(|offer| offer.entry.id == id)
            .unwrap()
            .clone()
    }

    /// Waits until a model's offer satisfies `wanted`.
    fn wait(&self, id: &str, wanted: impl Fn(&ModelOffer) -> bool) -> ModelOffer {
        loop {
            let offer = self.offer(id);
            if wanted(&offer) {
                return offer;
            }
            self.changes
                .recv_timeout(LONG)
                .unwrap_or_else(|_| panic!("{offer:?}"));
        }
    }
}

/// Waits until the download stalls.
fn wait_for_part(home: &Home) {
    while std::fs::metadata(home.part()).map_or(0, |part| part.len()) < 50_000 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn stage(offer: &ModelOffer) -> Option<Stage> {
    offer.job.map(|job: Job| job.stage)
}

#[test]
fn a_stalled_job_stops_at_once_and_the_next_one_runs() {
    let home = Home::new();
    home.publish("m-a-p/music2vec-v1");
    home.hub.fault(Faults {
        stall: Some((1, 50_000)),
        ..Faults::default()
    });
    let watched = Watched::open(&home);
    let library = &watched.library;
    let refused = library.fetch(ID, Consent::OnRecord).unwrap_err();
    assert!(matches!(refused, HubError::Consent { .. }), "{refused}");
    assert!(watched.offer(ID).job.is_none() && !watched.offer(ID).agreed);

    library.fetch(ID, Consent::Given).unwrap();
    let busy = library.fetch(ID, Consent::OnRecord).unwrap_err();
    assert!(matches!(busy, HubError::Busy { .. }), "{busy}");
    library.fetch("music2vec-v1", Consent::OnRecord).unwrap();
    watched.wait(ID, |offer| {
        let weights = |job: Job| job.stage == Stage::Downloading && job.total == 300_000;
        offer.job.is_some_and(weights)
    });
    wait_for_part(&home);
    assert_eq!(stage(&watched.offer("music2vec-v1")), Some(Stage::Waiting));

    library.cancel(ID);
    let stopped = watched.wait(ID, |offer| offer.job.is_none());
    assert_eq!(stopped.state, OfferState::Partial { bytes: 50_000 });
    assert_eq!(stopped.error, None, "to be stopped is no failure");
    let other = watched.wait("music2vec-v1", |offer| offer.job.is_none());
    assert!(matches!(other.state, OfferState::Installed(_)), "{other:?}");

    library.fetch(ID, Consent::OnRecord).unwrap();
    let done = watched.wait(ID, |offer| offer.job.is_none());
    let OfferState::Installed(installed) = done.state else {
        panic!("{done:?}");
    };
    assert_eq!(installed.file("pytorch_model.bin").unwrap().size, 300_000);
    library.remove(ID).unwrap();
    let gone = watched.wait(ID, |offer| offer.job.is_none());
    assert_eq!(gone.state, OfferState::Absent);
}

#[test]
fn a_failure_is_shown_until_the_next_job() {
    let home = Home::new();
    let watched = Watched::open(&home);
    home.hub.fault(Faults {
        status: Some((404, "")),
        ..Faults::default()
    });
    watched.library.fetch(ID, Consent::Given).unwrap();
    let failed = watched.wait(ID, |offer| offer.job.is_none());
    assert!(failed.error.unwrap().contains("404"));
    home.hub.fault(Faults::default());
    watched.library.fetch(ID, Consent::OnRecord).unwrap();
    let done = watched.wait(ID, |offer| offer.job.is_none());
    assert!(done.error.is_none() && matches!(done.state, OfferState::Installed(_)));
    watched.library.verify(ID).unwrap();
    let whole = watched.wait(ID, |offer| offer.job.is_none());
    assert_eq!(whole.error, None);
}

#[test]
fn dropping_the_library_ends_its_job() {
    let home = Home::new();
    home.hub.fault(Faults {
        stall: Some((1, 50_000)),
        ..Faults::default()
    });
    let watched = Watched::open(&home);
    watched.library.fetch(ID, Consent::Given).unwrap();
    wait_for_part(&home);
    let dropped = Arc::new((Mutex::new(false), Condvar::new()));
    let tell = Arc::clone(&dropped);
    std::thread::spawn(move || {
        drop(watched);
        *tell.0.lock().unwrap() = true;
        tell.1.notify_all();
    });
    let waiting = dropped.0.lock().unwrap();
    let waited = dropped.1.wait_timeout_while(waiting, LONG, |done| !*done);
    assert!(*waited.unwrap().0, "the job's thread was not joined");
    assert_eq!(std::fs::metadata(home.part()).unwrap().len(), 50_000);
}
