//! Prometheus and a carbon provider go away: the ladder is walked rung by rung, and pods go on landing in the greenest zone.

use super::site::{NORTH, Site, WEST, wait_metric};
use crate::cluster::{Images, Work};
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::Heliotrope;
use crate::figures::Figures;
use crate::world::CarbonFile;
use std::time::{Duration, Instant};

/// The whole walk takes less: the running period of the fake grid ends within two minutes, a value is the last known for one
/// more, and a forecast counts for four.
const WALK: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_the_ladder_is_walked() {
    let mut figures = Figures::of("f_ladder");
    let mut site = Site::start(120, Images::Nowhere).await;
    site.west.end_period_soon();
    let archive = CarbonFile::archive(site.plane.folder(), WEST.1, WEST.2);
    let settings = site
        .settings()
        .file(WEST.1, &archive)
        .carbon("liveGrace", "0s")
        .carbon("lastKnownFor", "1m")
        .carbon("forecastFor", "4m")
        .power_key("freshFor", "4s")
        .power_key("staleFor", "10s");
    let heliotrope = site.heliotrope(&settings).await;
    let mut scheduler = site.plane.scheduler(
        Which::Current,
        &SchedulerConfig::shipped().with_extender(&heliotrope.url()),
    );

    let all = site.nodes.len() as f64;
    site.prometheus.kill();
    for rung in ["stale", "model"] {
        wait_metric(&heliotrope, "heliotrope_power_nodes", &[("rung", rung)], |nodes| {
            nodes >= all
        })
        .await;
        let at = land(&site, &heliotrope, &format!("power-{rung}")).await;
        figures.note(&format!("power {rung}: pod lands in"), at.0);
    }

    let broken = Instant::now();
    site.west.break_down(true);
    let mut walked: Vec<String> = Vec::new();
    while walked.last().is_none_or(|rung| rung != "climatology") {
        assert!(broken.elapsed() < WALK, "the ladder ends at {walked:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(rung) = best_rung(&heliotrope, WEST.1).await else {
            continue;
        };
        if walked.last() != Some(&rung) {
            let (region, compared_on) = land(&site, &heliotrope, &format!("carbon-{rung}")).await;
            figures.note(
                &format!("{} on {rung}, s after the outage", WEST.1),
                broken.elapsed().as_secs(),
            );
            figures.note(&format!("{} on {rung}: compared on", WEST.1), compared_on);
            assert_eq!(region, NORTH.0, "with {} on {rung}", WEST.1);
            walked.push(rung);
        }
    }
    assert_eq!(walked, ["live", "last-known", "forecast", "climatology"]);
    site.west.break_down(false);
    wait_metric(
        &heliotrope,
        "heliotrope_carbon_best_rung",
        &[("zone", WEST.1), ("rung", "live")],
        |best| best >= 1.0,
    )
    .await;
    scheduler.assert_running();
    site.plane.assert_running();
}

/// Lets one pod come: its region, and the rung on which its candidates were compared.
async fn land(site: &Site, heliotrope: &Heliotrope, name: &str) -> (String, String) {
    let work = Work::new(name, 1);
    site.cluster.create_pod(&work).await;
    let placed = site.cluster.wait_placed(&work, 1, Duration::from_secs(30)).await;
    let explained = heliotrope.explain(name).await;
    let rung = explained["rung"].as_str().unwrap_or("none").to_owned();
    (placed[0].region().to_owned(), rung)
}

async fn best_rung(heliotrope: &Heliotrope, zone: &str) -> Option<String> {
    let metrics = heliotrope.metrics().await;
    let best =
        |rung: &&str| metrics.get("heliotrope_carbon_best_rung", &[("zone", zone), ("rung", rung)]) == Some(1.0);
    let rungs = ["live", "last-known", "forecast", "climatology", "static"];
    rungs.into_iter().find(best).map(str::to_owned)
}
