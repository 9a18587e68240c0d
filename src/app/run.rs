//! The roles of a process: every room that they need joined, supervised, and drained at the end.

use super::callers;
use super::controllers;
use super::follow::{exporters, follow};
use super::live::Live;
use super::settings::{Loaded, Settings};
use super::tasks::{Tasks, endless, supervise};
use crate::admin::{self, Admin};
use crate::carbon::{CarbonMemory, CarbonSources};
use crate::cluster::connect;
use crate::controllers::events::Events;
use crate::extender::{self, Extender, Placement};
use crate::history;
use crate::outbound::HttpClient;
use crate::power::PowerSources;
use crate::serve;
use crate::telemetry::{Clock, LogHandle, Metrics, system_clock};
use crate::world::{Inbox, Journal, Senders, Strayed, World, Writer, channels};
use anyhow::Context;
use arc_swap::ArcSwap;
use kube::Client;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc::{self, Sender};
use tokio_util::sync::CancellationToken;

/// Events that wait to be written.
const EVENTS: usize = 64;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// Answers kube-scheduler.
    pub extender: bool,
    /// Looks after Rightsizers.
    pub controllers: bool,
}

/// Runs roles until SIGTERM or SIGINT. A second signal, or an essential task that ends by itself, ends them at once.
///
/// # Errors
/// When something that they need cannot be had, or when a task ended by itself.
pub async fn run(roles: Roles, path: PathBuf, loaded: Loaded, log: LogHandle) -> anyhow::Result<()> {
    let (stopping, stop) = (CancellationToken::new(), CancellationToken::new());
    let mut tasks = Tasks::new();
    let settings = loaded.settings.clone();
    let clocked = (system_clock(), Metrics::new());
    let (live, followed) = Live::new(&loaded, log);
    let client = connect(settings.cluster.kubeconfig.as_deref()).await?;
    let http = HttpClient::new(&settings.outbound, named_hosts(&settings))?;
    let (senders, inbox) = channels();
    let opened = history::open(&settings.history, &clocked.1);
    let (keeper, history) = opened.keeping.unzip();
    let (writer, world) = Writer::new(followed.around, Arc::clone(&clocked.0), clocked.1.clone());
    let writer = writer.remembering(opened.kept, keeper);
    if roles.extender {
        let placing = (Arc::clone(&world), followed.placement);
        answer(&mut tasks, placing, &settings, &clocked, &senders, &stop).await?;
    }
    let told = listen("admin", settings.admin.listen).await?;
    let controllers = roles.controllers.then(|| {
        let (edge, seen) = ((client.clone(), &http), (Arc::clone(&world), clocked.clone()));
        controllers::spawn(&mut tasks, edge, &settings, seen, &stop)
    });
    let (lacks, acts) = controllers.flatten().unzip();
    let admin = Admin {
        world,
        metrics: clocked.1.clone(),
        clock: Arc::clone(&clocked.0),
        access: callers::access(settings.admin.auth, &client),
        stopping: stopping.clone(),
        lacks,
    };
    let told = serve::run(told, admin::router(admin), stop.clone());
    tasks.spawn(async { ("admin", told.await.map_err(Into::into)) });
    if let Some(history) = history {
        endless(&mut tasks, "history", history.run());
    }
    let writer = writer.with_strayed(events(&mut tasks, &client, &settings, &clocked.1, &stop));
    write(&mut tasks, writer, inbox, &settings, &clocked, &stop);
    follow(&mut tasks, &client, &settings, &senders, &clocked.1, &stop);
    let carbon = CarbonSources::new(settings.carbon.clone(), followed.yearly, http.clone())
        .remembering(CarbonMemory::new(opened.calls));
    // Whoever only waits for the lease leaves calls to the one that has it; kube-scheduler asks every process.
    let carbon = match acts.filter(|_| !roles.extender) {
        Some(acts) => carbon.calling_while(acts),
        None => carbon,
    };
    let edge = (&client, http);
    measure(&mut tasks, carbon, edge, &settings, clocked, (senders, &stop));
    let followed = live.follow(path, loaded, stop.clone());
    endless(&mut tasks, "settings", followed);
    supervise(tasks, stopping, stop).await
}

