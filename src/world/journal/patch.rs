//! What changed between two JSON values, after RFC 7386: an object of what is new, `null` for what is gone.
//!
//! A `null` cannot be told from a key that is not there. Serde reads both as `None`, and nothing else writes `null` here.

use serde_json::Value;

/// What makes `new` out of `old`; `None` where nothing has to be done.
pub(super) fn between(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let changed = after.iter().filter_map(|(key, value)| {
        let patch = match before.get(key) {
            Some(held) => between(held, value)?,
            None if value.is_null() => return None,
            None => value.clone(),
        };
        Some((key.clone(), patch))
    });
    let gone = before
        .iter()
        .filter(|(key, value)| !value.is_null() && !after.contains_key(*key));
    let gone = gone.map(|(key, _)| (key.clone(), Value::Null));
    let patch: serde_json::Map<String, Value> = changed.chain(gone).collect();
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// Makes a value new.
pub(super) fn apply(target: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(held) = target else { return };
    for (key, change) in changes {
        if change.is_null() {
            held.remove(&key);
        } else {
            apply(held.entry(key).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn only_what_changed_is_told() {
        let old = json!({"power": {"watts": 1.5, "rung": "fresh"}, "free": [1, 2], "zone": 3});
        let new = json!({"power": {"watts": 2.5, "rung": "fresh"}, "free": [1, 2], "zone": null});
        let patch = between(&old, &new).unwrap();
        assert_eq!(patch, json!({"power": {"watts": 2.5}, "zone": null}));
        assert_eq!(between(&new, &new), None);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0_u8..3).prop_map(Value::from),
            "[ab]".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_told_makes_the_new_out_of_the_old(old in values(), new in values()) {
            let mut held = old.clone();
            if let Some(patch) = between(&old, &new) {
                apply(&mut held, patch);
            }
            prop_assert_eq!(held, new);
        }
    }
}
