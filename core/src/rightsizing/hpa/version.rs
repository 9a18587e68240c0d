use serde::{Deserialize, Serialize};

/// Whose numbers are reproduced. Read in the controller's source at v1.32.13, v1.33.13 and v1.37.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HpaVersion {
    /// Up to 1.32: tolerance as a distance from 1, the same in both directions.
    #[serde(rename = "1.32")]
    UpTo132,
    /// 1.33 to 1.36: tolerance as a range.
    #[serde(rename = "1.33")]
    From133,
    /// From 1.37: tolerances of the behavior count, and a target scaled to zero comes back.
    #[serde(rename = "1.37")]
    From137,
}

impl HpaVersion {
    /// The behaviour of a server, by its minor version.
    #[must_use]
    pub fn of_minor(minor: u32) -> Self {
        match minor {
            ..=32 => Self::UpTo132,
            33..=36 => Self::From133,
            _ => Self::From137,
        }
    }

    /// Whether a target that the autoscaler itself scaled to zero is scaled up again by an object or external metric
    /// (`HPAScaleToZero`, on by default since 1.37). Before, with that gate off, zero replicas mean that scaling is
    /// switched off, unless `minReplicas` is zero.
    #[must_use]
    pub(super) fn remembers_scaling_to_zero(self) -> bool {
        self >= Self::From137
    }

    /// Whether `behavior.*.tolerance` counts (`HPAConfigurableTolerance`: stable in 1.37, off by default before 1.35, and
    /// the versions between are told apart by nobody who asks only for the minor version's defaults).
    #[must_use]
    pub(super) fn reads_tolerances(self) -> bool {
        self >= Self::From137
    }
}

#[cfg(test)]
mod tests {
    use super::HpaVersion::{self, From133, From137, UpTo132};

    #[test]
    fn minors_find_their_behaviour() {
        let found = [30, 32, 33, 36, 37, 40].map(HpaVersion::of_minor);
        assert_eq!(found, [UpTo132, UpTo132, From133, From133, From137, From137]);
    }
}
