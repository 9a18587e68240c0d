//! The tasks of a process: supervised while they run, drained at the end.

use anyhow::Context;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// After the signal, `/readyz` says no and requests are still answered for this long.
const DRAIN: Duration = Duration::from_secs(2);

/// The tasks of the process by name, and what became of each.
pub(super) type Tasks = JoinSet<(&'static str, anyhow::Result<()>)>;

/// Spawns a task that cannot fail: it ends when it is told to.
pub(super) fn endless(tasks: &mut Tasks, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    tasks.spawn(async move {
        task.await;
        (name, Ok(()))
    });
}

/// Waits for the signal or for a task that ends by itself; then lets requests in flight finish.
pub(super) async fn supervise(
    mut tasks: Tasks,
    stopping: CancellationToken,
    stop: CancellationToken,
) -> anyhow::Result<()> {
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
