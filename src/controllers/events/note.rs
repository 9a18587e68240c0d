use crate::controllers::event::{self, Told};
use crate::world::Strayed;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use ring::digest::{SHA256, digest};
use std::fmt::Write;

const CONTROLLER: &str = "heliotrope.dev/extender";
const REASON: &str = "NotGreenestNode";

/// One a pod: the UID makes the name, which is legal whatever the UID.
pub(super) fn name(uid: &str) -> String {
    let mut name = "heliotrope-not-greenest.".to_owned();
    for byte in digest(&SHA256, uid.as_bytes()).as_ref().iter().take(16) {
        // Writing to a text cannot fail.
        write!(name, "{byte:02x}").unwrap_or_default();
    }
    name
}

/// The two nodes and their grams, and nothing of anybody else.
fn note(strayed: &Strayed) -> String {
    let Strayed { node, preferred, .. } = strayed;
    let mut note = format!("bound to {node}; heliotrope preferred {preferred}");
    // Of two nodes the one preferred can emit more, where it strands fewer GPUs.
    if let Some((here, there)) = strayed.grams.filter(|(here, there)| here > there) {
        let more = here - there;
        write!(
            note,
            ", where it would emit {more:.1} g CO2e less ({there:.1} g against {here:.1} g, modelled)"
        )
        .unwrap_or_default();
    }
    note
}

/// The Event, told by a process.
pub(super) fn event(strayed: &Strayed, instance: &str) -> Event {
    let text = |text: &str| Some(text.to_owned());
    let told = Told {
        name: name(&strayed.uid),
        about: ObjectReference {
            api_version: text("v1"),
            kind: text("Pod"),
            namespace: text(&strayed.namespace),
            name: text(&strayed.name),
            uid: text(&strayed.uid),
            ..ObjectReference::default()
        },
        action: "Binding",
        reason: REASON,
        note: &note(strayed),
        warns: false,
        at: strayed.at,
    };
    event::event((CONTROLLER, instance), told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::event::MAX_NOTE;
    use jiff::Timestamp;
    use std::sync::Arc;

    fn strayed(node: &str, grams: Option<(f64, f64)>) -> Strayed {
        Strayed {
            namespace: Arc::from("ml"),
            name: Arc::from("a"),
            uid: Arc::from("uid-a"),
            node: Arc::from(node),
            preferred: Arc::from("gpu-1"),
            grams,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_note_has_the_nodes_and_their_grams_and_an_end() {
        assert_eq!(
            note(&strayed("gpu-2", Some((57.26, 45.0)))),
            "bound to gpu-2; heliotrope preferred gpu-1, where it would emit 12.3 g CO2e less (45.0 g against 57.3 g, modelled)"
        );
        assert!(!note(&strayed("gpu-2", Some((45.0, 45.0)))).contains("less"));
        assert_eq!(
            note(&strayed("gpu-2", None)),
            "bound to gpu-2; heliotrope preferred gpu-1"
        );
        let long = event(&strayed(&"ü".repeat(2000), None), "i").note;
        assert_eq!(long.unwrap().len(), MAX_NOTE - 1, "whole letters");
    }

    #[test]
    fn a_pod_has_one_name_of_its_own() {
        assert_eq!(name("uid-a"), name("uid-a"));
        assert_ne!(name("uid-a"), name("uid-b"));
        let strange = name("../Ü ");
        assert!(
            strange
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        );
    }
}
