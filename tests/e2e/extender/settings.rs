use crate::controlplane::ControlPlane;
use crate::world::{CarbonFile, FakeGrid, Prometheus};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A settings file for the binary under test: what an operator would write for this cluster, plus what a scenario is about.
#[derive(Debug, Clone)]
pub(crate) struct HeliotropeSettings {
    placement: Value,
    carbon: Value,
    power: Value,
    extender: Value,
    decisions: Value,
    admin: Value,
    history: Value,
    load: Value,
    rightsizer: Value,
    events: Value,
    /// The administrator's where none is given.
    kubeconfig: Option<PathBuf>,
}

impl HeliotropeSettings {
    /// Steers by mode `prefer`, knows no carbon and no power.
    pub(crate) fn new() -> Self {
        Self {
            placement: json!({ "mode": "prefer" }),
            // What the GB API speaks of; the files of the suite say the same.
            carbon: json!({ "placementSignal": "average", "basis": "direct", "providers": [], "zones": {} }),
            power: json!({ "interval": "1s" }),
            extender: json!({}),
            decisions: json!({}),
            // What scenarios read of explanations they read as the operator on the machine.
            admin: json!({ "auth": "off" }),
            history: json!({}),
            load: json!({}),
            rightsizer: json!({}),
            events: json!({}),
            kubeconfig: None,
        }
    }

    /// A zone that asks the GB API.
    pub(crate) fn grid(mut self, zone: &str, grid: &FakeGrid) -> Self {
        self.provider(json!({
            "name": format!("gb-{zone}"), "type": "gb-carbon-intensity", "url": grid.url(), "interval": "2s",
        }));
        self.zone(zone, json!([format!("gb-{zone}")]));
        self
    }

    /// A zone that reads a file; the last of its chain where it has one already.
    pub(crate) fn file(mut self, zone: &str, file: &CarbonFile) -> Self {
        let name = format!("file-{zone}");
        self.provider(json!({
            "name": name, "type": "file", "path": file.path(), "interval": "1s",
            "signal": "average", "basis": "direct",
        }));
        match self.carbon["zones"][zone].as_array_mut() {
            Some(chain) => chain.push(json!(name)),
            None => self.zone(zone, json!([name])),
        }
        self
    }

    /// Zones that ask one provider.
    pub(crate) fn provider_of(mut self, zones: &[&str], provider: Value) -> Self {
        for zone in zones {
            self.zone(zone, json!([provider["name"]]));
        }
        self.provider(provider);
        self
    }

    /// Power by DCGM from a Prometheus.
    pub(crate) fn power(mut self, prometheus: &Prometheus) -> Self {
        self.power["sources"] = json!([{ "type": "prometheus", "url": prometheus.url(), "preset": "dcgm" }]);
        self
    }

    /// Reads the cluster with the rights of this kubeconfig.
    pub(crate) fn kubeconfig(mut self, path: &Path) -> Self {
        self.kubeconfig = Some(path.to_owned());
        self
    }

    /// Sets a key of `carbon`.
    pub(crate) fn carbon(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.carbon[key] = value.into();
        self
    }

    /// Sets a key of `power`.
    pub(crate) fn power_key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.power[key] = value.into();
        self
    }

    /// Sets a key of `extender`.
    pub(crate) fn extender_key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extender[key] = value.into();
        self
    }

    /// Writes decisions down in a folder.
    pub(crate) fn decisions(mut self, dir: &Path) -> Self {
        self.decisions["dir"] = json!(dir);
        self
    }

    /// Keeps what it learns in a folder, and writes it this often.
    pub(crate) fn history(mut self, dir: &Path, interval: &str) -> Self {
        self.history = json!({ "dir": dir, "interval": interval });
        self
    }

    /// Sets a key of `rightsizer`.
    pub(crate) fn rightsizer(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.rightsizer[key] = value.into();
        self
    }

    /// Sets a key of `load`.
    pub(crate) fn load_key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.load[key] = value.into();
        self
    }

    /// Reads metrics of workloads from a Prometheus.
    pub(crate) fn load(mut self, prometheus: &Prometheus) -> Self {
        self.load["prometheus"] = json!({ "url": prometheus.url() });
        self
    }

    /// Answers only who shows a token of the cluster, as it is shipped.
    pub(crate) fn callers_show_tokens(mut self) -> Self {
        self.admin["auth"] = json!("token");
        self
    }

    /// Writes Events on pods that strayed.
    pub(crate) fn events(mut self) -> Self {
        self.events["enabled"] = json!(true);
        self
    }

    /// Sets a key of `placement`.
    pub(crate) fn placement(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.placement[key] = value.into();
        self
    }

    fn provider(&mut self, provider: Value) {
        self.carbon["providers"].as_array_mut().unwrap().push(provider);
    }

    fn zone(&mut self, zone: &str, chain: Value) {
        self.carbon["zones"][zone] = chain;
    }

    /// The file's text. JSON is YAML.
    pub(crate) fn to_file(&self, plane: &ControlPlane, extender: u16, admin: u16) -> String {
        let mut own = self.extender.clone();
        own["listen"] = json!(format!("127.0.0.1:{extender}"));
        let mut back = self.admin.clone();
        back["listen"] = json!(format!("127.0.0.1:{admin}"));
        let file = json!({
            "apiVersion": "heliotrope.dev/v1alpha1",
            "kind": "Settings",
            "log": { "level": "info", "format": "text" },
            "extender": own,
            "admin": back,
            "cluster": { "kubeconfig": self.kubeconfig.as_deref().unwrap_or(plane.kubeconfig()) },
            "outbound": { "allowPlainHttp": ["127.0.0.1"] },
            "carbon": self.carbon,
            "power": self.power,
            "placement": self.placement,
            "decisions": self.decisions,
            "history": self.history,
            "load": self.load,
            "rightsizer": self.rightsizer,
            "events": self.events,
        });
        serde_json::to_string_pretty(&file).unwrap()
    }
}
