//! What the exporters that people run write: names, units, and which labels say what.

use super::busy::Scale;
use super::unit::Unit;
use heliotrope_core::snapshot::HostScope;

/// What a series is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measures {
    /// GPU boards.
    Boards,
    /// Hosts.
    Host(HostScope),
}

/// The series of an exporter. Labels stand in the order they are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Preset {
    /// Its name in the settings.
    pub(super) name: &'static str,
    /// Metrics with their units; of one board or host the first that has it counts.
    pub(super) metrics: &'static [(&'static str, Unit)],
    /// What they measure.
    pub(super) measures: Measures,
    /// Label values that a series must have.
    pub(super) only: &'static [(&'static str, &'static str)],
    /// Labels that a series must not have, or with this value alone: sums over others, and parts without a sensor.
    pub(super) never: &'static [(&'static str, &'static str)],
    /// Metrics with how busy a board is; the first that tells of the moment counts.
    pub(super) utilisation: &'static [(&'static str, Scale)],
    /// Labels that a series of a part of a board has, or with another value than this: what such a series says of use is not
    /// said of the board.
    pub(super) slices: &'static [(&'static str, &'static str)],
    /// Labels with the name and the namespace of the pod that holds a board.
    pub(super) holders: &'static [(&'static str, &'static str)],
    /// Labels that identify a board.
    pub(super) boards: &'static [&'static str],
    /// Labels that tell parts of one host apart, which add up.
    pub(super) parts: &'static [&'static str],
    /// Labels with the model.
    pub(super) models: &'static [&'static str],
    /// Labels with the node.
    pub(super) nodes: &'static [&'static str],
}

/// A host's gauge or counter without parts; the others differ from it in what they name.
const HOST: Preset = Preset {
    name: "",
    metrics: &[],
    measures: Measures::Host(HostScope::Machine),
    only: &[],
    never: &[],
    utilisation: &[],
    slices: &[],
    holders: &[],
    boards: &[],
    parts: &[],
    models: &[],
    nodes: &["node", "instance"],
};

/// Partitions of an AMD board but the first, and the boards that have them.
const PARTITIONS: &[(&str, &str)] = &[("gpu_partition_id", "0"), ("partition_id", "0")];
const W: Unit = Unit::WATTS;
const J: Unit = Unit::JOULES;

/// All presets. Names and labels are those of `docs/power-sources.md`, which says of which versions.
pub(super) const PRESETS: [Preset; 11] = [
    // MIG instances and time slices repeat the whole board's watts under its UUID; how busy it is, instances say of
    // themselves. The profiling metric sees how much of the engine works, the other whether any of it does. Tagged releases write `Hostname`, the main branch
    // `hostname`; `node` is what operators relabel to.
    Preset {
        name: "dcgm",
        metrics: &[("DCGM_FI_DEV_POWER_USAGE", W)],
        measures: Measures::Boards,
        utilisation: &[
            ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", Scale::Ratio),
            ("DCGM_FI_DEV_GPU_UTIL", Scale::Percent),
        ],
        slices: &[("GPU_I_ID", "")],
        holders: &[("pod", "namespace"), ("pod_name", "pod_namespace")],
        boards: &["UUID", "uuid"],
        models: &["modelName"],
        nodes: &["node", "Hostname", "hostname"],
        ..HOST
    },
    // MI3xx, MI2xx, others; each with the prefix of newer charts too. Of a partitioned board the first partition alone has
    // the sensor, and the others say 0.
    Preset {
        name: "amd",
        metrics: &[
            ("gpu_package_power", W),
            ("amd_gpu_package_power", W),
            ("gpu_average_package_power", W),
            ("amd_gpu_average_package_power", W),
            ("gpu_power_usage", W),
            ("amd_gpu_power_usage", W),
        ],
        measures: Measures::Boards,
        never: PARTITIONS,
        utilisation: &[
            ("gpu_gfx_activity", Scale::Percent),
            ("amd_gpu_gfx_activity", Scale::Percent),
        ],
        slices: PARTITIONS,
        holders: &[("pod", "namespace")],
        boards: &["serial_number", "gpu_id"],
        models: &["card_model", "card_series"],
        nodes: &["node", "hostname"],
        ..HOST
    },
    // A series with `card` sums the GPUs of a card, one with `sub_dev` is a tile of one.
    Preset {
        name: "intel-xpum",
        metrics: &[("xpum_power_watts", W)],
        measures: Measures::Boards,
        never: &[("card", ""), ("sub_dev", "")],
        utilisation: &[("xpum_engine_ratio", Scale::Ratio)],
        slices: &[("sub_dev", "")],
        holders: &[("kube_pod", "kube_namespace")],
        boards: &["uuid", "pci_bdf"],
        models: &["dev_name"],
        nodes: &["node", "instance"],
        ..HOST
    },
    Preset {
        name: "kepler-gpu",
        metrics: &[("kepler_node_gpu_watts", W)],
        measures: Measures::Boards,
        boards: &["gpu_uuid"],
        models: &["gpu_name"],
        nodes: &["node_name", "node", "instance"],
        ..HOST
    },
    // Zones overlap: package holds core and, on most machines, is held by psys.
    Preset {
        name: "kepler",
        metrics: &[("kepler_node_cpu_watts", W)],
        measures: Measures::Host(HostScope::Packages),
        only: &[("zone", "package")],
        parts: &["path"],
        nodes: &["node_name", "node", "instance"],
        ..HOST
    },
    Preset {
        name: "kepler-platform",
        metrics: &[("kepler_platform_watts", W)],
        parts: &["chassis_id", "source_id"],
        nodes: &["node_name", "node", "instance"],
        ..HOST
    },
    // Up to 0.9 Kepler splits each counter into idle and dynamic.
    Preset {
        name: "kepler-0.9",
        metrics: &[("kepler_node_platform_joules_total", J)],
        parts: &["mode"],
        ..HOST
    },
    Preset {
        name: "kepler-0.9-package",
        metrics: &[("kepler_node_package_joules_total", J)],
        measures: Measures::Host(HostScope::Packages),
        parts: &["mode", "package"],
        ..HOST
    },
    Preset {
        name: "ipmi",
        metrics: &[("ipmi_dcmi_power_consumption_current_watts", W)],
        ..HOST
    },
    Preset {
        name: "node-exporter",
        metrics: &[("node_rapl_package_joules_total", J)],
        measures: Measures::Host(HostScope::Packages),
        parts: &["index", "path"],
        nodes: &["node", "nodename", "instance"],
        ..HOST
    },
    Preset {
        name: "scaphandre",
        metrics: &[("scaph_host_power_microwatts", Unit::MICROWATTS)],
        measures: Measures::Host(HostScope::Packages),
        ..HOST
    },
];

/// What a source of its own choice looks like before it names anything.
pub(super) const FREE: Preset = HOST;

/// The preset of a name.
pub(super) fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
