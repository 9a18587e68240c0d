//! One of `power.sources`.

use super::origin::{Origin, RawOrigin, RawPods, RawTarget};
use crate::outbound::RawAccess;
use crate::power::busy::Scale;
use crate::power::preset::{self, Measures, PRESETS, Preset};
use crate::power::unit::Unit;
use crate::settings::Problems;
use heliotrope_core::snapshot::HostScope;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A source, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawSource {
    name: Option<String>,
    r#type: Option<String>,
    preset: Option<String>,
    metric: Option<String>,
    unit: Option<String>,
    measures: Option<String>,
    r#match: Option<BTreeMap<String, String>>,
    board_label: Option<String>,
    node_label: Option<String>,
    nodes: Option<BTreeMap<String, String>>,
    url: Option<String>,
    access: Option<RawAccess>,
    rate_window: Option<String>,
    targets: Option<Vec<RawTarget>>,
    pods: Option<RawPods>,
}

/// Series with power in them, and where they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSource {
    /// Its name in reports.
    pub name: String,
    /// Who is asked.
    pub origin: Origin,
    /// Metrics with their units; of one board or host the first that has it counts.
    pub metrics: Vec<(String, Unit)>,
    /// What they measure.
    pub measures: Measures,
    /// Sources of one family name a board alike, so that the same board is known for one.
    pub family: String,
    /// Label values that a series must have.
    pub only: Vec<(String, String)>,
    /// Labels that a series must not have, or with this value alone.
    pub never: Vec<(String, String)>,
    /// Metrics with how busy a board is; the first that tells of the moment counts.
    pub utilisation: Vec<(String, Scale)>,
    /// Labels that a series of a part of a board has, or with another value than this.
    pub slices: Vec<(String, String)>,
    /// Labels with the name and the namespace of the pod that holds a board.
    pub holders: Vec<(String, String)>,
    /// Labels that may identify a board, in the order they are looked at.
    pub board_labels: Vec<String>,
    /// Labels that tell parts of one host apart.
    pub parts: Vec<String>,
    /// Labels that may hold the model.
    pub model_labels: Vec<String>,
    /// Labels that may hold the node name, in the order they are looked at.
    pub node_labels: Vec<String>,
    /// Node by what such a label says, where that is neither the name of the node nor its name with or without a
    /// domain.
    pub nodes: BTreeMap<String, String>,
}

/// What DCGM and Kepler call a board: NVIDIA's UUID.
const NVIDIA_UUID: [&str; 2] = ["dcgm", "kepler-gpu"];

/// Checks all sources.
pub(super) fn all(raw: Vec<RawSource>, problems: &mut Problems) -> Vec<PowerSource> {
    let mut names = BTreeSet::new();
    let checked = raw.into_iter().enumerate().filter_map(|(i, raw)| {
        problems.within(format_args!("[{i}]"), |problems| {
            let source = raw.validate(problems)?;
            if !names.insert(source.name.clone()) {
                problems.report(
                    "name",
                    format_args!("`{}` is the name of another source too", source.name),
                );
            }
            Some(source)
        })
    });
    checked.collect()
}

impl RawSource {
    pub(super) fn locate(&mut self, folder: &Path) {
        if let Some(access) = &mut self.access {
            access.locate(folder);
        }
    }

    fn validate(self, problems: &mut Problems) -> Option<PowerSource> {
        let (preset, is_free) = self.preset(problems);
        let measures = measures(self.measures.as_deref(), preset, problems);
        if is_free {
            self.says_all(measures, problems);
        }
        let metrics = self.metrics(preset, problems);
        let origin = RawOrigin {
            url: self.url,
            access: self.access,
            rate_window: self.rate_window,
            targets: self.targets,
            pods: self.pods,
        };
        let origin = origin.validate(self.r#type.as_deref(), problems);
        let nodes = self.nodes.unwrap_or_default();
        problems.within("nodes", |problems| {
            for (host, _) in nodes.iter().filter(|(_, node)| node.is_empty()) {
                problems.report(host, "is missing its node");
            }
        });
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let mut only = pairs(preset.only);
        only.extend(self.r#match.unwrap_or_default());
        let own = |label: Option<String>, labels: &[&str]| match label {
            Some(label) => vec![label],
            None => labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        let name = self.name.unwrap_or_else(|| {
            if is_free {
                "power".to_owned()
            } else {
                preset.name.to_owned()
            }
        });
        Some(PowerSource {
            family: match preset.name {
                "" => name.clone(),
                nvidia if NVIDIA_UUID.contains(&nvidia) => "nvidia".to_owned(),
                other => other.to_owned(),
            },
            name,
            origin: origin?,
            metrics,
            measures,
            only,
            never: pairs(preset.never),
            utilisation: preset
                .utilisation
                .iter()
                .map(|(name, scale)| ((*name).to_owned(), *scale))
                .collect(),
            slices: pairs(preset.slices),
            holders: pairs(preset.holders),
            board_labels: own(self.board_label, preset.boards),
            parts: own(None, preset.parts),
            model_labels: own(None, preset.models),
            node_labels: own(self.node_label, preset.nodes),
            nodes,
        })
    }

    /// The preset, and whether there is none. Before there were others, a source without a preset was DCGM's.
    fn preset(&self, problems: &mut Problems) -> (&'static Preset, bool) {
        let asked = self.preset.as_deref();
        if asked.is_none() && (self.unit.is_some() || self.measures.is_some()) {
            return (&preset::FREE, true);
        }
        let known = preset::find(asked.unwrap_or("dcgm"));
        if known.is_none() {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            problems.report("preset", format_args!("must be one of {}", names.join(", ")));
        }
        (known.unwrap_or(&preset::FREE), false)
    }

    fn says_all(&self, measures: Measures, problems: &mut Problems) {
        let asked = [
            ("metric", self.metric.is_none()),
            ("unit", self.unit.is_none()),
            ("measures", self.measures.is_none()),
            ("boardLabel", measures == Measures::Boards && self.board_label.is_none()),
        ];
        for (key, _) in asked.iter().filter(|(_, missing)| *missing) {
            problems.report(key, "is missing: a source without a preset says what it is");
        }
    }

    fn metrics(&self, preset: &Preset, problems: &mut Problems) -> Vec<(String, Unit)> {
        let usual = preset.metrics.first().map_or(Unit::WATTS, |(_, unit)| *unit);
        let unit = problems.read("unit", self.unit.as_deref(), usual);
        let own = |(name, own): &(&str, Unit)| ((*name).to_owned(), if self.unit.is_some() { unit } else { *own });
        let metrics: Vec<(String, Unit)> = match &self.metric {
            Some(metric) => vec![(metric.clone(), unit)],
            None => preset.metrics.iter().map(own).collect(),
        };
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':');
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(legal);
        if !metrics.iter().all(|(metric, _)| is_name(metric)) {
            problems.report("metric", "is not the name of a metric");
        }
        metrics
    }
}

fn measures(text: Option<&str>, preset: &Preset, problems: &mut Problems) -> Measures {
    match text {
        None => preset.measures,
        Some("boards") => Measures::Boards,
        Some("machine") => Measures::Host(HostScope::Machine),
        Some("packages") => Measures::Host(HostScope::Packages),
        Some(_) => {
            problems.report("measures", "must be one of boards, machine, packages");
            preset.measures
        }
    }
}
