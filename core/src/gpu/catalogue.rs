use super::profile::{GpuProfile, ProfileError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A model's place in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelIx(pub u16);

/// Why a catalogue cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CatalogueError {
    /// One profile makes no sense.
    #[error("gpu profile `{model}`: {problem}")]
    Profile {
        /// The profile's model.
        model: String,
        /// What is wrong with it.
        problem: ProfileError,
    },
    /// Two profiles claim one name.
    #[error("gpu profiles `{first}` and `{second}` both claim the name `{name}`")]
    SameName {
        /// The name, normalised.
        name: String,
        /// The profile that has it.
        first: String,
        /// The profile that wants it too.
        second: String,
    },
    /// More models than an index can count.
    #[error("a catalogue holds at most {max} gpu profiles")]
    TooMany {
        /// The bound.
        max: usize,
    },
}

/// Who says a figure of a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FigureOrigin {
    /// The operator.
    Override,
    /// The table that comes with Heliotrope, from a source of its own.
    #[default]
    Table,
    /// The same table, by a rule of thumb.
    RuleOfThumb,
}

/// Profiles by model. Labels, exporters and people write one model in many ways, so look-ups go through
/// [`normalised_model_name`] and aliases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuCatalogue {
    profiles: Vec<GpuProfile>,
    by_name: HashMap<String, ModelIx>,
    /// Of bare, context and maximum, by model; the table where nothing is said.
    origins: HashMap<ModelIx, [FigureOrigin; 3]>,
}

impl GpuCatalogue {
    /// Builds a catalogue from profiles with their aliases.
    ///
    /// # Errors
    /// See [`CatalogueError`]; all problems are returned, not only the first.
    pub fn new(profiles: Vec<(GpuProfile, Vec<String>)>) -> Result<Self, Vec<CatalogueError>> {
        let mut catalogue = Self::default();
        let mut problems = Vec::new();
        if profiles.len() > usize::from(u16::MAX) {
            return Err(vec![CatalogueError::TooMany {
                max: usize::from(u16::MAX),
            }]);
        }
        for ((profile, aliases), ix) in profiles.into_iter().zip(0u16..) {
            if let Err(problem) = profile.check() {
                problems.push(CatalogueError::Profile {
                    model: profile.model.to_string(),
                    problem,
                });
            }
            for alias in aliases.iter().map(String::as_str).chain([profile.model.as_ref()]) {
                let name = normalised_model_name(alias);
                let claimed = catalogue
                    .by_name
                    .get(&name)
                    .and_then(|ix| catalogue.profiles.get(usize::from(ix.0)));
                if let Some(first) = claimed {
                    let first = first.model.to_string();
                    problems.push(CatalogueError::SameName {
                        name,
                        first,
                        second: profile.model.to_string(),
                    });
                } else {
                    catalogue.by_name.insert(name, ModelIx(ix));
                }
            }
            catalogue.profiles.push(profile);
        }
        if problems.is_empty() {
            Ok(catalogue)
        } else {
            Err(problems)
        }
    }

    /// The model that a label or an exporter names.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ModelIx> {
        self.by_name.get(&normalised_model_name(name)).copied()
    }

    /// Says who says bare, context and maximum of a model.
    pub fn originate(&mut self, model: &str, origins: [FigureOrigin; 3]) {
        if let Some(ix) = self.find(model) {
            self.origins.insert(ix, origins);
        }
    }

    /// Who says bare, context and maximum of a model.
    #[must_use]
    pub fn origins(&self, model: ModelIx) -> [FigureOrigin; 3] {
        self.origins.get(&model).copied().unwrap_or_default()
    }

    /// The profile of a model.
    #[must_use]
    pub fn profile(&self, model: ModelIx) -> Option<&GpuProfile> {
        self.profiles.get(usize::from(model.0))
    }

    /// Every profile, in index order.
    #[must_use]
    pub fn profiles(&self) -> &[GpuProfile] {
        &self.profiles
    }
}

/// `NVIDIA H100 80GB HBM3`, `NVIDIA-H100-80GB-HBM3` and `NVIDIA-H100-80GB-HBM3-SHARED` (the suffix of time slicing) are
/// one name; so are `Tesla T4` and `NVIDIA-Tesla-T4`. A MIG suffix (`-MIG-1g.10gb`) names the same board too.
#[must_use]
pub fn normalised_model_name(name: &str) -> String {
    let dashed: String = name
        .trim()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let mut rest = dashed.as_str();
    for prefix in ["nvidia-", "tesla-", "amd-", "instinct-", "intel-"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    if let Some((board, _)) = rest.split_once("-mig-") {
        rest = board;
    }
    rest.strip_suffix("-shared").unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Watts;

    fn profile(model: &str) -> GpuProfile {
        GpuProfile {
            model: model.into(),
            bare: Watts::saturating(10.0),
            context: Watts::saturating(20.0),
            max: Watts::saturating(100.0),
            rated_throughput: None,
            measured_throughput: None,
        }
    }

    #[test]
    fn one_model_has_many_spellings() {
        let catalogue = GpuCatalogue::new(vec![
            (profile("NVIDIA-H100-80GB-HBM3"), vec!["H100".into()]),
            (profile("Tesla-T4"), vec![]),
        ])
        .unwrap();
        for name in [
            "NVIDIA H100 80GB HBM3",
            "nvidia-h100-80gb-hbm3-SHARED",
            "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb",
            "h100",
        ] {
            assert_eq!(catalogue.find(name), Some(ModelIx(0)), "{name}");
        }
        assert_eq!(catalogue.find("NVIDIA Tesla T4"), Some(ModelIx(1)));
        assert_eq!(catalogue.find("NVIDIA H200"), None, "an unknown name stays unknown");
    }

    #[test]
    fn two_profiles_cannot_share_a_name() {
        let problems =
            GpuCatalogue::new(vec![(profile("Tesla T4"), vec![]), (profile("NVIDIA-T4"), vec![])]).unwrap_err();
        assert!(matches!(problems.as_slice(), [CatalogueError::SameName { .. }]));
    }
}
