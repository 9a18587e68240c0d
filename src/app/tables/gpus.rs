use super::zones::required;
use crate::settings::Problems;
use heliotrope_core::gpu::{CatalogueError, FigureOrigin, GpuCatalogue, GpuProfile, normalised_model_name};
use heliotrope_core::quantity::Watts;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawGpus {
    sources: BTreeMap<String, RawSource>,
    profiles: Vec<RawProfile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSource {
    name: Option<String>,
    /// For people; read so that a misspelled key is told.
    url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawProfile {
    model: Option<String>,
    aliases: Vec<String>,
    bare: Option<RawFigure<String>>,
    context: Option<RawFigure<String>>,
    max: Option<RawFigure<String>>,
    rated_throughput: Option<RawFigure<f64>>,
    measured_throughput: Option<RawFigure<f64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawFigure<T> {
    value: Option<T>,
    source: Option<String>,
    note: Option<String>,
}

/// Who says what of a model; the texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Of the idle watts.
    pub bare: String,
    /// Of the context step.
    pub context: String,
    /// Of the maximum.
    pub max: String,
    /// Of the rated throughput.
    pub rated_throughput: Option<String>,
    /// Of the measured throughput.
    pub measured_throughput: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    profile: GpuProfile,
    aliases: Vec<String>,
    figures: Figures,
}

/// GPU models with the sources of their figures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gpus {
    /// What placement reads.
    pub catalogue: Arc<GpuCatalogue>,
    rows: Vec<Row>,
}

impl Gpus {
    /// Who says what of a model, by its canonical name.
    #[must_use]
    pub fn figures(&self, model: &str) -> Option<&Figures> {
        let row = self.rows.iter().find(|row| *row.profile.model == *model);
        row.map(|row| &row.figures)
    }
}

/// How the names of sources begin that are no measurement and no data sheet.
const RULE_OF_THUMB: &str = "rule of thumb";

/// Lays the profiles of a file over those that are there.
pub(super) fn validate(raw: RawGpus, before: &Gpus, problems: &mut Problems) -> Gpus {
    problems.within("sources", |problems| {
        for (id, source) in &raw.sources {
            if source.name.is_none() {
                problems.within(id, |p| {
                    p.report("name", "is missing: say who measured or published the figures");
                });
            }
        }
    });
    let mut rows = Vec::new();
    let mut seen = BTreeMap::new();
    for (profile, ix) in raw.profiles.into_iter().zip(0usize..) {
        let row = problems.within(format_args!("profiles[{ix}]"), |p| row(profile, &raw.sources, p));
        let Some(row) = row else { continue };
        seen.insert(normalised_model_name(&row.profile.model), ix);
        rows.push(row);
    }
    let kept = before
        .rows
        .iter()
        .filter(|row| !seen.contains_key(&normalised_model_name(&row.profile.model)));
    let rows: Vec<Row> = kept.cloned().chain(rows).collect();
    let profiles = rows.iter().map(|row| (row.profile.clone(), row.aliases.clone()));
    let mut catalogue = GpuCatalogue::new(profiles.collect()).unwrap_or_else(|errors| {
        report(&errors, &seen, problems);
        GpuCatalogue::default()
    });
    // The first table is the one that comes with heliotrope; what is laid over it is the operator's.
    let is_ours = before.rows.is_empty();
    for row in &rows {
        let Figures { bare, context, max, .. } = &row.figures;
        let overridden = !is_ours && seen.contains_key(&normalised_model_name(&row.profile.model));
        let origin = |source: &String| match source {
            _ if overridden => FigureOrigin::Override,
            source if source.starts_with(RULE_OF_THUMB) => FigureOrigin::RuleOfThumb,
            _ => FigureOrigin::Table,
        };
        catalogue.originate(&row.profile.model, [origin(bare), origin(context), origin(max)]);
    }
    Gpus {
        catalogue: Arc::new(catalogue),
        rows,
    }
}

fn report(errors: &[CatalogueError], seen: &BTreeMap<String, usize>, problems: &mut Problems) {
    for error in errors {
        let model = match error {
            CatalogueError::Profile { model, .. } => Some(model),
            CatalogueError::SameName { first, second, .. } => {
                let ours = |model: &&String| seen.contains_key(&normalised_model_name(model));
                [second, first].into_iter().find(ours)
            }
            CatalogueError::TooMany { .. } => None,
        };
        let ix = model.and_then(|model| seen.get(&normalised_model_name(model)));
        match ix {
            Some(ix) => problems.within(format_args!("profiles[{ix}]"), |p| p.report("", error)),
            None => problems.report("profiles", error),
        }
    }
}

fn row(raw: RawProfile, sources: &BTreeMap<String, RawSource>, problems: &mut Problems) -> Option<Row> {
    let model = raw.model.filter(|model| !model.trim().is_empty());
    if model.is_none() {
        problems.report("model", "is missing");
    }
    let mut watts = |key, raw: Option<RawFigure<String>>| {
        let Some(raw) = raw else {
            problems.report(key, "is missing");
            return None;
        };
        problems.within(key, |problems| {
            let watts: Option<Watts> = required(problems, "value", raw.value.as_deref());
            let source = source(raw.source, raw.note, sources, problems);
            Some((watts?, source?))
        })
    };
    let (bare, context, max) = (
        watts("bare", raw.bare),
        watts("context", raw.context),
        watts("max", raw.max),
    );
    let mut throughput = |key, raw: Option<RawFigure<f64>>| {
        let raw = raw?;
        problems.within(key, |problems| {
            if raw.value.is_none() {
                problems.report("value", "is missing");
            }
            let source = source(raw.source, raw.note, sources, problems);
            Some((raw.value?, source?))
        })
    };
    let rated = throughput("ratedThroughput", raw.rated_throughput);
    let measured = throughput("measuredThroughput", raw.measured_throughput);
    let ((bare, of_bare), (context, of_context), (max, of_max)) = (bare?, context?, max?);
    Some(Row {
        profile: GpuProfile {
            model: model?.into(),
            bare,
            context,
            max,
            rated_throughput: rated.as_ref().map(|(value, _)| *value),
            measured_throughput: measured.as_ref().map(|(value, _)| *value),
        },
        aliases: raw.aliases.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
        figures: Figures {
            bare: of_bare,
            context: of_context,
            max: of_max,
            rated_throughput: rated.map(|(_, source)| source),
            measured_throughput: measured.map(|(_, source)| source),
        },
    })
}

/// The name of a source with the figure's own note.
fn source(
    id: Option<String>,
    note: Option<String>,
    sources: &BTreeMap<String, RawSource>,
    problems: &mut Problems,
) -> Option<String> {
    let Some(source) = id.and_then(|id| sources.get(&id)) else {
        problems.report("source", "must be one of the keys under `sources`");
        return None;
    };
    let name = source.name.clone().unwrap_or_default();
    Some(note.map_or_else(|| name.clone(), |note| format!("{name} ({note})")))
}
