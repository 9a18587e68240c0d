//! `heliotrope scheduler-config`: what kube-scheduler has to be told.

use super::failure::Failure;
use super::render;
use super::stanza::ExtenderStanza;
use crate::app::settings::load;
use anyhow::Context;
use clap::{Args, ValueEnum};
use heliotrope_core::gpu::GpuResource;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Print the extender stanza of a KubeSchedulerConfiguration
///
/// kube-scheduler asks an extender only about pods that want one of the resources listed for it, and the list has no
/// wildcard: a GPU resource that is missing here is scheduled without heliotrope. Take the names from your nodes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SchedulerConfig {
    /// Settings file; the extender's address is taken from it
    #[arg(long, env = "HELIOTROPE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// GPU resource names, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    resources: Vec<String>,

    /// Output of `kubectl get nodes -o json`, `-` for stdin; the GPU resources that the nodes offer are taken from it
    #[arg(long, value_name = "FILE")]
    from_nodes: Option<PathBuf>,

    /// Ask about every pod: only so are pods asked about that get GPUs by resourceClaims (DRA). Costs pods without GPUs
    /// two calls each
    #[arg(long, conflicts_with_all = ["resources", "from_nodes"])]
    dra: bool,

    /// What the extender's score counts: at 1 as much as one plugin of weight 1
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    weight: u32,

    /// Output
    #[arg(short, long, value_enum, default_value_t = Form::Yaml)]
    output: Form,
}

const EXAMPLES: &str = "Examples:
  heliotrope scheduler-config --resources nvidia.com/gpu,amd.com/gpu
  kubectl get nodes -o json | heliotrope scheduler-config --config heliotrope.yaml --from-nodes -
  heliotrope scheduler-config --config heliotrope.yaml --dra";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Yaml,
    Json,
}

/// Asked about when nobody says what the nodes offer: every whole-board resource.
const WHOLE_BOARDS: [&str; 4] = [
    "nvidia.com/gpu",
    "amd.com/gpu",
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
];

const DEFAULT_LISTEN: &str = "127.0.0.1:8650";

const COMMENT: &str = "\
# Heliotrope in a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1).
# A resource that is not listed under managedResources is scheduled without heliotrope; there is no wildcard.
# Extenders are shared by all profiles. Pods that get their GPUs by resourceClaims are not asked about: --dra.
";

const COMMENT_DRA: &str = "\
# Heliotrope in a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1).
# Without managedResources kube-scheduler asks about every pod, those that get GPUs by resourceClaims among them. Pods
# without GPUs are answered at once; what that costs them stands in docs/dra.md. Extenders are shared by all profiles.
";

#[derive(Serialize)]
struct Configuration {
    extenders: [ExtenderStanza; 1],
}

impl SchedulerConfig {
    pub(super) fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let listen = self.listen()?;
        let resources = self.resources()?;
        let configuration = Configuration {
            extenders: [ExtenderStanza::new(listen, self.weight, &resources)],
        };
        match self.output {
            Form::Json => render::json(out, &configuration)?,
            Form::Yaml => {
                let yaml = serde_saphyr::to_string(&configuration).context("cannot write YAML")?;
                let comment = if self.dra { COMMENT_DRA } else { COMMENT };
                write!(out, "{comment}{yaml}")?;
            }
        }
        Ok(())
    }

    fn listen(&self) -> Result<SocketAddr, Failure> {
        let settings = self.config.as_deref().map(|path| {
            load(path).map_err(|error| Failure::Settings {
                path: path.to_owned(),
                error,
            })
        });
        let settings = settings.transpose()?;
        let text = settings
            .as_ref()
            .and_then(|loaded| loaded.document.scalar("extender.listen"));
        let listen: SocketAddr = text
            .unwrap_or(DEFAULT_LISTEN)
            .parse()
            .map_err(|_| Failure::Usage("extender.listen is not an address such as 127.0.0.1:8650".to_owned()))?;
        if !listen.ip().is_loopback() || listen.port() == 0 {
            let message = format!(
                "extender.listen is {listen}: the stanza is for a sidecar that kube-scheduler reaches in plain HTTP, so \
                 write a loopback address and a port"
            );
            return Err(Failure::Usage(message));
        }
        Ok(listen)
    }

    fn resources(&self) -> Result<Vec<String>, Failure> {
        if self.dra {
            return Ok(Vec::new());
        }
        let mut names: Vec<String> = Vec::new();
        for name in &self.resources {
            if GpuResource::parse(name).is_none() {
                let message = format!("--resources: `{name}` is no GPU resource that heliotrope knows");
                return Err(Failure::Usage(message));
            }
            names.push(name.clone());
        }
        if let Some(path) = &self.from_nodes {
            let offered = offered(path)?;
            if offered.is_empty() {
                let error = anyhow::anyhow!("no node in {} offers a GPU resource", path.display());
                return Err(error.into());
            }
            names.extend(offered);
        } else if names.is_empty() {
            names.extend(WHOLE_BOARDS.map(str::to_owned));
        }
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        Ok(names)
    }
}

#[derive(Deserialize)]
struct NodeList {
    items: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    capacity: BTreeMap<String, serde_json::Value>,
}

/// The GPU resources that nodes offer.
fn offered(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?)
    };
    let list: NodeList = serde_json::from_reader(BufReader::new(reader))
        .with_context(|| format!("{} is not the output of `kubectl get nodes -o json`", path.display()))?;
    let names = list.items.into_iter().flat_map(|node| node.status.capacity.into_keys());
    Ok(names.filter(|name| GpuResource::parse(name).is_some()).collect())
}
