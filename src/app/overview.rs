//! What a settings file amounts to, in the words of `heliotrope check`.

use super::settings::{Loaded, RELOAD, ReloadRule};
use super::tables::{Figures, Uncertain};
use crate::carbon::settings::{CarbonSettings, SourceSettings};
use crate::outbound::Secret;
use heliotrope_core::grid::{IntensityKind, Signal, ZoneId};
use heliotrope_core::quantity::{GramsPerKwh, Rung, Watts};
use heliotrope_core::snapshot::Figures as FiguresOf;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that `check` explains.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The one kind of intensity that is ranked.
    pub kind: IntensityKind,
    /// Zones with a provider.
    pub zones: Vec<ZoneOverview>,
    /// How many zones have a yearly average of this kind, of how many in the table.
    pub yearly_averages: (usize, usize),
    /// How many regions the table maps, by provider.
    pub regions: BTreeMap<String, usize>,
    /// Regions whose zone is a guess.
    pub uncertain_regions: Vec<Uncertain>,
    /// GPU models known.
    pub gpus: Vec<GpuOverview>,
    /// What `history.dir` holds.
    pub history: Option<HistoryOverview>,
    /// Kinds of power domains.
    pub domains: Vec<DomainOverview>,
    /// When each key takes effect.
    pub reload: &'static [ReloadRule],
    /// What the operator may not expect.
    pub notes: Vec<String>,
}

/// A zone with its chain of providers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneOverview {
    /// The zone.
    pub zone: ZoneId,
    /// Its name, if the table has it.
    pub name: Option<String>,
    /// Providers in the order they are asked, as `name (type)`.
    pub providers: Vec<String>,
    /// Rungs that this chain can reach, best first.
    pub rungs: Vec<Rung>,
    /// The yearly average of this kind.
    pub yearly: Option<GramsPerKwh>,
}

/// A GPU model with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuOverview {
    /// Canonical name.
    pub model: String,
    /// Idle with no process.
    pub bare: Watts,
    /// Step of the first context.
    pub context: Watts,
    /// Maximum.
    pub max: Watts,
    /// Data sheet throughput.
    pub rated_throughput: Option<f64>,
    /// Measured throughput.
    pub measured_throughput: Option<f64>,
    /// Who says so.
    pub sources: Option<Figures>,
}

/// What was learned so far and is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryOverview {
    /// Figures of models of which something was seen, with where each comes from and of how many samples.
    pub models: Vec<(String, FiguresOf)>,
    /// Nodes that something was seen of.
    pub nodes: usize,
    /// Owners whose watts are known.
    pub owners: usize,
    /// Owners whose run times are known.
    pub runners: usize,
    /// Zones with a past.
    pub zones: usize,
}

/// Looks at what is kept, as far as it can be read. Nothing of it is changed.
fn history(loaded: &Loaded, notes: &mut Vec<String>) -> Option<HistoryOverview> {
    let dir = loaded.settings.history.dir.as_ref()?;
    let record = crate::history::peek(dir).unwrap_or_else(|error| {
        notes.push(error.to_string());
        None
    })?;
    let (learned, catalogue) = (record.learned(), &loaded.tables.gpus.catalogue);
    let rows = catalogue.profiles().iter().zip(learned.by_model(catalogue));
    let seen = rows.filter(|(_, figures)| {
        let FiguresOf { bare, context, slope } = figures;
        bare.samples.max(context.samples).max(slope.samples) > 0
    });
    Some(HistoryOverview {
        models: seen
            .map(|(profile, figures)| (profile.model.to_string(), figures))
            .collect(),
        nodes: learned.nodes(),
        owners: learned.owners(),
        runners: learned.runners(),
        zones: record.zones(),
    })
}

/// A kind of power domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainOverview {
    /// Its name.
    pub name: String,
    /// The node label whose values are the domains; without one each node is a domain.
    pub label: Option<String>,
    /// The cap of each, where it has none of its own.
    pub gpu_watts: Option<Watts>,
    /// Caps of single domains.
    pub values: BTreeMap<String, Watts>,
    /// Shares of a cap that pods below a priority may fill: priority and share.
    pub shares: Vec<(i32, f64)>,
}

fn domains(loaded: &Loaded) -> Vec<DomainOverview> {
    let rules = loaded.settings.power.domains.iter().map(|rule| DomainOverview {
        name: rule.name.to_string(),
        label: rule.label.as_deref().map(str::to_owned),
        gpu_watts: rule.gpu_watts,
        values: rule
            .values
            .iter()
            .map(|(value, cap)| (value.to_string(), *cap))
            .collect(),
        shares: rule
            .shares
            .iter()
            .map(|share| (share.below_priority, share.share.get()))
            .collect(),
    });
    rules.collect()
}

/// What a provider can give when all is well; nothing where its figures are of another kind than the one ranked. Whether a
/// file holds a forecast is seen when it is read; it is counted as if.
fn rungs_of(source: &SourceSettings, ranked: IntensityKind) -> &'static [Rung] {
    if source.kind().is_some_and(|kind| kind != ranked) {
        return &[];
    }
    match source {
        SourceSettings::Gb { .. } | SourceSettings::File { .. } => {
            &[Rung::Live, Rung::LastKnown, Rung::Forecast, Rung::Climatology]
        }
        SourceSettings::Prometheus { .. } => &[Rung::Live, Rung::LastKnown, Rung::Climatology],
        SourceSettings::ElectricityMaps(_) => &[Rung::Live, Rung::LastKnown, Rung::Forecast, Rung::Climatology],
        SourceSettings::WattTime(settings) => match settings.signal {
            Signal::Marginal => &[Rung::Live, Rung::LastKnown, Rung::Forecast, Rung::Climatology],
            // Up to three days late, and without a forecast.
            Signal::Average => &[Rung::Climatology],
        },
        SourceSettings::Static => &[Rung::Static],
    }
}

