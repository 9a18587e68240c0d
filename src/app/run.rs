//! The roles of a process: every room that they need joined, supervised, and drained at the end.

use super::callers;
use super::controllers;
use super::settings::{Change, Loaded, Settings, watch_file};
use crate::admin::{self, Admin};
use crate::carbon::{CarbonMemory, CarbonSources};
use crate::cluster::{ClusterWatch, DeviceKind, ExporterWatch, connect};
use crate::controllers::events::Events;
use crate::extender::{self, Extender, Placement};
use crate::history;
use crate::outbound::HttpClient;
use crate::power::{Found, PowerSources};
use crate::serve;
use crate::telemetry::{LogHandle, Metrics, system_clock};
use crate::world::{Journal, Senders, Strayed, Writer, channels};
use anyhow::Context;
use arc_swap::ArcSwap;
use heliotrope_core::grid::ZoneTable;
use heliotrope_core::snapshot::Surroundings;
use kube::Client;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the settings file is looked at.
const SETTINGS_INTERVAL: Duration = Duration::from_secs(5);
/// Events that wait to be written.
const EVENTS: usize = 64;
/// After the signal, `/readyz` says no and requests are still answered for this long.
const DRAIN: Duration = Duration::from_secs(2);

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
    let settings = loaded.settings.clone();
    let (clock, metrics) = (system_clock(), Metrics::new());
    let (around, around_in) = watch::channel((settings.surroundings(&loaded.tables), band(&settings)));
    let placement = Arc::new(ArcSwap::from_pointee(placement(1, &settings)));
    let (senders, inbox) = channels();
    let (writer, world) = Writer::new(around_in, Arc::clone(&clock), metrics.clone());
    let opened = history::open(&settings.history, &metrics);
    let (keeper, history) = opened.keeping.unzip();
    let writer = writer.remembering(opened.kept, keeper);
    let (told, journal) = Journal::new(&settings.decisions, Arc::clone(&clock), metrics.clone()).unzip();
    let client = connect(settings.cluster.kubeconfig.as_deref()).await?;
    let cluster =
        ClusterWatch::new(client.clone(), settings.labels()).gpu_classes(settings.cluster.gpu_classes.clone());
    let http = HttpClient::new(&settings.outbound, named_hosts(&settings))?;
    let (stopping, stop) = (CancellationToken::new(), CancellationToken::new());
    let mut tasks = Tasks::new();
    let clocked = (Arc::clone(&clock), metrics.clone());
    if roles.extender {
        let state = Extender::new(
            Arc::clone(&world),
            Arc::clone(&placement),
            settings.labels(),
            settings.extender,
            clocked.clone(),
            senders.records.clone(),
        );
        let listener = listen("extender", settings.extender.listen).await?;
        let served = serve::run(listener, extender::router(Arc::new(state)), stop.clone());
        tasks.spawn(async { ("extender", served.await.map_err(Into::into)) });
    }
    let admin_listener = listen("admin", settings.admin.listen).await?;
    let lacks = roles.controllers.then(|| {
        let edge = (client.clone(), &http);
        controllers::spawn(&mut tasks, edge, &settings, (Arc::clone(&world), clocked), &stop)
    });
    let admin = Admin {
        world,
        metrics: metrics.clone(),
        clock: Arc::clone(&clock),
        access: callers::access(settings.admin.auth, &client),
        stopping: stopping.clone(),
        lacks: lacks.flatten(),
    };
    let strayed = events(&mut tasks, &client, &settings, &metrics, &stop);
    let served = serve::run(admin_listener, admin::router(admin), stop.clone());
    tasks.spawn(async { ("admin", served.await.map_err(Into::into)) });
    if let Some(history) = history {
        endless(&mut tasks, "history", history.run());
    }
    endless(
        &mut tasks,
        "writer",
        writer.with_journal(told).with_strayed(strayed).run(inbox, stop.clone()),
    );
    if let Some(journal) = journal {
        // Ends when the writer has: nobody is left to tell it anything.
        tasks.spawn_blocking(|| {
            journal.run();
            ("decisions", Ok(()))
        });
    }
    follow(&mut tasks, cluster, &senders, &metrics, &stop);
    let (yearly, yearly_in) = watch::channel(loaded.tables.zones.clone());
    let carbon = CarbonSources::new(settings.carbon.clone(), yearly_in, http.clone())
        .remembering(CarbonMemory::new(opened.calls));
    let carbon = carbon.run(
        Arc::clone(&clock),
        senders.carbon.clone(),
        metrics.clone(),
        stop.clone(),
    );
    endless(&mut tasks, "carbon", carbon);
    let pods = exporters(&mut tasks, &client, &settings, &metrics, &stop);
    let power = PowerSources::new(settings.power.clone(), http).following(pods);
    endless(
        &mut tasks,
        "power",
        power.run(clock, senders.power.clone(), metrics, stop.clone()),
    );
    let live = Live {
        log,
        yearly,
        placement,
        around,
    };
    tasks.spawn(reload(path, loaded, live, stop.clone()));
    supervise(tasks, stopping, stop).await
}

/// Binds an address before anything is asked of anybody.
async fn listen(section: &'static str, address: std::net::SocketAddr) -> anyhow::Result<serve::Listener> {
    let bound = serve::bind(address).await;
    let bound = bound.with_context(|| format!("{section}.listen cannot be bound"))?;
    tracing::info!(address = %bound.address, "{section} listens");
    Ok(bound)
}

