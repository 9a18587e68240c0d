//! What pods without GPUs pay when the extender is asked about every pod: bound per second at 1,000 nodes without an
//! extender, with one that is asked about GPU resources alone, and with one that is asked about everything: the smallest there
//! can be, which is the price of the protocol, and Heliotrope.

use super::super::site::Site;
use crate::cluster::{Images, Work};
use crate::controlplane::SchedulerConfig;
use crate::extender::Echo;
use crate::figures::{Figures, median};
use std::collections::BTreeMap;
use std::time::Duration;

const NODES: usize = 1000;
const PODS: usize = 500;
/// Between scrapes, and between questions to Prometheus: the defaults of a real site.
const INTERVAL: Duration = Duration::from_secs(30);
/// Every configuration is run this often; the median counts.
const ROUNDS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nobody,
    AboutGpus,
    EchoAboutEveryPod,
    AboutEveryPod,
}

impl Asked {
    const ALL: [Self; 4] = [
        Self::Nobody,
        Self::AboutGpus,
        Self::EchoAboutEveryPod,
        Self::AboutEveryPod,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "no extender",
            Self::AboutGpus => "with managedResources",
            Self::EchoAboutEveryPod => "echo extender, without managedResources",
            Self::AboutEveryPod => "without managedResources",
        }
    }

    fn config(self, url: &str) -> SchedulerConfig {
        let shipped = SchedulerConfig::shipped();
        match self {
            Self::Nobody => shipped,
            Self::AboutGpus => shipped.with_extender(url),
            Self::EchoAboutEveryPod | Self::AboutEveryPod => shipped.with_extender(url).asked_about_every_pod(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_what_pods_without_gpus_pay() {
    let mut figures = Figures::of("p_dra_cost");
    let mut site = Site::scraped(NODES, Images::Nowhere, INTERVAL).await;
    let interval = format!("{}s", INTERVAL.as_secs());
    let work = Work::new("cpu-only", 0);
    let mut rates: BTreeMap<Asked, Vec<f64>> = BTreeMap::new();
    let mut costs: BTreeMap<Asked, Vec<f64>> = BTreeMap::new();
    for round in 1..=ROUNDS {
        for asked in Asked::ALL {
            let heliotrope = site
                .heliotrope(&site.settings().power_key("interval", interval.as_str()))
                .await;
            let echo = Echo::start(&site.plane).await;
            let asks = match asked {
                Asked::EchoAboutEveryPod => echo.url().to_owned(),
                _ => heliotrope.url(),
            };
            let before = heliotrope.cpu_seconds();
            let rate = site.rate_of(&asked.config(&asks), &work, PODS).await;
            println!("p_dra_cost: round {round}, {}: {rate:.1} pods per second", asked.name());
            rates.entry(asked).or_default().push(rate);
            if let (Some(before), Some(after)) = (before, heliotrope.cpu_seconds()) {
                costs
                    .entry(asked)
                    .or_default()
                    .push((after - before) * 1e3 / PODS as f64);
            }
            let metrics = heliotrope.metrics().await;
            let filters = [("verb", "filter"), ("outcome", "no-gpu")];
            let answered = metrics
                .get("heliotrope_extender_requests_total", &filters)
                .unwrap_or(0.0);
            let expected = if asked == Asked::AboutEveryPod {
                PODS as f64
            } else {
                0.0
            };
            assert!(
                answered >= expected && (answered > 0.0) == (expected > 0.0),
                "{asked:?}: {answered}"
            );
        }
    }
    let rate = |asked: Asked| median(rates[&asked].iter().copied());
    for asked in Asked::ALL {
        let name = asked.name();
        figures.note(&format!("{name}: pods per second, median of {ROUNDS}"), rate(asked));
        let share = rate(asked) / rate(Asked::Nobody);
        figures.note(&format!("{name}: share of the rate without extender"), share);
        if let Some(costs) = costs.get(&asked) {
            figures.note(
                &format!("{name}: CPU of heliotrope, ms a pod"),
                median(costs.iter().copied()),
            );
        }
    }
    site.plane.assert_running();
}
