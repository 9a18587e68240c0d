use super::answer::{Parts, duration, milli};
use super::promql::{self, Scope};
use crate::load::cause::Cause;
use crate::load::settings::{LoadSettings, PrometheusSettings};
use crate::load::target::Target;
use crate::outbound::{HttpClient, OutboundError, PrometheusClient};
use heliotrope_core::rightsizing::hpa::{Milli, Sample};
use heliotrope_core::rightsizing::serving::Kind;
use heliotrope_core::rightsizing::{Preset, PromQuery};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// A Prometheus with what its answers mean.
#[derive(Debug)]
pub(in crate::load) struct Prometheus {
    client: PrometheusClient,
    labels: PrometheusSettings,
    /// Whether the last call came to nothing.
    silent: AtomicBool,
    own_queries: bool,
    fresh_for: SignedDuration,
    window: SignedDuration,
}

/// A value, and what was wrong with a part of it.
pub(in crate::load) type Read<T> = Result<(T, Option<Cause>), Cause>;

impl Prometheus {
    pub(in crate::load) fn new(settings: &LoadSettings, http: &HttpClient) -> Option<Self> {
        let labels = settings.prometheus.clone()?;
        Some(Self {
            client: PrometheusClient::new(http.clone(), labels.url.clone(), &labels.access),
            labels,
            silent: AtomicBool::new(false),
            own_queries: settings.own_queries,
            fresh_for: settings.fresh_for,
            window: settings.window,
        })
    }

    /// The samples of the target's pods by name.
    pub(in crate::load) async fn pods(
        &self,
        query: &PromQuery,
        target: &Target<'_>,
        now: Timestamp,
    ) -> Read<BTreeMap<String, Sample>> {
        if matches!(query, PromQuery::Preset(preset) if preset.row().kind == Kind::Histogram) {
            return Err(Cause::AveragedPercentile);
        }
        let parts = self.ask(query, target, true, now).await?;
        let names: BTreeSet<&str> = target.pods.iter().map(|pod| pod.name.as_str()).collect();
        let label = self.labels.pod_label.as_str();
        let (stamps, mut found) = (parts.stamps(label), BTreeMap::new());
        let (mut wrong, mut old) = (parts.not_numbers, None);
        for series in parts.values() {
            let Some(pod) = series.pod(label).filter(|pod| names.contains(pod)) else {
                continue;
            };
            let at = stamps.get(pod).copied().unwrap_or(now);
            if let Err(cause) = Cause::of_age(now.duration_since(at), self.fresh_for) {
                old = Some(cause);
                continue;
            }
            let Some(value) = milli(series.value * scale(query)) else {
                wrong += 1;
                continue;
            };
            let window = self.window_of(query);
            if found.insert(pod.to_owned(), Sample { value, at, window }).is_some() {
                return Err(Cause::SeveralOfOnePod);
            }
        }
        let partly = (wrong > 0).then_some(Cause::NotNumbers(wrong)).or(old);
        match (found.is_empty(), partly) {
            (false, partly) => Ok((found, partly)),
            (true, Some(cause)) => Err(cause),
            (true, None) if parts.values().is_empty() => Err(Cause::NoSeries),
            (true, None) => Err(Cause::NoPodLabel),
        }
    }

    /// The values of all series, which are to be added up.
    pub(in crate::load) async fn total(
        &self,
        query: &PromQuery,
        target: &Target<'_>,
        now: Timestamp,
    ) -> Result<Vec<Milli>, Cause> {
        let parts = self.ask(query, target, false, now).await?;
        if let PromQuery::Preset(preset) = query {
            let value = self.of_preset(preset, &parts, target, now)?;
            return milli(value).map(|value| vec![value]).ok_or(Cause::NotNumbers(1));
        }
        self.is_fresh(&parts, now)?;
        let values: Vec<Milli> = parts.values().iter().filter_map(|series| milli(series.value)).collect();
        // What is left of a sum when a part of it is missing is another sum.
        match parts.not_numbers + (parts.values().len() - values.len()) as u64 {
            0 if values.is_empty() => Err(Cause::NoSeries),
            0 => Ok(values),
            wrong => Err(Cause::NotNumbers(wrong)),
        }
    }