/// The tasks of the process by name, and what became of each.
pub(super) type Tasks = JoinSet<(&'static str, anyhow::Result<()>)>;

/// Spawns a task that cannot fail: it ends when it is told to.
pub(super) fn endless(tasks: &mut Tasks, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    tasks.spawn(async move {
        task.await;
        (name, Ok(()))
    });
}

/// Follows the nodes and the pods of the cluster, and what pods are given by claim.
fn follow(tasks: &mut Tasks, cluster: ClusterWatch, senders: &Senders, metrics: &Metrics, stop: &CancellationToken) {
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let nodes = cluster
        .clone()
        .run_nodes(events, move || failed.watch_error("nodes"), stop.clone());
    endless(tasks, "nodes", nodes);
    for kind in DeviceKind::ALL {
        let (events, failed) = (senders.cluster.clone(), metrics.clone());
        let watched =
            cluster
                .clone()
                .run_devices(kind, events, move || failed.watch_error(kind.name()), stop.clone());
        endless(tasks, kind.name(), watched);
    }
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let claims = cluster.clone().run_volume_claims(
        events,
        move || failed.watch_error("persistentvolumeclaims"),
        stop.clone(),
    );
    endless(tasks, "volume claims", claims);
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let classes =
        cluster
            .clone()
            .run_storage_classes(events, move || failed.watch_error("storageclasses"), stop.clone());
    endless(tasks, "storage classes", classes);
    let (events, failed) = (senders.cluster.clone(), metrics.clone());
    let pods = cluster.run_pods(events, move || failed.watch_error("pods"), stop.clone());
    endless(tasks, "pods", pods);
}

/// Follows the pods that power sources look for, by the name of the source.
fn exporters(
    tasks: &mut Tasks,
    client: &Client,
    settings: &Settings,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> HashMap<String, Found> {
    let mut found = HashMap::new();
    for source in &settings.power.sources {
        let Some(pods) = source.origin.pods() else { continue };
        let watch = ExporterWatch::new(client.clone(), &pods.namespace, &pods.selector);
        let (to_power, from_watch) = watch::channel(Vec::new());
        let failed = metrics.clone();
        let run = watch.run(to_power, move || failed.watch_error("exporters"), stop.clone());
        endless(tasks, "exporters", run);
        found.insert(source.name.clone(), from_watch);
    }
    found
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

/// Waits for the signal or for a task that ends by itself; then lets requests in flight finish.
async fn supervise(mut tasks: Tasks, stopping: CancellationToken, stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let ended = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        ended = tasks.join_next() => Some(ended),
    };
    if let Some(ended) = ended {
        let (task, result) = ended.context("no task is left")?.context("a task broke off")?;
        result.with_context(|| format!("task {task} failed"))?;
        anyhow::bail!("task {task} ended by itself");
    }
    tracing::info!("stopping");
    stopping.cancel();
    tokio::select! {
        () = tokio::time::sleep(DRAIN) => {}
        _ = terminate.recv() => anyhow::bail!("a second signal ended the drain"),
        _ = interrupt.recv() => anyhow::bail!("a second signal ended the drain"),
    }
    stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        let (task, result) = ended.context("a task broke off while stopping")?;
        result.with_context(|| format!("task {task} failed while stopping"))?;
    }
    Ok(())
}

/// What follows the file while running.
struct Live {
    log: LogHandle,
    yearly: watch::Sender<ZoneTable>,
    placement: Arc<ArcSwap<Placement>>,
    around: watch::Sender<(Surroundings, f64)>,
}

/// Takes what may change while running from a changed file.
async fn reload(
    path: PathBuf,
    loaded: Loaded,
    live: Live,
    stop: CancellationToken,
) -> (&'static str, anyhow::Result<()>) {
    // A kind that changed waits for a restart: readings of the old kind would all count as missing.
    let kind = loaded.settings.carbon.kind;
    let on_change = |change| match change {
        Change::Taken { loaded, restart_keys } => {
            live.yearly.send_if_modified(|table| {
                let changed = *table != loaded.tables.zones;
                table.clone_from(&loaded.tables.zones);
                changed
            });
            live.log.set_level(&loaded.settings.log.level);
            let next = placement(live.placement.load().generation + 1, &loaded.settings);
            live.placement.store(Arc::new(next));
            let surrounded = Surroundings {
                kind,
                ..loaded.settings.surroundings(&loaded.tables)
            };
            if live.around.send((surrounded, band(&loaded.settings))).is_err() {
                tracing::warn!("settings were taken, but nobody builds snapshots any more");
            }
            tracing::info!(waiting_for_restart = ?restart_keys, "settings taken");
        }
        Change::Refused(error) => tracing::error!(%error, "changed settings refused, the ones before stay"),
    };
    tokio::select! {
        () = stop.cancelled() => ("settings", Ok(())),
        never = watch_file(&path, SETTINGS_INTERVAL, loaded, on_change) => match never {},
    }
}

fn placement(generation: u64, settings: &Settings) -> Placement {
    let (policy, namespaces) = (
        Arc::new(settings.placement.policy.clone()),
        settings.placement.namespaces.clone(),
    );
    Placement {
        generation,
        policy,
        namespaces,
    }
}

fn band(settings: &Settings) -> f64 {
    settings.placement.policy.band.get()
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
