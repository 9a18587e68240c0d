use super::memory::Memories;
use super::notes::Notes;
use super::rivals::Claim;
use super::settings::RightsizerSettings;
use crate::cluster::Scaling;
use crate::controllers::lease::{Term, jittered};
use crate::crds::Rightsizer;
use crate::load::Reader;
use crate::telemetry::{Clock, Metrics};
use crate::world::World;
use futures::{StreamExt, stream};
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, Error, Resource, ResourceExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Objects a page.
const PAGE: u32 = 500;
/// One look at a Rightsizer that takes longer is given up: others wait for its place.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why nothing can be looked after: what `/readyz` tells.
pub type Away = Option<&'static str>;

const NO_KIND: &str = "the kind Rightsizer is not there: apply deploy/kustomize/rightsizer";
const MAY_NOT: &str = "Rightsizers may not be listed: apply deploy/kustomize/rightsizer";
const NO_ANSWER: &str = "Rightsizers could not be listed yet";

/// The controller.
pub struct Rightsizers {
    pub(super) client: Client,
    pub(super) scaling: Scaling,
    pub(super) reader: Reader,
    pub(super) world: Arc<World>,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) notes: Notes,
    pub(super) memories: Memories,
    settings: RightsizerSettings,
    away: watch::Sender<Away>,
}

impl std::fmt::Debug for Rightsizers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rightsizers").finish_non_exhaustive()
    }
}

impl Rightsizers {
    /// A controller that reads metrics through `reader` and the grid out of `world`, and tells in `away` what it lacks.
    #[must_use]
    pub fn new(
        client: Client,
        settings: RightsizerSettings,
        (reader, world): (Reader, Arc<World>),
        (clock, metrics): (Clock, Metrics),
        instance: &str,
        away: watch::Sender<Away>,
    ) -> Self {
        Self {
            scaling: Scaling::new(client.clone()),
            notes: Notes::new(client.clone(), metrics.clone(), instance),
            client,
            reader,
            world,
            clock,
            metrics,
            memories: Memories::default(),
            settings,
            away,
        }
    }

    /// Waits until Rightsizers can be listed; `false` when told to stop before.
    pub async fn ready(&self, stop: &CancellationToken) -> bool {
        loop {
            if self.list().await.is_some() {
                return true;
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = sleep(jittered(self.settings.interval)) => {}
            }
        }
    }

    /// Looks after them for a term.
    pub async fn run(&self, term: Term) {
        // What was remembered of an earlier term may have been overtaken by another's.
        self.memories.forget();
        tokio::select! {
            () = term.over() => {}
            () = self.rounds(&term) => {}
        }
    }

    async fn rounds(&self, term: &Term) {
        loop {
            let began = Instant::now();
            self.round(term).await;
            let (took, pause) = (began.elapsed(), jittered(self.settings.interval));
            self.metrics.rightsizer_round(took, took > self.settings.interval);
            sleep(pause.saturating_sub(took)).await;
        }
    }

    /// Looks at each once.
    async fn round(&self, term: &Term) {
        let Some(all) = self.list().await else { return };
        self.metrics.rightsizers(all.len());
        self.memories
            .keep(all.iter().filter_map(|one| one.meta().uid.as_deref()));
        let claims: Vec<Claim> = all.iter().filter_map(Claim::of).collect();
        let looks = stream::iter(&all).for_each_concurrent(self.settings.concurrency, async |one| {
            // On the heap: what a look keeps over its waits is too large to be moved about.
            let look = timeout(PATIENCE, Box::pin(self.sync(one, &claims, term)));
            self.metrics.rightsized(look.await.unwrap_or("late"));
        });
        looks.await;
    }

    /// All of them, as far as they can be read; `None` while they cannot be listed, which is told.
    async fn list(&self) -> Option<Vec<Rightsizer>> {
        let found = match &self.settings.namespaces {
            None => self.pages(Api::all_with(self.client.clone(), &resource())).await,
            Some(names) => {
                let mut all = Ok(Vec::new());
                for name in names {
                    let page = self
                        .pages(Api::namespaced_with(self.client.clone(), name, &resource()))
                        .await;
                    all = all.and_then(|mut all: Vec<_>| {
                        page.map(|page| {
                            all.extend(page);
                            all
                        })
                    });
                }
                all
            }
        };
        let away = match &found {
            Ok(_) => None,
            Err(Error::Api(status)) if status.code == 404 => Some(NO_KIND),
            Err(Error::Api(status)) if status.code == 403 => Some(MAY_NOT),
            // Somebody restarts the API server: what was ready stays so, and the next round tries again.
            Err(_) => (*self.away.borrow())
                .or(Some(NO_ANSWER))
                .filter(|_| self.away.borrow().is_some()),
        };
        let changed = self
            .away
            .send_if_modified(|before| std::mem::replace(before, away) != away);
        match (found, away) {
            (Ok(all), _) => return Some(all.into_iter().filter_map(read).collect()),
            (Err(_), Some(away)) if changed => tracing::error!("{away}"),
            (Err(error), None) => tracing::warn!(%error, "rightsizers could not be listed, trying again"),
            (Err(_), Some(_)) => {}
        }
        None
    }

    async fn pages(&self, api: Api<DynamicObject>) -> Result<Vec<DynamicObject>, Error> {
        let (mut all, mut params) = (Vec::new(), ListParams::default().limit(PAGE));
        loop {
            let page = timeout(PATIENCE, api.list(&params)).await;
            let page = page.map_err(|_| Error::Service("no answer in time".into()))??;
            all.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(all),
            }
        }
    }
}

fn resource() -> kube::api::ApiResource {
    kube::api::ApiResource::erase::<Rightsizer>(&())
}

/// One that cannot be read is left out: it must not stop the others.
fn read(object: DynamicObject) -> Option<Rightsizer> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let value = serde_json::to_value(object).ok()?;
    let read = serde_json::from_value(value);
    read.inspect_err(|_| {
        tracing::warn!(
            namespace,
            name,
            "rightsizer left out: it is not of the schema of this version"
        );
    })
    .ok()
}
