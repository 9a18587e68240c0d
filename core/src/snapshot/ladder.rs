//! The ladder of carbon readings of one zone: live → last known → forecast → climatology → static.

use super::carbon::{CarbonView, LadderBounds, ZoneState};
use super::history::History;
use super::readings::{CarbonReport, Forecast, LatestIntensity};
use crate::grid::{IntensityPoint, IntensitySeries, ZoneId, climatology};
use crate::quantity::{GramsPerKwh, Rung, Source};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// How far ahead a composed series reaches. Beyond it its own mean is assumed.
const AHEAD: SignedDuration = SignedDuration::from_hours(72);
/// A provider's clock may run ahead of ours by this much. What begins later is a prediction and no observation: held as
/// the latest value, it would keep every true one out until its time has come.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(1);
/// Views are made anew at least this often: a series reaches ahead from when it was made.
const REMAKE: SignedDuration = SignedDuration::from_mins(1);

/// Everything heard about one zone.
#[derive(Debug, Clone, Default)]
pub(super) struct ZoneCarbon {
    latest: BTreeMap<u8, (LatestIntensity, Source)>,
    forecast: BTreeMap<u8, (Forecast, Source)>,
    fixed: BTreeMap<u8, (GramsPerKwh, Source)>,
    history: History,
}

impl ZoneCarbon {
    pub(super) fn apply(&mut self, report: CarbonReport, now: Timestamp) {
        let CarbonReport {
            source,
            priority,
            latest,
            forecast,
            history,
            fixed,
            zone: _,
            kind: _,
        } = report;
        let latest = latest.filter(|latest| latest.from < latest.until && latest.from <= soon(now));
        let observed = latest.map(|LatestIntensity { from, value, .. }| IntensityPoint { from, value });
        self.history.extend(history.into_iter().chain(observed), now);
        if let Some(latest) = latest {
            let newer = self
                .latest
                .get(&priority)
                .is_none_or(|(held, _)| held.from <= latest.from);
            if newer {
                self.latest.insert(priority, (latest, source.clone()));
            }
        }
        if let Some(mut forecast) = forecast {
            // A forecast ages from its receipt at the latest, whatever the provider's clock says.
            forecast.issued_at = forecast.issued_at.min(now);
            self.forecast.insert(priority, (forecast, source.clone()));
        }
        if let Some(fixed) = fixed {
            self.fixed.insert(priority, (fixed, source));
        }
    }

    /// What the zone says now, on every rung that it has.
    pub(super) fn views(&self, id: ZoneId, bounds: &LadderBounds, now: Timestamp) -> ZoneState {
        let forecast = self.forecast_view(bounds, now);
        let climate = self.climate_view(now);
        let held = |reach| self.held_view(reach, [forecast.as_ref(), climate.as_ref()], now);
        let (live, last_known) = (held(bounds.live_grace), held(bounds.held_for()));
        let fixed = self.fixed.values().next().map(|(value, source)| CarbonView {
            series: IntensitySeries::constant(*value, now),
            now: *value,
            source: source.clone(),
            observed_at: now,
            estimated: true,
        });
        ZoneState {
            id,
            views: [live, last_known, forecast, climate, fixed],
        }
    }

    /// The best latest value that is within its period or at most `reach` past it, followed by what is expected.
    ///
    /// Within its period the value gives way when the period ends. Past it nobody has published what follows, and the
    /// value stands in for now as long as it counts: what is expected follows at the end of its reach.
    fn held_view(
        &self,
        reach: SignedDuration,
        expected: [Option<&CarbonView>; 2],
        now: Timestamp,
    ) -> Option<CarbonView> {
        let end_of = |latest: &LatestIntensity| latest.until.saturating_add(reach).unwrap_or(Timestamp::MAX);
        let counts = |latest: &LatestIntensity| latest.from <= soon(now) && now < end_of(latest);
        let (latest, source) = self.latest.values().find(|(latest, _)| counts(latest))?;
        let gives_way = if now < latest.until {
            latest.until
        } else {
            end_of(latest)
        };
        let (points, end) = ahead(expected, gives_way, now);
        let series = if points.is_empty() {
            IntensitySeries::constant(latest.value, now)
        } else {
            let first = IntensityPoint {
                from: now.min(latest.from),
                value: latest.value,
            };
            IntensitySeries::new([vec![first], points].concat(), end).ok()?
        };
        Some(CarbonView {
            series,
            now: latest.value,
            source: source.clone(),
            observed_at: latest.from,
            estimated: latest.estimated,
        })
    }

