use super::report::Row;
use super::sums::{Sums, Unpriced};
use crate::quantity::{Ratio, Rung};
use serde::{Deserialize, Serialize};

/// Fewer priced placements than this are an anecdote.
const FEW: u64 = 30;

/// What a report comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// No GPU pod was bound.
    NoPlacements,
    /// The scheduler asked about none of them.
    NotAsked,
    /// Nothing was known of any bound node's cost.
    NotPriced,
    /// There was one grid zone to choose from, every time.
    OneZone,
    /// No more than the band.
    Little,
    /// More than the band.
    AtStake,
}

/// What a report comes to, in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// For programs.
    pub kind: VerdictKind,
    /// For people.
    pub text: String,
}

impl Verdict {
    pub(super) fn of(total: &Row, band: Ratio) -> Self {
        let sums = &total.all;
        let kind = kind(sums, band);
        let text = match kind {
            VerdictKind::NoPlacements => "No GPU pod was bound in this period: nothing can be said.".to_owned(),
            VerdictKind::NotAsked => not_asked(sums),
            VerdictKind::NotPriced => not_priced(sums),
            VerdictKind::OneZone => one_zone(sums) + &after(total),
            VerdictKind::Little => {
                format!(
                    "Little is at stake, no more than the band of {}: {}{}",
                    percent(band.get()),
                    at_stake(sums),
                    after(total)
                )
            }
            VerdictKind::AtStake => at_stake(sums) + &after(total),
        };
        Self { kind, text }
    }
}

fn kind(sums: &Sums, band: Ratio) -> VerdictKind {
    if sums.placements == 0 {
        VerdictKind::NoPlacements
    } else if sums.weighed == 0 {
        VerdictKind::NotAsked
    } else if sums.priced == 0 {
        VerdictKind::NotPriced
    } else if sums.with_zones == 0 {
        VerdictKind::OneZone
    } else if sums.at_stake().grams <= band.get() * sums.bound.grams {
        VerdictKind::Little
    } else {
        VerdictKind::AtStake
    }
}

fn not_asked(sums: &Sums) -> String {
    let count = |why| sums.unpriced.get(&why).copied().unwrap_or(0);
    format!(
        "None of {} GPU pods was weighed: the scheduler did not ask about {}, and {} are exempt by the settings. Nothing \
         can be said of what was at stake.",
        sums.placements,
        count(Unpriced::Bypassed),
        count(Unpriced::Exempt)
    )
}

fn not_priced(sums: &Sums) -> String {
    let why: Vec<String> = sums
        .unpriced
        .iter()
        .map(|(why, count)| format!("{count} {}", why.name()))
        .collect();
    format!(
        "None of {} placements could be priced ({}): without zone, GPU model and intensity of the nodes nothing can be \
         said of what was at stake.",
        sums.placements,
        why.join(", ")
    )
}

fn one_zone(sums: &Sums) -> String {
    format!(
        "Nothing is at stake between grids: each of the {} decisions had nodes of one zone only. Between the nodes of that \
         zone lie {} of {} ({}): waking, PUE and boards.",
        sums.weighed,
        mass(sums.at_stake().grams),
        mass(sums.bound.grams),
        share(sums.at_stake().grams, sums.bound.grams)
    )
}

fn at_stake(sums: &Sums) -> String {
    format!(
        "{} of {} are at stake ({}), and {:.3} of {:.3} kWh: what the bound nodes cost more than the cheapest acceptable node \
         of each decision, modelled over the stated run times. {} of the decisions had more than one zone to choose from, {} \
         costs that differ by more than the band.",
        mass(sums.at_stake().grams),
        mass(sums.bound.grams),
        share(sums.at_stake().grams, sums.bound.grams),
        sums.at_stake().kwh,
        sums.bound.kwh,
        share(sums.with_zones as f64, sums.weighed as f64),
        share(sums.with_spread as f64, sums.weighed as f64)
    )
}

/// What was done by mode, what it stands on, and what to be careful with.
fn after(total: &Row) -> String {
    let sums = &total.all;
    let mut said: Vec<String> = Vec::new();
    for (mode, sums) in total.modes.0.iter().filter(|(_, sums)| sums.priced > 0) {
        let (bound, mean) = (mass(sums.bound.grams), mass(sums.mean.grams));
        said.push(match mode.as_ref() {
            "shadow" => format!(
                " In shadow the scheduler's own choices cost {bound}, a node drawn by lot {mean}, the cheapest {}.",
                mass(sums.cheapest.grams)
            ),
            mode => format!(
                " In {mode} the bound nodes cost {bound}, {} less than the mean candidate's {mean}: a model's \
                 counterfactual.",
                mass(sums.under_mean().grams)
            ),
        });
    }
    let trusted = [Rung::Live, Rung::LastKnown]
        .iter()
        .filter_map(|rung| sums.rungs.get(rung));
    let trusted: f64 = trusted.map(|part| part.bound_grams).sum();
    said.push(format!(
        " {} of the grams stand on live or last known intensity, {} on values that were estimated.",
        share(trusted, sums.bound.grams),
        share(sums.estimated.bound_grams, sums.bound.grams)
    ));
    let left_out = sums.placements - sums.priced;
    if left_out > 0 {
        said.push(format!(
            " {left_out} of {} placements could not be priced.",
            sums.placements
        ));
    }
    if sums.priced < FEW {
        said.push(format!(" {} placements are too few to go by.", sums.priced));
    }
    said.concat()
}

fn share(part: f64, whole: f64) -> String {
    percent(if whole > 0.0 { part / whole } else { 0.0 })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Grams as people say them.
fn mass(grams: f64) -> String {
    match grams.abs() {
        small if small < 1000.0 => format!("{grams:.1} g CO2e"),
        middle if middle < 1e6 => format!("{:.2} kg CO2e", grams / 1e3),
        _ => format!("{:.2} t CO2e", grams / 1e6),
    }
}
