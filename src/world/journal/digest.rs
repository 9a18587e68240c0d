use fnv::FnvHasher;
use std::collections::HashMap;
use std::hash::Hasher;

/// A hash of bytes that is the same on every machine and in every release. It finds mistakes, not forgers.
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = FnvHasher::default();
    for part in parts {
        hasher.write(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.write(part);
    }
    hasher.finish()
}

/// A hash over named parts, kept up as parts change: what all of them together are.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest {
    parts: HashMap<String, u64>,
    sum: u64,
}

impl Digest {
    /// A part is new or has changed.
    pub(super) fn put(&mut self, key: &str, written: &[u8]) {
        let new = hash(&[key.as_bytes(), written]);
        let old = self.parts.insert(key.to_owned(), new).unwrap_or(0);
        self.sum = self.sum.wrapping_sub(old).wrapping_add(new);
    }

    /// A part is gone.
    pub(super) fn remove(&mut self, key: &str) {
        self.sum = self.sum.wrapping_sub(self.parts.remove(key).unwrap_or(0));
    }

    /// The hash over all of them, in whatever order they came.
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_depends_on_what_is_there_and_not_on_how_it_came() {
        let (mut a, mut b) = (Digest::default(), Digest::default());
        a.put("x", b"1");
        a.put("y", b"2");
        for (key, written) in [("y", b"3"), ("z", b"9"), ("y", b"2"), ("x", b"1")] {
            b.put(key, written);
        }
        assert_ne!(a.sum(), b.sum());
        b.remove("z");
        assert_eq!(a.sum(), b.sum());
        b.put("x", b"2");
        assert_ne!(a.sum(), b.sum(), "a part has changed");
    }
}
