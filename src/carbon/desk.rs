//! The desk at which one provider is asked: about its zones, at its pace, within its allowance.

use super::access::{Access, Probe};
use super::allowance::Allowance;
use super::answers::{Answers, Way};
use super::error::CarbonError;
use super::memory::{DAY, OwnMemory};
use super::pace::Pace;
use super::provider::{Ask, Provider, Told};
use super::run::CarbonEvents;
use super::settings::ProviderSettings;
use crate::telemetry::Clock;
use futures::future::join_all;
use heliotrope_core::grid::{IntensityKind, ZoneId};
use heliotrope_core::quantity::Source;
use heliotrope_core::snapshot::CarbonReport;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// Where one provider is asked from.
pub(super) struct Desk<'a, E> {
    pub(super) provider: &'a ProviderSettings,
    pub(super) places: BTreeMap<ZoneId, u8>,
    /// The kind that is ranked.
    pub(super) kind: IntensityKind,
    pub(super) allowance: Allowance,
    pub(super) answers: Answers,
    pub(super) memory: OwnMemory,
    pub(super) clock: Clock,
    pub(super) out: Sender<CarbonReport>,
    pub(super) events: E,
    /// Whether calls are this process' to make.
    pub(super) calls: watch::Receiver<bool>,
}

impl<E: CarbonEvents> Desk<'_, E> {
    /// Asks a provider about all its zones. One that wants a key is asked first, and once a day, what the key can read:
    /// what it cannot is told once and not asked for.
    pub(super) async fn serve<P: Provider>(&self, provider: P) {
        self.budget();
        let zones: Vec<ZoneId> = self.places.keys().cloned().collect();
        loop {
            if provider.tells_access() {
                self.turn().await;
            }
            let (access, holds) = self.access(&provider, &zones).await;
            let wanted = |ask: &Ask<P::Topic>| {
                let can = |zone| access.get(zone).and_then(|access| access.can(ask.needs?));
                ask.zones.iter().any(|zone| can(zone) != Some(false))
            };
            let asks: Vec<_> = provider.asks(&zones).into_iter().filter(wanted).collect();
            let followed = join_all(asks.iter().map(|ask| self.follow(&provider, ask)));
            if !provider.tells_access() || zones.is_empty() {
                followed.await;
                return;
            }
            tokio::select! {
                () = sleep(holds) => {}
                _ = followed, if !asks.is_empty() => return,
            }
        }
    }

    /// What the key can read, told in the log and in metrics, and for how long that holds. Where it cannot be had, all is
    /// asked for to see.
    async fn access<P: Provider>(&self, provider: &P, zones: &[ZoneId]) -> (BTreeMap<ZoneId, Access>, Duration) {
        if !provider.tells_access() || zones.is_empty() {
            return (BTreeMap::new(), DAY);
        }
        let (told, holds) = match self.memory.access(zones, &self.provider.source.key_files()) {
            Some(known) => known,
            None => (self.ask_access(provider, zones).await, DAY),
        };
        self.tell_access(&told);
        (told, holds)
    }

    async fn ask_access<P: Provider>(&self, provider: &P, zones: &[ZoneId]) -> BTreeMap<ZoneId, Access> {
        self.allowance.held().await;
        let told = match self.allowance.take(1).await {
            Ok(()) => provider.access(zones, (self.clock)()).await,
            Err(error) => Err(error),
        };
        self.budget();
        match told {
            Ok(told) => {
                self.memory.keep_access(&told).await;
                told
            }
            Err(error) => {
                let name = self.provider.name.as_str();
                self.events.fetched(name, "*", error.kind());
                self.rest(&error).await;
                tracing::warn!(provider = name, %error, "what the key can read is not known, so all is asked for");
                BTreeMap::new()
            }
        }
    }

    fn tell_access(&self, told: &BTreeMap<ZoneId, Access>) {
        let name = self.provider.name.as_str();
        for (zone, access) in told {
            for (what, can) in access.told() {
                self.events.access(name, zone.as_str(), what.name(), can);
            }
            let (can, cannot) = (access.names(true).join(", "), access.names(false).join(", "));
            if cannot.is_empty() {
                tracing::info!(provider = name, %zone, can, "key can read");
            } else {
                tracing::warn!(provider = name, %zone, can, cannot, "key cannot read all; what it cannot is not asked for");
            }
        }
    }

    /// Leaves the provider alone for as long as it says. One that has had enough and does not say for how long is left
    /// alone for an interval.
    async fn rest(&self, error: &CarbonError) {
        if let Some(after) = error.retry_after() {
            self.allowance.hold(after.wait((self.clock)())).await;
        } else if error.is_rate_limit() {
            self.allowance.hold(self.provider.interval).await;
        }
    }

    /// Asks one thing again and again, until nobody listens any more.
    async fn follow<P: Provider>(&self, provider: &P, ask: &Ask<P::Topic>) {
        let mut pace = Pace::new(ask.every, self.provider.interval);
        let mut silent = false;
        loop {
            if ask.calls > 0 {
                self.turn().await;
            }
            self.allowance.held().await;
            let started = Instant::now();
            let answer = self.ask(provider, ask, &mut silent).await;
            let wait = match answer {
                Ok(reports) => {
                    for report in reports {
                        if self.out.send(report).await.is_err() {
                            return;
                        }
                    }
                    pace.after_answer()
                }
                Err(_) if ask.calls == 0 => ask.every,
                // Plans change; not within the hour.
                Err(error) if matches!(*error, CarbonError::Denied { .. }) => DAY,
                Err(_) => pace.after_failure(),
            };
            tokio::select! {
                () = sleep_until(started + wait) => {}
                () = provider.changed() => {}
            }
        }
    }

    /// Waits until calls are this process' to make. Nobody says so any more where it ends.
    async fn turn(&self) {
        let mut calls = self.calls.clone();
        if calls.wait_for(|calls| *calls).await.is_err() {
            pending::<()>().await;
        }
    }

    /// One ask. Silence and its end are told in the log; each call only in metrics.
    async fn ask<P: Provider>(
        &self,
        provider: &P,
        ask: &Ask<P::Topic>,
        silent: &mut bool,
    ) -> Result<Vec<CarbonReport>, Arc<CarbonError>> {
        let now = (self.clock)();
        let (name, zone) = (self.provider.name.as_str(), ask.label());
        let (way, answer) = self.answers.get(provider, ask, &self.allowance, now).await;
        self.budget();
        match answer {
            Ok(told) => {
                let outcome = if way == Way::Called { "ok" } else { "shared" };
                self.events.fetched(name, zone, outcome);
                if std::mem::take(silent) {
                    tracing::info!(provider = name, zone, "carbon provider speaks again");
                }
                Ok(told.iter().flat_map(|told| self.reports(ask, told)).collect())
            }
            Err(error) => {
                self.events.fetched(name, zone, error.kind());
                self.rest(&error).await;
                if std::mem::replace(silent, true) {
                    tracing::debug!(provider = name, zone, %error, "carbon provider is still silent");
                } else {
                    tracing::warn!(provider = name, zone, %error, "carbon provider said nothing");
                }
                Err(error)
            }
        }
    }

    /// What was told, for each zone that it is about and that has this provider in its chain. Another kind than the one
    /// ranked is counted here and refused by the world.
    fn reports<T>(&self, ask: &Ask<T>, told: &Told) -> Vec<CarbonReport> {
        let zones = match &told.zone {
            Some(zone) => std::slice::from_ref(zone),
            None => ask.zones.as_slice(),
        };
        let placed = zones.iter().filter_map(|zone| Some((zone, *self.places.get(zone)?)));
        placed
            .map(|(zone, priority)| {
                if told.kind != self.kind {
                    self.events.fetched(&self.provider.name, zone.as_str(), "mismatch");
                }
                CarbonReport {
                    zone: zone.clone(),
                    kind: told.kind,
                    source: Source::new(&self.provider.name),
                    priority,
                    latest: told.latest,
                    forecast: told.forecast.clone(),
                    history: told.history.clone(),
                    fixed: told.fixed,
                }
            })
            .collect()
    }

    fn budget(&self) {
        if let Some((limit, left)) = self.allowance.left(Instant::now()) {
            self.events.budget(&self.provider.name, limit, left);
        }
    }
}

/// Asks a provider once what its key can read.
pub(super) async fn probe<P: Provider>(name: &str, provider: &P, zones: &[ZoneId], now: Timestamp) -> Probe {
    let (zones, error) = match provider.access(zones, now).await {
        Ok(zones) => (zones, None),
        Err(error) => (BTreeMap::new(), Some(error.to_string())),
    };
    Probe {
        provider: name.to_owned(),
        zones,
        error,
    }
}
