use super::*;
use heliotrope_core::gpu::FigureOrigin;
use heliotrope_core::grid::{Basis, IntensityKind, Region, Signal, ZoneId};
use std::collections::BTreeSet;

fn zone(name: &str) -> ZoneId {
    name.parse().unwrap()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn the_tables_that_are_compiled_in_are_whole() {
    let tables = Tables::builtin().unwrap();
    assert!(tables.zones.rows().count() > 50);
    assert!(tables.regions.table.rows().count() > 120);
    assert!(tables.gpus.catalogue.profiles().len() > 20);
    let zones: BTreeSet<&ZoneId> = tables.zones.rows().map(|(zone, _)| zone).collect();
    for (provider, region, zone) in tables.regions.table.rows() {
        assert!(
            zones.contains(zone),
            "{provider} {region} lies in {zone}, which has no row"
        );
    }
    let used: BTreeSet<&ZoneId> = tables.regions.table.rows().map(|(_, _, zone)| zone).collect();
    assert_eq!(zones, used, "every zone is there for a region");
}

#[test]
fn lifecycle_is_never_below_direct() {
    let tables = Tables::builtin().unwrap();
    for (zone, row) in tables.zones.rows() {
        if let (Some(lifecycle), Some(direct)) = (&row.lifecycle, &row.direct) {
            assert!(lifecycle.intensity > direct.intensity, "{zone} mixes up its two bases");
        }
    }
}

#[test]
fn figures_are_those_of_their_sources() {
    let tables = Tables::builtin().unwrap();
    let kind = |basis| IntensityKind {
        signal: Signal::Average,
        basis,
    };
    let yearly = |name: &str, basis| {
        let average = tables.zones.yearly(&zone(name), kind(basis))?;
        Some((
            average.intensity.get(),
            average.year,
            average.source.as_str().to_owned(),
        ))
    };
    assert_eq!(yearly("FR", Basis::Direct), Some((15.83, 2025, "google".into())));
    assert_eq!(yearly("DE", Basis::Lifecycle), Some((380.95, 2023, "ember".into())));
    assert_eq!(
        yearly("US-CAL-CISO", Basis::Lifecycle),
        None,
        "nobody publishes it openly"
    );
    assert_eq!(
        yearly("CL-SEN", Basis::Direct),
        None,
        "the published figure is not direct"
    );
}

#[test]
fn where_published_tables_disagree_the_row_says_so() {
    let tables = Tables::builtin().unwrap();
    let table = &tables.regions.table;
    assert_eq!(table.zone(Some("azure"), &region("westus2")), Some(&zone("US-NW-BPAT")));
    assert_eq!(table.zone(Some("aws"), &region("us-west-2")), Some(&zone("US-NW-PACW")));
    assert_eq!(table.zone(Some("gce"), &region("us-east1")), Some(&zone("US-CAR-SC")));
    assert_eq!(table.zone(Some("azure"), &region("northcentralus")), None);
    let uncertain: BTreeSet<&str> = tables.regions.uncertain.iter().map(|row| row.region.as_str()).collect();
    assert_eq!(
        uncertain,
        BTreeSet::from([
            "us-west-2",
            "us-gov-west-1",
            "westus2",
            "westus3",
            "us-east1",
            "us-west1"
        ])
    );
}

#[test]
fn rules_of_thumb_are_what_they_say() {
    let tables = Tables::builtin().unwrap();
    let mut ruled = 0;
    for profile in tables.gpus.catalogue.profiles() {
        let figures = tables.gpus.figures(&profile.model).unwrap();
        for (source, watts) in [(&figures.bare, profile.bare), (&figures.context, profile.context)] {
            let Some(rule) = source.strip_prefix("rule of thumb, ") else {
                continue;
            };
            let share: f64 = rule.split(' ').next().unwrap().parse().unwrap();
            assert!(
                (watts.get() - share * profile.max.get()).abs() < 1e-9,
                "{}: {source}",
                profile.model
            );
            ruled += 1;
        }
    }
    assert!(ruled > 10);
    assert!(
        (heliotrope_core::gpu::BARE_SHARE_OF_MAX - 0.11).abs() < 1e-12,
        "the core uses the same rule"
    );
}

#[test]
fn cloud_labels_find_their_board() {
    let gpus = Tables::builtin().unwrap().gpus;
    let model = |name: &str| {
        let ix = gpus.catalogue.find(name)?;
        Some(gpus.catalogue.profile(ix)?.model.clone())
    };
    for (label, board) in [
        ("nvidia-h100-80gb", "NVIDIA-H100-80GB-HBM3"),
        ("nvidia-tesla-a100", "NVIDIA-A100-SXM4-40GB"),
        ("nvidia-l4", "NVIDIA-L4"),
        ("Tesla T4", "Tesla-T4"),
        ("AMD_Instinct_MI300X_OAM", "AMD-Instinct-MI300X-OAM"),
        ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "NVIDIA-A100-SXM4-80GB"),
    ] {
        assert_eq!(model(label).as_deref(), Some(board), "{label}");
    }
    assert_eq!(model("NVIDIA-H100"), Some("NVIDIA-H100-80GB-HBM3".into()));
    assert_eq!(model("NVIDIA-RTX-4090"), None);
}

