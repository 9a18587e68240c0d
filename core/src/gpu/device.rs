//! What names and attributes of dynamic resource allocation say about boards.

use super::resource::{GpuMilli, GpuResource, GpuVendor, WHOLE_GPU};
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

impl GpuResource {
    /// A whole board of a vendor.
    #[must_use]
    pub const fn whole(vendor: GpuVendor) -> Self {
        Self {
            vendor,
            milli_per_unit: WHOLE_GPU,
        }
    }
}

/// The share of a board that a MIG profile such as `1g.10gb` takes.
#[must_use]
pub fn mig_share(profile: &str) -> Option<GpuMilli> {
    // Profiles with media engines (`1g.10gb+me`) take the same compute slices.
    let plain = profile.split('+').next().unwrap_or(profile);
    GpuResource::parse(&format!("nvidia.com/mig-{plain}")).map(|resource| resource.milli_per_unit)
}

/// The share of a board that one partition of an AMD compute mode takes: `cpx_nps4` → an eighth.
#[must_use]
pub fn partition_share(mode: &str) -> Option<GpuMilli> {
    // AMD's compute partition modes: single, dual, triple, quad, and one for each of eight dies.
    const MODES: [(&str, u32); 5] = [("spx", 1), ("dpx", 2), ("tpx", 3), ("qpx", 4), ("cpx", 8)];
    let mode = mode.to_ascii_lowercase();
    let parts = MODES.iter().find(|(name, _)| mode.starts_with(name))?.1;
    Some(WHOLE_GPU / parts)
}

/// What the text of a CEL device selector tells without being evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectorHint {
    /// The driver that it names is one of GPUs.
    pub vendor: Option<GpuVendor>,
    /// It names a MIG profile or wants MIG devices: the share of a board.
    pub share: Option<GpuMilli>,
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
            hint.share = hint.share.or_else(|| mig_share(quoted));
            wants_mig |= quoted == "mig";
        }
        // The profile is left open: the smallest slice, so that it is neither nothing nor a board.
        hint.share = hint.share.or_else(|| wants_mig.then(|| mig_share("1g.5gb")).flatten());
        hint
    }

    /// What both say; the one that is asked wins.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            vendor: self.vendor.or(other.vendor),
            share: self.share.or(other.share),
        }
    }
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
    fn a_selector_names_its_share() {
        let share = |text| SelectorHint::of(text).share;
        assert_eq!(
            share("device.attributes['gpu.nvidia.com'].profile == '3g.40gb'"),
            Some(428)
        );
        assert_eq!(share("device.attributes['gpu.nvidia.com'].type == 'mig'"), Some(142));
        assert_eq!(share("device.attributes['gpu.nvidia.com'].type != 'mig'"), None);
        assert_eq!(share("device.driver == 'gpu.nvidia.com'"), None);
    }

    #[test]
    fn partitions_are_shares_of_a_board() {
        assert_eq!(mig_share("1g.10gb+me"), Some(142));
        assert_eq!(mig_share("10gb"), None);
        assert_eq!(partition_share("CPX_NPS4"), Some(125));
        assert_eq!(partition_share("spx_nps1"), Some(1000));
        assert_eq!(partition_share("?"), None);
    }
}
