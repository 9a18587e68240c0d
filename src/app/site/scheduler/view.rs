use crate::app::yaml::Document;

/// A place in a document, whether there is something or not.
pub(super) struct View<'d> {
    document: &'d Document,
    pub(super) path: String,
}

impl<'d> View<'d> {
    pub(super) fn root(document: &'d Document) -> Self {
        Self {
            document,
            path: String::new(),
        }
    }

    /// What stands under a key.
    pub(super) fn key(&self, key: &str) -> Self {
        Self {
            document: self.document,
            path: if self.path.is_empty() {
                key.to_owned()
            } else {
                format!("{}.{key}", self.path)
            },
        }
    }

    /// Whether the key is there.
    pub(super) fn exists(&self) -> bool {
        self.document.has(&self.path)
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Vec<Self> {
        let mut items = Vec::new();
        loop {
            let next = Self {
                document: self.document,
                path: format!("{}[{}]", self.path, items.len()),
            };
            if !next.exists() {
                return items;
            }
            items.push(next);
        }
    }

    /// The scalar as written; empty counts as absent, as it does for kube-scheduler.
    pub(super) fn text(&self) -> Option<&'d str> {
        self.document.scalar(&self.path).filter(|text| !text.is_empty())
    }

    /// A truth value; absent or unreadable is the default, false.
    pub(super) fn is_true(&self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// A whole number.
    pub(super) fn number(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }
}
