//! `cluster` in the settings file.

use super::devices::GpuClasses;
use super::node::Labels;
use crate::settings::{Problems, is_label_key};
use heliotrope_core::gpu::GpuVendor;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `cluster`, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawCluster {
    /// Path of a kubeconfig; without it the pod's service account is used, or the environment's kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// Node label with the region.
    pub region_label: Option<String>,
    /// Node label with the grid zone, which overrides the region table.
    pub zone_label: Option<String>,
    /// Node labels with the GPU model; the first that a node has counts.
    pub gpu_product_labels: Option<Vec<String>>,
    /// Node label with the pool.
    pub pool_label: Option<String>,
    /// Device classes that are GPUs: the class, and the driver whose GPUs they are.
    pub gpu_device_classes: Option<BTreeMap<String, String>>,
}

/// `cluster`, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterSettings {
    /// Path of a kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// Which labels say what.
    pub labels: Labels,
    /// Which device classes are GPUs, besides those whose selectors or names say so.
    pub gpu_classes: GpuClasses,
}

impl RawCluster {
    /// Checks the section.
    pub fn validate(self, problems: &mut Problems) -> ClusterSettings {
        if let Some(path) = self.kubeconfig.as_ref().filter(|path| !path.is_file()) {
            problems.report("kubeconfig", format_args!("{} is not a file", path.display()));
        }
        let defaults = Labels::default();
        let label = |problems: &mut Problems, key: &str, text: Option<String>, default: String| {
            let Some(text) = text else { return default };
            if !is_label_key(&text) {
                problems.report(
                    key,
                    format_args!("`{text}` is not a label key such as topology.kubernetes.io/region"),
                );
            }
            text
        };
        let gpu_products = self.gpu_product_labels.unwrap_or(defaults.gpu_products);
        for key in gpu_products.iter().filter(|key| !is_label_key(key)) {
            problems.report(
                "gpuProductLabels",
                format_args!("`{key}` is not a label key such as nvidia.com/gpu.product"),
            );
        }
        let labels = Labels {
            region: label(problems, "regionLabel", self.region_label, defaults.region),
            zone: label(problems, "zoneLabel", self.zone_label, defaults.zone),
            pool: label(problems, "poolLabel", self.pool_label, defaults.pool),
            gpu_products,
            domains: Vec::new(),
        };
        ClusterSettings {
            kubeconfig: self.kubeconfig,
            labels,
            gpu_classes: gpu_classes(problems, self.gpu_device_classes.unwrap_or_default()),
        }
    }
}

/// A class that no driver publishes GPUs for is reported, and left out meanwhile.
fn gpu_classes(problems: &mut Problems, written: BTreeMap<String, String>) -> GpuClasses {
    let mut classes = BTreeMap::new();
    for (class, driver) in written {
        if let Some(vendor) = GpuVendor::of_driver(&driver) {
            classes.insert(class, vendor);
        } else {
            problems.report(
                &format!("gpuDeviceClasses.{class}"),
                "must be a driver of GPUs: gpu.nvidia.com, gpu.amd.com or gpu.intel.com",
            );
        }
    }
    GpuClasses(classes)
}
