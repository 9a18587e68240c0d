//! Finds every path in a source file and says where it leads.

use super::rooms::Package;
use super::tree::Source;
use syn::punctuated::Punctuated;
use syn::visit::Visit;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Into a package of this workspace, from its root: `crate::grid::ZoneId` is `["grid", "ZoneId"]`.
    Inside(Package, Vec<String>),
    /// Into std, into another crate, or to a name that is already in scope.
    Outside(Vec<String>),
}

/// A path as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) target: Target,
    /// In a `use` item or as a full path in code; a glob ends with `*`.
    pub(super) text: String,
    /// Under `#[cfg(test)]`.
    pub(super) in_test: bool,
}

/// Every path of a file, in order.
pub(super) fn paths(source: &Source) -> Vec<Found> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.name));
    let mut walk = Walk {
        package: source.package,
        module: source.module.clone(),
        tests: 0,
        found: Vec::new(),
    };
    walk.visit_file(&file);
    walk.found
}

struct Walk {
    package: Package,
    module: Vec<String>,
    tests: usize,
    found: Vec<Found>,
}

impl Walk {
    fn note(&mut self, segments: &[String]) {
        self.found.push(Found {
            target: self.resolve(segments),
            text: segments.join("::"),
            in_test: self.tests > 0,
        });
    }

    fn resolve(&self, segments: &[String]) -> Target {
        let Some((first, rest)) = segments.split_first() else {
            return Target::Outside(Vec::new());
        };
        match first.as_str() {
            "crate" | "$crate" => Target::Inside(self.package, rest.to_vec()),
            "heliotrope" => Target::Inside(Package::Root, rest.to_vec()),
            "heliotrope_core" => Target::Inside(Package::Core, rest.to_vec()),
            "self" | "super" => {
                let mut module = self.module.clone();
                let ups = segments.iter().filter(|segment| *segment == "super").count();
                module.truncate(module.len().saturating_sub(ups));
                module.extend(segments.iter().filter(|s| *s != "super" && *s != "self").cloned());
                Target::Inside(self.package, module)
            }
            _ => Target::Outside(segments.to_vec()),
        }
    }

    fn flatten(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.flatten(&path.tree, prefix);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.flatten(tree, prefix)),
            syn::UseTree::Name(name) => self.end(prefix, &name.ident.to_string()),
            syn::UseTree::Rename(rename) => self.end(prefix, &rename.ident.to_string()),
            syn::UseTree::Glob(_) => self.end(prefix, "*"),
        }
    }

    fn end(&mut self, prefix: &mut Vec<String>, last: &str) {
        // `use a::{self}` names `a`.
        if last == "self" && !prefix.is_empty() {
            self.note(&prefix.clone());
            return;
        }
        prefix.push(last.to_owned());
        self.note(&prefix.clone());
        prefix.pop();
    }

    /// Tokens that are not parsed (bodies of macros, arguments of attributes): their paths are found as text.
    fn scan(&mut self, tokens: &str) {
        let joined = tokens.replace(" :: ", "::").replace(":: ", "::").replace(" ::", "::");
        let words = joined.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        for word in words {
            let segments: Vec<String> = word.split("::").map(str::to_owned).collect();
            if segments.len() > 1 && segments.iter().all(|segment| !segment.is_empty()) {
                self.note(&segments);
            }
        }
    }
}

fn is_cfg_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list().ok();
        attribute.path().is_ident("cfg") && list.is_some_and(|list| list.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.flatten(&item.tree, &mut Vec::new());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test = usize::from(is_cfg_test(&item.attrs));
        self.tests += test;
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
        self.tests -= test;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments);
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.visit_path(&item.path);
        let parser = Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        match item.parse_body_with(parser) {
            // The tree of the arguments lives only here, so it is walked by a walk of its own.
            Ok(arguments) => {
                let mut inner = Self {
                    package: self.package,
                    module: self.module.clone(),
                    tests: self.tests,
                    found: Vec::new(),
                };
                for argument in &arguments {
                    inner.visit_expr(argument);
                }
                self.found.append(&mut inner.found);
            }
            Err(_) => self.scan(&item.tokens.to_string()),
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // `#[serde(with = "crate::…")]` is a path too; prose is not.
        if let syn::Meta::List(list) = &attribute.meta {
            self.scan(&list.tokens.to_string());
        }
    }
}