    fn forecast_view(&self, bounds: &LadderBounds, now: Timestamp) -> Option<CarbonView> {
        self.forecast
            .values()
            .filter(|(forecast, _)| now < counts_until(forecast, bounds))
            .find_map(|(forecast, source)| {
                let series = IntensitySeries::new(forecast.points.clone(), forecast.until).ok()?;
                let value = series.at(now)?;
                let (source, observed_at) = (source.clone(), forecast.issued_at);
                Some(CarbonView {
                    series,
                    now: value,
                    source,
                    observed_at,
                    estimated: true,
                })
            })
    }

    /// The next moment at which a value gives way or stops to count: until then the views stay as they are, and at
    /// that moment they must not.
    fn next_turn(&self, state: &ZoneState, bounds: &LadderBounds, now: Timestamp) -> Timestamp {
        let of_latest = self.latest.values().flat_map(|(latest, _)| {
            let end = |reach| latest.until.saturating_add(reach).unwrap_or(Timestamp::MAX);
            [latest.until, end(bounds.live_grace), end(bounds.held_for())]
        });
        let of_forecast = self
            .forecast
            .values()
            .map(|(forecast, _)| counts_until(forecast, bounds));
        let of_series = [Rung::Forecast, Rung::Climatology]
            .into_iter()
            .filter_map(|rung| state.view(rung)?.series.next_change(now));
        let remake = now
            .saturating_add(REMAKE)
            .unwrap_or(Timestamp::MAX)
            .min(History::next_turn(now));
        of_latest
            .chain(of_forecast)
            .chain(of_series)
            .filter(|turn| *turn > now)
            .fold(remake, Timestamp::min)
    }

    fn climate_view(&self, now: Timestamp) -> Option<CarbonView> {
        let series = climatology(&self.history.points(now), now, AHEAD)?;
        let value = series.at(now)?;
        Some(CarbonView {
            series,
            now: value,
            source: Source::new("climatology"),
            observed_at: now,
            estimated: true,
        })
    }
}

/// When a forecast stops to count: at its end, or when too much time has passed since it was issued.
fn counts_until(forecast: &Forecast, bounds: &LadderBounds) -> Timestamp {
    let aged = forecast.issued_at.saturating_add(bounds.forecast_for);
    forecast.until.min(aged.unwrap_or(Timestamp::MAX))
}

/// What still counts as now.
fn soon(now: Timestamp) -> Timestamp {
    now.saturating_add(MAX_SKEW).unwrap_or(Timestamp::MAX)
}

/// What is expected from a moment on, and how far that reaches: the forecast as far as it goes, then the usual day. What
/// comes after is not known and is left to the series' own mean; the last period must not be stretched over days.
fn ahead(expected: [Option<&CarbonView>; 2], from: Timestamp, now: Timestamp) -> (Vec<IntensityPoint>, Timestamp) {
    let mut points = Vec::new();
    let mut covered = from;
    for view in expected.into_iter().flatten() {
        if view.series.end() <= covered {
            continue;
        }
        let value = view.series.at(covered);
        points.extend(value.map(|value| IntensityPoint { from: covered, value }));
        points.extend(view.series.points().iter().filter(|point| point.from > covered));
        covered = view.series.end();
    }
    let limit = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    points.retain(|point| point.from < limit);
    (points, covered.min(limit))
}

/// A zone with its views and for how long they hold.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    id: ZoneId,
    carbon: ZoneCarbon,
    made: Option<(Range<Timestamp>, Arc<ZoneState>)>,
}

impl Zone {
    pub(super) fn new(id: ZoneId) -> Self {
        Self {
            id,
            carbon: ZoneCarbon::default(),
            made: None,
        }
    }

    pub(super) fn id(&self) -> &ZoneId {
        &self.id
    }

    pub(super) fn apply(&mut self, report: CarbonReport, now: Timestamp) {
        self.carbon.apply(report, now);
        self.made = None;
    }

    /// Past values that count.
    pub(super) fn past(&self, now: Timestamp) -> Vec<IntensityPoint> {
        self.carbon.history.points(now)
    }

    /// Makes the views anew whatever they say: bounds changed.
    pub(super) fn expire(&mut self) {
        self.made = None;
    }

    pub(super) fn state(&mut self, bounds: &LadderBounds, now: Timestamp) -> Arc<ZoneState> {
        if let Some((holds, state)) = &self.made
            && holds.contains(&now)
        {
            return Arc::clone(state);
        }
        let state = Arc::new(self.carbon.views(self.id.clone(), bounds, now));
        let until = self.carbon.next_turn(&state, bounds, now);
        self.made = Some((now..until, Arc::clone(&state)));
        state
    }
}
