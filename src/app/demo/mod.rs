//! A day in a simulated cluster, placed by the real extender.
//!
//! ```text
//! simulator::World ─► edges ─(channels)─► Writer ─► Snapshot ─► extender::router ◄─(HTTP, loopback)─ caller
//!        │                                                                                           │
//!        └────────► day: rounds, in-tree model, binding ◄────────────────────────────────────────────┘
//!        └────────► the same day under models without an extender
//! ledgers ─► report (JSON, tables) and log (one line a decision)
//! ```
//!
//! Owns what plays the edges and kube-scheduler around the real writer, the real router and the real listener. A seed and
//! a wall-clock time come in, an [`Outcome`] leaves. Needs no cluster, no key and no network: it listens and calls on
//! loopback, on a port that the kernel chooses. Must never decide anything about a pod that kube-scheduler or the
//! extender decides, and must call the simulated simulated and the modelled a model.

mod body;
mod caller;
mod day;
mod edges;
mod expected;
mod log;
mod report;

pub use day::Progress;
pub use report::{Answers, Latency, Report};

use crate::app::tables::Tables;
use crate::cluster::Labels;
use crate::extender::settings::ExtenderSettings;
use crate::extender::{self, Extender, Placement};
use crate::serve;
use crate::telemetry::Metrics;
use crate::world::{Writer, channels};
use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use caller::Caller;
use day::Played;
use edges::{Edges, SimulatedClock};
use expected::Expected;
use heliotrope_core::placement::Policy;
use heliotrope_core::simulator::{self, Ledger, SchedulerModel, World, place_all};
use jiff::SignedDuration;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A round takes this much of the wall-clock time: the writer publishes a snapshot every 20 ms at most.
const ROUND_TAKES: Duration = Duration::from_millis(30);
/// Rounds are whole minutes, and never shorter.
const SHORTEST_ROUND: SignedDuration = SignedDuration::from_mins(1);

/// What to play.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What the world is made from.
    pub seed: u64,
    /// How long the day may take.
    pub wall: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Figures.
    pub report: Report,
    /// Under the models without an extender, then under heliotrope.
    ledgers: [Ledger; 3],
    /// What the extender expected of each decision, by UID.
    expected: HashMap<Arc<str>, Expected>,
}

/// Plays a day.
///
/// # Errors
/// When loopback cannot be used, or when the extender did not answer as kube-scheduler needs it to.
pub async fn run(options: Options, progress: impl FnMut(&Progress)) -> anyhow::Result<Outcome> {
    let tables = Tables::builtin().map_err(|findings| anyhow!("tables that are compiled in: {findings:?}"))?;
    let world = World::new(options.seed, Arc::clone(&tables.gpus.catalogue))?;
    let round = round(options.wall);
    let models = [SchedulerModel::DEFAULT, SchedulerModel::PACKING].map(|model| place_all(&world, model, round));

    let played = play(&world, round, options.wall, progress).await?;
    let [default, packing] = models;
    let ledgers = [default, packing, played.ledger];
    let report = Report::new(
        &world,
        &ledgers,
        (round, played.took),
        played.latency,
        played.expected.len(),
    );
    Ok(Outcome {
        report,
        ledgers,
        expected: played.expected,
    })
}

/// Puts the writer, the extender and its listener up, plays the day against them, and takes them down.
async fn play(
    world: &World,
    round: SignedDuration,
    wall: Duration,
    progress: impl FnMut(&Progress),
) -> anyhow::Result<Played> {
    let clock = SimulatedClock::new(world.start);
    let (senders, inbox) = channels();
    let (policy, metrics) = (Policy::default(), Metrics::new());
    // The writer reads tables from it for as long as it runs.
    let (_around, around_in) = watch::channel((world.surroundings.clone(), policy.band.get()));
    let (writer, picture) = Writer::new(around_in, clock.reader(), metrics.clone());
    let placement = Placement {
        generation: 1,
        policy: Arc::new(policy),
        namespaces: World::rules(),
    };
    let state = Extender::new(
        Arc::clone(&picture),
        Arc::new(ArcSwap::from_pointee(placement)),
        Labels::default(),
        // An answer that is late is neutral: on a busy machine the same seed would give another day.
        ExtenderSettings {
            deadline: caller::PATIENCE,
            ..ExtenderSettings::default()
        },
        (clock.reader(), metrics),
        senders.records.clone(),
    );
    let listener = serve::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .await
        .context("no port on loopback")?;
    let caller = Caller::new(listener.address)?;
    let stop = CancellationToken::new();
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let served = serve::run(listener, extender::router(Arc::new(state)), stop.clone());
    tasks.spawn(async { (served.await.is_ok(), "listener").1 });
    let written = writer.run(inbox, stop.clone());
    tasks.spawn(async { (written.await, "writer").1 });

    let edges = Edges::new(world, senders, picture, clock);
    let played = tokio::select! {
        played = day::play(world, edges, caller, (round, wall), progress) => played,
        ended = tasks.join_next() => Err(anyhow!("a task ended by itself: {ended:?}")),
    };
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    played
}

/// The length of a round, so that a day of them fits into the wall-clock time.
fn round(wall: Duration) -> SignedDuration {
    let rounds = wall.as_secs_f64() / ROUND_TAKES.as_secs_f64();
    let minutes = (simulator::DAY.as_secs_f64() / 60.0 / rounds.max(1.0)).ceil();
    SignedDuration::try_from_secs_f64(minutes * 60.0)
        .unwrap_or(SHORTEST_ROUND)
        .max(SHORTEST_ROUND)
}
