use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

/// The longest note that the API server takes.
pub(super) const MAX_NOTE: usize = 1024;
/// The longest name of a reporting instance that it takes.
const MAX_INSTANCE: usize = 128;

/// What an Event says.
pub(super) struct Told<'a> {
    /// The Event's own name: the API server has one of each.
    pub(super) name: String,
    /// The object that it is about, in whose namespace it stands.
    pub(super) about: ObjectReference,
    /// What was being done.
    pub(super) action: &'a str,
    /// Why it is told, in one word.
    pub(super) reason: &'a str,
    /// For people. What is too long is cut.
    pub(super) note: &'a str,
    /// Whether somebody should look.
    pub(super) warns: bool,
    pub(super) at: Timestamp,
}

/// A name that the API server takes for who reports; one that it would not is replaced.
pub(super) fn instance(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_graphic).take(MAX_INSTANCE).collect();
    if name.is_empty() { "heliotrope".to_owned() } else { name }
}

/// The Event, of a controller and of the process that it is told by.
pub(super) fn event((controller, instance): (&str, &str), told: Told<'_>) -> Event {
    let text = |text: &str| Some(text.to_owned());
    let end = (0..=MAX_NOTE.min(told.note.len()))
        .rev()
        .find(|end| told.note.is_char_boundary(*end));
    Event {
        metadata: ObjectMeta {
            name: Some(told.name),
            namespace: told.about.namespace.clone(),
            ..ObjectMeta::default()
        },
        action: text(told.action),
        event_time: Some(MicroTime(told.at)),
        note: told.note.get(..end.unwrap_or(0)).map(str::to_owned),
        reason: text(told.reason),
        regarding: Some(told.about),
        reporting_controller: text(controller),
        reporting_instance: text(instance),
        type_: text(if told.warns { "Warning" } else { "Normal" }),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_to_whole_letters() {
        // An odd letter first, so that the bound lies in the middle of one.
        let note = format!("a{}", "ü".repeat(2000));
        let told = Told {
            name: "a".to_owned(),
            about: ObjectReference::default(),
            action: "Binding",
            reason: "Told",
            note: &note,
            warns: false,
            at: Timestamp::UNIX_EPOCH,
        };
        let cut = event(("c", "i"), told).note.unwrap();
        assert_eq!(cut.len(), MAX_NOTE - 1);
        assert_eq!(instance(""), "heliotrope");
        assert_eq!(instance(&"h".repeat(500)).len(), MAX_INSTANCE);
    }
}