impl Overview {
    /// Looks settings over.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        let carbon = &loaded.settings.carbon;
        let kind = carbon.kind;
        let tables = &loaded.tables;
        let zones = carbon
            .zones
            .iter()
            .map(|(zone, chain)| zone_overview(zone, chain, carbon, loaded));
        let zones: Vec<ZoneOverview> = zones.collect();
        let mut regions = BTreeMap::new();
        for (provider, _, _) in tables.regions.table.rows() {
            *regions.entry(provider.to_owned()).or_insert(0) += 1;
        }
        let with_average = tables
            .zones
            .rows()
            .filter(|(zone, _)| tables.zones.yearly(zone, kind).is_some());
        let yearly_averages = (with_average.count(), tables.zones.rows().count());
        let mut notes = notes(&zones, kind, loaded);
        let history = history(loaded, &mut notes);
        Self {
            kind,
            notes,
            zones,
            yearly_averages,
            regions,
            uncertain_regions: tables.regions.uncertain.clone(),
            gpus: gpus(loaded),
            history,
            domains: domains(loaded),
            reload: RELOAD,
        }
    }
}

fn zone_overview(zone: &ZoneId, chain: &[String], carbon: &CarbonSettings, loaded: &Loaded) -> ZoneOverview {
    let yearly = loaded
        .tables
        .zones
        .yearly(zone, carbon.kind)
        .map(|average| average.intensity);
    let mut rungs = BTreeSet::new();
    let mut providers = Vec::new();
    for name in chain {
        let Some(provider) = carbon.providers.iter().find(|provider| provider.name == *name) else {
            continue;
        };
        providers.push(format!("{name} ({})", provider.source.type_name()));
        rungs.extend(
            rungs_of(&provider.source, carbon.kind)
                .iter()
                .filter(|rung| **rung != Rung::Static || yearly.is_some()),
        );
    }
    ZoneOverview {
        name: loaded.tables.zones.get(zone).map(|row| row.name.clone()),
        zone: zone.clone(),
        providers,
        rungs: rungs.into_iter().collect(),
        yearly,
    }
}

fn gpus(loaded: &Loaded) -> Vec<GpuOverview> {
    let gpus = &loaded.tables.gpus;
    let rows = gpus.catalogue.profiles().iter().map(|profile| GpuOverview {
        model: profile.model.to_string(),
        bare: profile.bare,
        context: profile.context,
        max: profile.max,
        rated_throughput: profile.rated_throughput,
        measured_throughput: profile.measured_throughput,
        sources: gpus.figures(&profile.model).cloned(),
    });
    rows.collect()
}

fn notes(zones: &[ZoneOverview], kind: IntensityKind, loaded: &Loaded) -> Vec<String> {
    let mut notes = Vec::new();
    if zones.is_empty() {
        notes.push(
            "no zone has a provider, so nothing can be ranked by carbon: name some under carbon.zones".to_owned(),
        );
    }
    for provider in &loaded.settings.carbon.providers {
        if let Some(given) = provider.source.kind().filter(|given| *given != kind) {
            notes.push(format!(
                "provider {} gives {given} intensity, but {kind} is ranked: nothing that it says is used",
                provider.name
            ));
        }
    }
    for zone in zones.iter().filter(|zone| zone.rungs.is_empty()) {
        notes.push(format!(
            "zone {} can reach no rung: its chain gives no {kind} intensity",
            zone.zone
        ));
    }
    notes.extend(keys(loaded));
    for at in loaded.settings.in_the_clear() {
        notes.push(format!("{at} is shown without tls: whoever is on the way can read it"));
    }
    if kind.signal == Signal::Marginal {
        notes.push(
            "carbon.placementSignal is marginal: pods go where one more kilowatt-hour is modelled to cost least, which no \
             meter shows; there are no yearly averages of it, and emissions are accounted for by the average in any case"
                .to_owned(),
        );
    }
    let rules = &loaded.settings.placement.namespaces.default;
    let known =
        |zone: &&ZoneId| loaded.tables.zones.get(zone).is_none() && zones.iter().all(|row| row.zone != **zone);
    for zone in rules
        .allow_zones
        .iter()
        .flatten()
        .chain(&rules.deny_zones)
        .filter(known)
    {
        notes.push(format!(
            "placement names zone {zone}, which no table and no chain has: is it misspelled?"
        ));
    }
    notes
}

/// Key files that hold no key. What they hold is not told.
fn keys(loaded: &Loaded) -> Vec<String> {
    let providers = loaded.settings.carbon.providers.iter();
    let files = providers.flat_map(|provider| {
        let files = provider.source.key_files().into_iter();
        files.map(move |file| (provider.name.as_str(), file))
    });
    let wrong = files.filter_map(|(name, file)| {
        let error = Secret::read(file).err()?;
        Some(format!("provider {name} has no key here: {error}"))
    });
    let accesses = loaded.settings.accesses();
    let unusable = accesses.flat_map(|(_, access)| access.wrong_files());
    wrong.chain(unusable.map(|error| error.to_string())).collect()
}
