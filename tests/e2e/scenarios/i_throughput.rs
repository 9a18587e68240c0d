//! Pods bound per second at 1,000 nodes: without an extender, with the smallest one, and with Heliotrope with and without
//! narrowing. Pods are queued first, then the scheduler starts. One run, rounds in turn, ratios of medians.

use super::site::Site;
use crate::cluster::Images;
use crate::controlplane::SchedulerConfig;
use crate::extender::Echo;
use crate::figures::{Figures, median};
use std::collections::BTreeMap;
use std::time::Duration;

const NODES: usize = 1000;
/// Enough for several seconds of scheduling at the rates that two cores give.
const PODS: usize = 500;
/// Between scrapes, and between questions to Prometheus: the defaults of a real site.
const INTERVAL: Duration = Duration::from_secs(30);
/// Every configuration is run this often; the median counts.
const ROUNDS: usize = 3;

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nobody,
    Echo,
    /// Heliotrope, which keeps so many nodes.
    Heliotrope(&'static str),
}

const CONFIGURATIONS: [Asked; 4] = [
    Asked::Nobody,
    Asked::Echo,
    Asked::Heliotrope("all"),
    Asked::Heliotrope("50"),
];

impl Asked {
    fn name(self) -> String {
        match self {
            Self::Nobody => "no extender".to_owned(),
            Self::Echo => "echo extender".to_owned(),
            Self::Heliotrope("all") => "heliotrope, all nodes".to_owned(),
            Self::Heliotrope(keep) => format!("heliotrope, {keep} nodes"),
        }
    }
}

/// What one run showed.
#[derive(Debug, Clone, Copy)]
struct Run {
    pods_per_second: f64,
    /// Of the extender, in milliseconds a pod, the following of the cluster included.
    cpu_per_pod: Option<f64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i_throughput_at_a_thousand_nodes() {
    let mut figures = Figures::of("i_throughput");
    let mut site = Site::scraped(NODES, Images::Nowhere, INTERVAL).await;
    let mut runs: BTreeMap<Asked, Vec<Run>> = BTreeMap::new();
    for round in 1..=ROUNDS {
        for asked in CONFIGURATIONS {
            let run = run(&site, asked).await;
            println!(
                "i_throughput: round {round}, {}: {:.1} pods per second",
                asked.name(),
                run.pods_per_second
            );
            runs.entry(asked).or_default().push(run);
        }
    }
    let rate = |asked: Asked| median(runs[&asked].iter().map(|run| run.pods_per_second));
    for asked in CONFIGURATIONS {
        let name = asked.name();
        figures.note(&format!("{name}: pods per second, median of {ROUNDS}"), rate(asked));
        figures.note(
            &format!("{name}: share of the rate without extender"),
            rate(asked) / rate(Asked::Nobody),
        );
        figures.note(
            &format!("{name}: times the rate of the echo extender"),
            rate(asked) / rate(Asked::Echo),
        );
        let cpu: Vec<f64> = runs[&asked].iter().filter_map(|run| run.cpu_per_pod).collect();
        if !cpu.is_empty() {
            figures.note(
                &format!("{name}: CPU of the extender, ms a pod"),
                median(cpu.into_iter()),
            );
        }
    }
    site.plane.assert_running();
}

async fn run(site: &Site, asked: Asked) -> Run {
    let shipped = SchedulerConfig::shipped();
    match asked {
        Asked::Nobody => Run {
            pods_per_second: site.bound_per_second(&shipped, PODS).await,
            cpu_per_pod: None,
        },
        Asked::Echo => {
            let echo = Echo::start(&site.plane).await;
            let before = echo.cpu_seconds();
            let pods_per_second = site.bound_per_second(&shipped.with_extender(echo.url()), PODS).await;
            Run {
                pods_per_second,
                cpu_per_pod: per_pod(before, echo.cpu_seconds()),
            }
        }
        Asked::Heliotrope(keep) => {
            let heliotrope = site
                .heliotrope(
                    &site
                        .settings()
                        .power_key("interval", format!("{}s", INTERVAL.as_secs()))
                        .placement("keep", keep),
                )
                .await;
            let before = heliotrope.cpu_seconds();
            let pods_per_second = site
                .bound_per_second(&shipped.with_extender(&heliotrope.url()), PODS)
                .await;
            Run {
                pods_per_second,
                cpu_per_pod: per_pod(before, heliotrope.cpu_seconds()),
            }
        }
    }
}

fn per_pod(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    Some((after? - before?) * 1e3 / PODS as f64)
}