/// The clock and the metrics of the process.
type Clocked = (Clock, Metrics);

/// Answers kube-scheduler.
async fn answer(
    tasks: &mut Tasks,
    (world, placement): (Arc<World>, Arc<ArcSwap<Placement>>),
    settings: &Settings,
    clocked: &Clocked,
    senders: &Senders,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let labels = settings.labels();
    let records = senders.records.clone();
    let state = Extender::new(world, placement, labels, settings.extender, clocked.clone(), records);
    let listener = listen("extender", settings.extender.listen).await?;
    let served = serve::run(listener, extender::router(Arc::new(state)), stop.clone());
    tasks.spawn(async { ("extender", served.await.map_err(Into::into)) });
    Ok(())
}

/// Builds the snapshots, and keeps the decision log if the settings want it.
fn write(
    tasks: &mut Tasks,
    writer: Writer,
    inbox: Inbox,
    settings: &Settings,
    (clock, metrics): &Clocked,
    stop: &CancellationToken,
) {
    let (told, journal) = Journal::new(&settings.decisions, Arc::clone(clock), metrics.clone()).unzip();
    endless(tasks, "writer", writer.with_journal(told).run(inbox, stop.clone()));
    if let Some(journal) = journal {
        // Ends when the writer has: nobody is left to tell it anything.
        tasks.spawn_blocking(|| {
            journal.run();
            ("decisions", Ok(()))
        });
    }
}

/// Asks for carbon intensities and for power.
fn measure(
    tasks: &mut Tasks,
    carbon: CarbonSources,
    (client, http): (&Client, HttpClient),
    settings: &Settings,
    (clock, metrics): Clocked,
    (senders, stop): (Senders, &CancellationToken),
) {
    let pods = exporters(tasks, client, settings, &metrics, stop);
    let (now, seen) = (Arc::clone(&clock), metrics.clone());
    endless(tasks, "carbon", carbon.run(now, senders.carbon, seen, stop.clone()));
    let power = PowerSources::new(settings.power.clone(), http).following(pods);
    endless(tasks, "power", power.run(clock, senders.power, metrics, stop.clone()));
}

/// Binds an address before anything is asked of anybody.
async fn listen(section: &'static str, address: std::net::SocketAddr) -> anyhow::Result<serve::Listener> {
    let bound = serve::bind(address).await;
    let bound = bound.with_context(|| format!("{section}.listen cannot be bound"))?;
    tracing::info!(address = %bound.address, "{section} listens");
    Ok(bound)
}

/// Writes Events on pods that were bound elsewhere than preferred, if the settings want them; whom to tell.
fn events(
    tasks: &mut Tasks,
    client: &Client,
    settings: &Settings,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Option<Sender<Strayed>> {
    if !settings.events.enabled {
        return None;
    }
    let (told, inbox) = mpsc::channel(EVENTS);
    let instance = std::env::var("HOSTNAME").unwrap_or_default();
    let events = Events::new(client.clone(), metrics.clone(), &instance);
    endless(tasks, "events", events.run(inbox, stop.clone()));
    Some(told)
}

/// Hosts that the settings name as sources: naming one there allows it.
pub(super) fn named_hosts(settings: &Settings) -> Vec<String> {
    let carbon = settings
        .carbon
        .providers
        .iter()
        .filter_map(|provider| provider.source.url());
    let power = settings.power.sources.iter().flat_map(|source| source.origin.urls());
    let load = settings.load.prometheus.iter().map(|prometheus| &prometheus.url);
    carbon
        .chain(power)
        .chain(load)
        .filter_map(|url| url.host_str().map(str::to_owned))
        .collect()
}
