//! What names and attributes of dynamic resource allocation say about boards.

use super::resource::{GpuUnit, GpuVendor, mig_slices};
use serde::{Deserialize, Serialize};

/// Drivers that publish GPUs, by the name in `ResourceSlice.spec.driver`.
const DRIVERS: [(&str, GpuVendor); 3] = [
    ("gpu.nvidia.com", GpuVendor::Nvidia),
    ("gpu.amd.com", GpuVendor::Amd),
    ("gpu.intel.com", GpuVendor::Intel),
];

/// Device classes that those drivers install, for where the class itself cannot be read.
const CLASSES: [(&str, GpuVendor); 5] = [
    ("gpu.nvidia.com", GpuVendor::Nvidia),
    ("mig.nvidia.com", GpuVendor::Nvidia),
    ("vfio.gpu.nvidia.com", GpuVendor::Nvidia),
    ("gpu.amd.com", GpuVendor::Amd),
    ("gpu.intel.com", GpuVendor::Intel),
];

impl GpuVendor {
    /// The vendor whose GPUs a driver publishes; `None` for drivers of other devices.
    #[must_use]
    pub fn of_driver(name: &str) -> Option<Self> {
        DRIVERS
            .iter()
            .find(|(driver, _)| *driver == name)
            .map(|(_, vendor)| *vendor)
    }

    /// The vendor of a device class that a GPU driver installs under a known name.
    #[must_use]
    pub fn of_device_class(name: &str) -> Option<Self> {
        CLASSES
            .iter()
            .find(|(class, _)| *class == name)
            .map(|(_, vendor)| *vendor)
    }
}

/// What the text of a CEL device selector tells without being evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectorHint {
    /// The driver that it names is one of GPUs.
    pub vendor: Option<GpuVendor>,
    /// It names a MIG profile or wants MIG devices: what of a board.
    pub unit: Option<GpuUnit>,
}

impl SelectorHint {
    /// Reads an expression. A driver counts where it is named in quotes and not excluded by `!=`; so does a MIG profile.
    #[must_use]
    pub fn of(expression: &str) -> Self {
        let mut hint = Self::default();
        let mut wants_mig = false;
        for (before, quoted) in quoted(expression) {
            if before.trim_end().ends_with("!=") {
                continue;
            }
            hint.vendor = hint.vendor.or_else(|| GpuVendor::of_driver(quoted));
            hint.unit = hint.unit.or_else(|| profile(quoted));
            wants_mig |= quoted == "mig";
        }
        // The profile is left open: the smallest slice, so that it is neither nothing nor a board.
        hint.unit = hint.unit.or(wants_mig.then_some(GpuUnit::Slices(1)));
        hint
    }

    /// What both say; the one that is asked wins.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            vendor: self.vendor.or(other.vendor),
            unit: self.unit.or(other.unit),
        }
    }
}

/// A quoted text that is a whole MIG profile such as `1g.10gb`: other words begin with digits and a `g` too.
fn profile(quoted: &str) -> Option<GpuUnit> {
    let memory = quoted.split_once("g.")?.1.split('+').next()?;
    memory.ends_with("gb").then(|| mig_slices(quoted)).flatten()
}

/// Every quoted text with what stands before it.
fn quoted(expression: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = expression;
    std::iter::from_fn(move || {
        let open = rest.find(['"', '\''])?;
        let (before, from) = rest.split_at_checked(open)?;
        let mark = from.chars().next()?;
        let inside = from.get(mark.len_utf8()..)?;
        let (text, after) = inside.split_once(mark)?;
        rest = after;
        Some((before, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_names_its_driver() {
        let vendor = |text| SelectorHint::of(text).vendor;
        assert_eq!(vendor("device.driver == 'gpu.nvidia.com'"), Some(GpuVendor::Nvidia));
        assert_eq!(
            vendor(r#"device.attributes["gpu.amd.com"].type == "amdgpu""#),
            Some(GpuVendor::Amd)
        );
        assert_eq!(vendor(r#"device.driver != "gpu.nvidia.com""#), None);
        assert_eq!(vendor("device.driver == 'compute-domain.nvidia.com'"), None);
        assert_eq!(vendor("device.driver == 'gpu.nvidia.com"), None, "never closed");
        assert_eq!(vendor(""), None);
    }

    #[test]
    fn a_selector_names_its_part_of_a_board() {
        let unit = |text| SelectorHint::of(text).unit;
        assert_eq!(
            unit("device.attributes['gpu.nvidia.com'].profile == '3g.40gb'"),
            Some(GpuUnit::Slices(3))
        );
        assert_eq!(
            unit("device.attributes['gpu.nvidia.com'].type == 'mig'"),
            Some(GpuUnit::Slices(1))
        );
        assert_eq!(unit("device.attributes['gpu.nvidia.com'].type != 'mig'"), None);
        assert_eq!(unit("device.driver == 'gpu.nvidia.com'"), None);
    }
}
