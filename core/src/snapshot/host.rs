//! Which node an exporter means.

use std::collections::HashMap;
use std::sync::Arc;

/// Names of nodes by their first label: `gpu-7` of `gpu-7.example.com`. None where two nodes share it.
#[derive(Debug, Default)]
pub(super) struct ShortNames<'n> {
    nodes: HashMap<&'n str, Option<&'n Arc<str>>>,
}

impl<'n> ShortNames<'n> {
    pub(super) fn of(names: impl Iterator<Item = &'n Arc<str>>) -> Self {
        let mut nodes = HashMap::new();
        for name in names {
            let Some(short) = short(name) else { continue };
            nodes.entry(short).and_modify(|held| *held = None).or_insert(Some(name));
        }
        Self { nodes }
    }

    /// The node that a host's name means when only one of the two has a domain. Two different domains are two hosts.
    pub(super) fn node(&self, host: &str) -> Option<&'n Arc<str>> {
        let node = (*self.nodes.get(short(host)?)?)?;
        (host.contains('.') != node.contains('.')).then_some(node)
    }
}

/// The part before the first dot; an address, of digits and colons, has none.
fn short(name: &str) -> Option<&str> {
    let is_address = name.contains(':') || name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.split('.').next().filter(|short| !short.is_empty() && !is_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(nodes: &[&str], host: &str) -> Option<String> {
        let nodes: Vec<Arc<str>> = nodes.iter().map(|name| Arc::from(*name)).collect();
        ShortNames::of(nodes.iter()).node(host).map(ToString::to_string)
    }

    #[test]
    fn a_domain_may_be_missing_on_either_side_and_is_never_exchanged() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(node(&["gpu-7"], "gpu-7.example.com"), some("gpu-7"));
        assert_eq!(node(&["gpu-7.example.com"], "gpu-7"), some("gpu-7.example.com"));
        assert_eq!(node(&["gpu-7.example.com"], "gpu-7.example.org"), None);
        assert_eq!(node(&["gpu-7.a", "gpu-7.b"], "gpu-7"), None, "either could be meant");
        assert_eq!(node(&["gpu-7"], "gpu-70.example.com"), None);
        assert_eq!(node(&["10"], "10.0.0.7"), None, "an address has no short name");
        assert_eq!(
            node(&["gpu-7"], "gpu-7.example.com:9400"),
            None,
            "nor has one with a port"
        );
        assert_eq!(node(&[""], ".example.com"), None);
    }
}
