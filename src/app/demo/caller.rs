use super::body::Args;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// `httpTimeout` of the shipped scheduler configuration.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The demo's own process may be short of time where the real scheduler's would not be; what an answer took is told.
pub(super) const PATIENCE: Duration = TIMEOUT.saturating_mul(20);

/// How long answers took, as the caller saw it: from the first byte sent to the last byte read.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    pub(super) filter: Vec<Duration>,
    pub(super) prioritize: Vec<Duration>,
}

/// Plays kube-scheduler's HTTP client: one request at a time over one connection that is kept, JSON both ways, no retry.
pub(super) struct Caller {
    http: reqwest::Client,
    address: SocketAddr,
    pub(super) latencies: Latencies,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterResult {
    node_names: Option<Vec<String>>,
    error: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostPriority {
    host: String,
    score: i64,
}

impl Caller {
    pub(super) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this plays kube-scheduler, which calls in; it never leaves loopback"
        )]
        let builder = reqwest::Client::builder();
        ensure!(address.ip().is_loopback(), "{address} is not on loopback");
        let http = builder.no_proxy().tcp_nodelay(true).timeout(PATIENCE).build()?;
        Ok(Self {
            http,
            address,
            latencies: Latencies::default(),
        })
    }

    /// The names that the extender keeps, in the order offered.
    pub(super) async fn filter<'n>(&mut self, args: &Args<'n>) -> anyhow::Result<Vec<&'n str>> {
        let (result, took): (FilterResult, _) = self.call("filter", args).await?;
        self.latencies.filter.push(took);
        if !result.error.is_empty() {
            bail!("filter: {}", result.error);
        }
        // Null names are no names: the pod then fits nowhere.
        let kept = result.node_names.unwrap_or_default();
        for name in &kept {
            ensure!(
                args.node_names.contains(&name.as_str()),
                "filter named {name}, which was not offered"
            );
        }
        let is_kept = |name: &&&str| kept.iter().any(|kept| kept == **name);
        Ok(args.node_names.iter().filter(is_kept).copied().collect())
    }

    /// The score of each name, in the order offered; a name without one has 0.
    pub(super) async fn prioritize(&mut self, args: &Args<'_>) -> anyhow::Result<Vec<i64>> {
        let (list, took): (Vec<HostPriority>, _) = self.call("prioritize", args).await?;
        self.latencies.prioritize.push(took);
        let by_host: HashMap<&str, i64> = list.iter().map(|one| (one.host.as_str(), one.score)).collect();
        Ok(args
            .node_names
            .iter()
            .map(|name| by_host.get(name).copied().unwrap_or(0))
            .collect())
    }

    async fn call<T: DeserializeOwned>(&self, verb: &'static str, args: &Args<'_>) -> anyhow::Result<(T, Duration)> {
        let body = serde_json::to_vec(args)?;
        let request = self
            .http
            .post(format!("http://{}/{verb}", self.address))
            .header("content-type", "application/json")
            .body(body);
        let started = Instant::now();
        let response = request
            .send()
            .await
            .with_context(|| format!("{verb} was not answered"))?;
        let status = response.status();
        let bytes = response
            .bytes()
            .await
            .with_context(|| format!("the answer of {verb} broke off"))?;
        let took = started.elapsed();
        ensure!(status == 200, "{verb} was answered {status}");
        let answer =
            serde_json::from_slice(&bytes).with_context(|| format!("{verb}: not what kube-scheduler decodes"))?;
        Ok((answer, took))
    }
}