    /// One value in seconds.
    pub(in crate::load) async fn seconds(
        &self,
        query: &PromQuery,
        target: &Target<'_>,
        now: Timestamp,
    ) -> Result<SignedDuration, Cause> {
        let parts = self.ask(query, target, false, now).await?;
        let value = match query {
            PromQuery::Preset(preset) => self.of_preset(preset, &parts, target, now)?,
            PromQuery::Text(_) => {
                self.is_fresh(&parts, now)?;
                match parts.values() {
                    [one] => one.value,
                    [] if parts.not_numbers > 0 => return Err(Cause::NotNumbers(parts.not_numbers)),
                    [] => return Err(Cause::NoSeries),
                    several => return Err(Cause::NotOne(several.len())),
                }
            }
        };
        duration(value).ok_or(Cause::NotNumbers(1))
    }

    async fn ask(
        &self,
        query: &PromQuery,
        target: &Target<'_>,
        per_pod: bool,
        now: Timestamp,
    ) -> Result<Parts, Cause> {
        let expression = match query {
            PromQuery::Preset(preset) => {
                let scope = Scope::of(target, preset, &self.labels)?;
                promql::preset(preset, &scope, per_pod, preset.window().unwrap_or(self.window))
            }
            PromQuery::Text(_) if !self.own_queries => return Err(Cause::QueriesOff),
            PromQuery::Text(text) => promql::own(text),
        };
        match self.client.query(&expression, now).await {
            Ok(vector) => {
                if self.silent.swap(false, Ordering::Relaxed) {
                    tracing::info!("the prometheus of load.prometheus speaks again");
                }
                Parts::of(vector)
            }
            Err(error) => {
                let cause = Cause::of_prometheus(&error, self.labels.access.shows());
                self.complain(&error, &cause);
                Err(cause)
            }
        }
    }

    /// Silence and its end are told in the log; each call only in metrics. A query that is refused is its author's.
    fn complain(&self, error: &OutboundError, cause: &Cause) {
        let is_of_query = matches!(cause, Cause::Refused) || matches!(error, OutboundError::Shape { .. });
        if is_of_query || self.silent.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(%error, "the prometheus of load.prometheus said nothing");
    }

    /// What a preset comes to over all pods, in the unit that targets have; zero for a latency while there is nothing to do.
    fn of_preset(&self, preset: &Preset, parts: &Parts, target: &Target<'_>, now: Timestamp) -> Result<f64, Cause> {
        let missed = parts.down(&self.labels.pod_label);
        let down = missed.filter(|(pod, tried)| target.misses(pod, *tried)).count();
        if parts.stamp().is_none() {
            return Err(if down > 0 {
                Cause::Unscraped(down)
            } else {
                Cause::NoSeries
            });
        }
        self.is_fresh(parts, now)?;
        // A replica that is too busy to be scraped must not make the others look like all there are.
        if down > 0 {
            return Err(Cause::Unscraped(down));
        }
        let scale = preset.row().unit.seconds().unwrap_or(1.0);
        if let Some(value) = parts.value() {
            return Ok(value * scale);
        }
        match parts.rate() {
            None if matches!(preset.row().kind, Kind::Gauge | Kind::Summary) => Err(Cause::NotNumbers(1)),
            None => Err(Cause::TooFew),
            Some(rate) if rate > 0.0 => Err(Cause::NotNumbers(1)),
            Some(_) if parts.busy() > 0.0 => Err(Cause::NoneFinished),
            Some(_) => Ok(0.0),
        }
    }

    fn is_fresh(&self, parts: &Parts, now: Timestamp) -> Result<(), Cause> {
        let age = parts.stamp().map(|at| now.duration_since(at));
        age.map_or(Ok(()), |age| Cause::of_age(age, self.fresh_for))
    }

    /// Over how long a sample was taken: nothing for a value of a moment.
    fn window_of(&self, query: &PromQuery) -> SignedDuration {
        match query {
            PromQuery::Preset(preset) if preset.row().kind != Kind::Gauge => preset.window().unwrap_or(self.window),
            _ => SignedDuration::ZERO,
        }
    }
}

/// Seconds for what is a duration; what is not keeps its unit, in which targets are given.
fn scale(query: &PromQuery) -> f64 {
    match query {
        PromQuery::Preset(preset) => preset.row().unit.seconds().unwrap_or(1.0),
        PromQuery::Text(_) => 1.0,
    }
}
