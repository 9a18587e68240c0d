//! Who pays for calls: the process that acts, and not those that wait for its lease.

use super::gb::{national, period};
use super::*;
use tempfile::TempDir;

const NOW: &str = "2018-01-20T12:10:00Z";
const FAST: Duration = Duration::from_millis(50);

fn good() -> ResponseTemplate {
    json(national(&[period("12:00", "12:30", "250", Some("null"))]))
}

/// A grid that wants no key, one that wants one, and a file, each of which is asked often.
struct Grids {
    open: (MockServer, Script),
    keyed: (MockServer, Script),
    folder: TempDir,
}

impl Grids {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "a-key\n").unwrap();
        std::fs::write(
            folder.path().join("grid.csv"),
            "datetime,carbon_intensity\n2018-01-20T12:00:00Z,250\n",
        )
        .unwrap();
        Self {
            open: Script::serve(good()).await,
            keyed: Script::serve(ResponseTemplate::new(500)).await,
            folder,
        }
    }

    fn settings(&self) -> Settings {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let providers = [
            format!(
                "{{name: open, type: gb-carbon-intensity, url: '{}'}}",
                self.open.0.uri()
            ),
            format!(
                "{{name: keyed, type: electricity-maps, url: '{}', keyFile: '{}'}}",
                self.keyed.0.uri(),
                path("key")
            ),
            format!(
                "{{name: file, type: file, path: '{}', signal: average, basis: direct}}",
                path("grid.csv")
            ),
        ];
        hurried(
            &format!(
                "  basis: direct\n  providers: [{}]\n  zones: {{GB: [open], DE: [keyed], FR: [file]}}\n",
                providers.join(", ")
            ),
            FAST,
        )
    }

    fn calls(&self) -> (usize, usize) {
        (self.open.1.times("").len(), self.keyed.1.times("").len())
    }
}

fn asked(rig: &Rig, provider: &str) -> usize {
    rig.outcomes().iter().filter(|told| told.0 == provider).count()
}

/// Waits until the file was read so many more times: so many intervals have passed.
async fn intervals(rig: &Rig, more: usize) {
    let (before, start) = (asked(rig, "file"), Instant::now());
    while asked(rig, "file") < before + more {
        assert!(start.elapsed() < PATIENCE, "{:?}", rig.outcomes());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_waits_calls_nobody_and_whoever_takes_over_asks_at_once() {
    let grids = Grids::start().await;
    let (acts, acting) = watch::channel(false);
    let mut rig = Rig::calling_while(&grids.settings(), NOW, CarbonMemory::default(), acting);
    intervals(&rig, 4).await;
    assert_eq!(grids.calls(), (0, 0), "nothing but what is at hand");
    assert!(rig.drain().iter().all(|report| report.zone.as_str() == "FR"));

    acts.send_replace(true);
    let report = rig.next_that(|report| report.zone.as_str() == "GB").await;
    assert_eq!(report.latest.unwrap().value, grams(250.0));
    intervals(&rig, 4).await;
    let (open, keyed) = grids.calls();
    assert!(open > 0 && keyed > 0, "{open} and {keyed}");

    // Whoever is replaced stops; what is on its way is let come.
    acts.send_replace(false);
    intervals(&rig, 2).await;
    let stopped = grids.calls();
    intervals(&rig, 6).await;
    assert_eq!(grids.calls(), stopped);
    rig.stop().await;
}

#[tokio::test]
async fn an_answer_of_before_is_not_paid_for_again() {
    let grids = Grids::start().await;
    let mut settings = grids.settings();
    let open = |provider: &&mut heliotrope::carbon::settings::ProviderSettings| provider.name == "open";
    settings.carbon.providers.iter_mut().find(open).unwrap().interval = Duration::from_secs(600);
    let (acts, acting) = watch::channel(true);
    let rig = Rig::calling_while(&settings, NOW, CarbonMemory::default(), acting);
    while asked(&rig, "open") < 2 {
        intervals(&rig, 1).await;
    }
    let paid = grids.calls().0;
    for acting in [false, true, false, true] {
        acts.send_replace(acting);
        intervals(&rig, 2).await;
    }
    assert_eq!(grids.calls().0, paid, "within its interval");
    rig.stop().await;
}