#[test]
fn an_operators_rows_are_laid_over_ours() {
    let mut tables = Tables::builtin().unwrap();
    tables
        .lay_regions("regions:\n  - {provider: aws, region: us-west-2, zone: US-NW-BPAT}\n  - {provider: on-prem, region: hall-2, zone: DE}\n")
        .unwrap();
    assert_eq!(
        tables.regions.table.zone(Some("aws"), &region("us-west-2")),
        Some(&zone("US-NW-BPAT"))
    );
    assert_eq!(tables.regions.table.zone(None, &region("hall-2")), Some(&zone("DE")));
    assert!(
        tables
            .regions
            .uncertain
            .iter()
            .all(|row| row.region.as_str() != "us-west-2"),
        "the operator is sure"
    );

    let count = tables.gpus.catalogue.profiles().len();
    let capped = "sources: {us: {name: measured in hall 2}}\nprofiles:\n  - model: nvidia h100 80gb hbm3\n    bare: {value: 66 W, source: us}\n    context: {value: 30 W, source: us}\n    max: {value: 500 W, source: us, note: capped}\n    measuredThroughput: {value: 900, source: us}\n";
    tables.lay_gpus(capped).unwrap();
    let catalogue = &tables.gpus.catalogue;
    assert_eq!(catalogue.profiles().len(), count, "the profile is replaced");
    let h100 = catalogue
        .profile(catalogue.find("NVIDIA-H100-80GB-HBM3").unwrap())
        .unwrap();
    assert!((h100.max.get() - 500.0).abs() < 1e-9);
    assert_eq!(
        tables.gpus.figures(&h100.model).unwrap().max,
        "measured in hall 2 (capped)"
    );
}

#[test]
fn a_figure_without_a_source_is_refused() {
    let mut tables = Tables::default();
    let zones = "zones:\n  - zone: DE\n    direct: {intensity: 300 g/kWh, year: 2025}\n  - zone: FR\n    direct: {intensity: 300, year: 1, source: x}\n";
    assert_eq!(
        told(&tables.lay_zones(zones).unwrap_err()),
        [
            "line 3, column 5: zones[0].direct.source: must be one of the keys under `sources`",
            "line 5, column 14: zones[1].direct.intensity: `300` is not a quantity: write a number and one of g/kWh, kg/kWh, kg/MWh, lb/MWh",
            "line 5, column 30: zones[1].direct.year: must be a year from 2000 to 2100",
            "line 5, column 39: zones[1].direct.source: must be one of the keys under `sources`",
        ]
    );
    assert_eq!(tables, Tables::default(), "nothing is taken from a refused table");
}

#[test]
fn profiles_that_cannot_be_are_refused_where_they_stand() {
    let mut tables = Tables::builtin().unwrap();
    let figure = |watts: u32| format!("{{value: {watts} W, source: us}}");
    let profile = |model: &str, max| {
        format!(
            "  - model: {model}\n    bare: {}\n    context: {}\n    max: {}\n",
            figure(10),
            figure(20),
            figure(max)
        )
    };
    let text = format!(
        "sources: {{us: {{name: us}}}}\nprofiles:\n{}{}",
        profile("A-1", 25),
        profile("H100", 700)
    );
    let findings = told(&tables.lay_gpus(&text).unwrap_err());
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(
        findings[0].starts_with("line 3, column 5: profiles[0]: gpu profile `A-1`: bare (10 W) plus context (20 W)"),
        "{findings:?}"
    );
    assert!(
        findings[1].ends_with("`NVIDIA-H100-80GB-HBM3` and `H100` both claim the name `h100`"),
        "{findings:?}"
    );
}

#[test]
fn a_figure_says_whether_it_is_the_operator_s_the_table_s_or_a_rule_of_thumb() {
    let mut tables = Tables::builtin().unwrap();
    let origins = |tables: &Tables, model: &str| {
        let catalogue = &tables.gpus.catalogue;
        catalogue.origins(catalogue.find(model).unwrap())
    };
    let ruled = tables.gpus.catalogue.profiles().iter().filter(|profile| {
        let figures = tables.gpus.figures(&profile.model).unwrap();
        let [bare, context, _] = origins(&tables, &profile.model);
        assert_eq!(
            bare == FigureOrigin::RuleOfThumb,
            figures.bare.starts_with("rule of thumb")
        );
        assert_ne!(bare, FigureOrigin::Override);
        context == FigureOrigin::RuleOfThumb
    });
    assert!(ruled.count() > 0);
    let text = "sources: {us: {name: us}}\nprofiles:\n  - model: Tesla-T4\n    bare: {value: 9 W, source: us}\n    \
                context: {value: 19 W, source: us}\n    max: {value: 60 W, source: us}\n";
    tables.lay_gpus(text).unwrap();
    assert_eq!(origins(&tables, "Tesla-T4"), [FigureOrigin::Override; 3]);
    assert_ne!(
        origins(&tables, "Tesla-V100-SXM2-16GB")[2],
        FigureOrigin::Override,
        "only what it names"
    );
}
