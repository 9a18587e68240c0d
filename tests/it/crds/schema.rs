use super::{full, spec};
use heliotrope::crds::{MemoryStatus, definitions};
use heliotrope_core::rightsizing::hpa::{Memory, ScaleEvent};
use heliotrope_core::rightsizing::plan::{CarbonMemory, PlanMemory};
use heliotrope_core::rightsizing::serving::TABLE;
use jiff::Timestamp;
use serde_json::Value;

fn schema() -> Value {
    let definition = serde_json::to_value(&definitions().unwrap()[0]).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"].clone()
}

#[test]
fn amounts_may_be_numbers_and_policies_are_numbers_only() {
    let spec = &schema()["spec"]["properties"];
    let target = &spec["metrics"]["items"]["properties"]["pods"]["properties"]["target"]["properties"];
    assert_eq!(target["averageValue"]["x-kubernetes-int-or-string"], true, "{target}");
    assert_eq!(target["averageValue"].get("type"), None);
    assert_eq!(target["averageUtilization"]["type"], "integer");
    let down = &spec["behavior"]["properties"]["scaleDown"]["properties"];
    assert_eq!(
        down["policies"]["items"]["properties"]["value"]["type"], "integer",
        "{down}"
    );
    assert_eq!(down["tolerance"]["x-kubernetes-int-or-string"], true);
}

/// The schema's lists of names are written by hand beside core's.
#[test]
fn the_schema_names_what_core_names() {
    let preset = &schema()["spec"]["properties"]["sources"]["items"]["properties"]["preset"]["properties"];
    let names = |key: &str| preset[key]["enum"].as_array().unwrap().clone();
    let (servers, measures) = (names("server"), names("measure"));
    for row in TABLE {
        assert!(servers.contains(&serde_json::to_value(row.server).unwrap()), "{row:?}");
        assert!(
            measures.contains(&serde_json::to_value(row.measure).unwrap()),
            "{row:?}"
        );
    }
}

#[test]
fn what_is_written_is_what_is_read() {
    let read = spec(full());
    let again = spec(serde_json::to_value(&read).unwrap());
    assert_eq!(again, read);
    assert_eq!(again.wanted(), read.wanted());
}

#[test]
fn g7_a_status_keeps_all_of_the_memory() {
    let at = Timestamp::UNIX_EPOCH;
    let memory = PlanMemory {
        hpa: Memory {
            recommendations: vec![(at, 3), (at, 7)],
            events: vec![ScaleEvent { at, change: -2 }],
            scaled_to_zero: true,
        },
        stepped: Some(at),
        carbon: CarbonMemory {
            dirty: true,
            yielded: Some(at),
        },
    };
    let status = serde_json::to_value(MemoryStatus::from(&memory)).unwrap();
    let read: MemoryStatus = serde_json::from_value(status).unwrap();
    assert_eq!(PlanMemory::from(&read), memory);
}

/// The file that users apply is made by a command and committed.
#[test]
fn the_committed_definitions_are_those_of_this_build() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let committed = std::fs::read_to_string(format!("{folder}/deploy/kustomize/crds/definitions.yaml")).unwrap();
    let committed: Vec<Value> = serde_saphyr::from_multiple(&committed).unwrap();
    let made = serde_json::to_value(definitions().unwrap()).unwrap();
    assert_eq!(
        Value::Array(committed),
        made,
        "make it again: heliotrope crds > deploy/kustomize/crds/definitions.yaml"
    );
}
