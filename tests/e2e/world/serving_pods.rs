use crate::controlplane::{Process, free_port};
use crate::loopback::{Loopback, http_client};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Longer than a request waits behind all others of the scenario.
const PATIENCE: Duration = Duration::from_secs(300);

/// The pods of `deploy/examples/serving`, each a real process: what their kubelets would run, by the command and arguments that
/// stand in the pod, and their Service, which asks the ready ones in turn.
pub(crate) struct ServingPods {
    front: Loopback,
    state: Arc<Mutex<Running>>,
    follower: JoinHandle<()>,
}

struct Running {
    namespace: String,
    /// Where the programs of the ConfigMap stand here.
    programs: PathBuf,
    folder: PathBuf,
    pods: BTreeMap<String, Replica>,
    /// Told to end; they answer what they have taken. KWOK would leave their pods for the whole grace period.
    leaving: Vec<(String, Process)>,
    turn: usize,
}

struct Replica {
    process: Process,
    address: String,
    answers: bool,
}

impl ServingPods {
    /// Runs the pods that a selector finds, from now on.
    pub(crate) async fn start(
        api: Api<Pod>,
        namespace: &str,
        selector: &str,
        programs: &Path,
        folder: &Path,
    ) -> Self {
        let state = Arc::new(Mutex::new(Running {
            namespace: namespace.to_owned(),
            programs: programs.to_owned(),
            folder: folder.to_owned(),
            pods: BTreeMap::new(),
            leaving: Vec::new(),
            turn: 0,
        }));
        let router = Router::new()
            .route("/targets", get(targets))
            .route("/v1/completions", post(forward))
            .with_state((Arc::clone(&state), http_client()));
        let selected = ListParams::default().labels(selector);
        Self {
            front: Loopback::serve(router).await,
            follower: tokio::spawn(follow(api, selected, Arc::clone(&state))),
            state,
        }
    }

    /// Where clients send requests.
    pub(crate) fn url(&self) -> String {
        self.front.url()
    }

    /// How a Prometheus finds them, as it finds pods.
    pub(crate) fn job(&self) -> String {
        let url = format!("{}/targets", self.front.url());
        format!("- job_name: pods\n  http_sd_configs:\n  - {{url: \"{url}\", refresh_interval: 1s}}\n")
    }

    /// How many of them answer.
    pub(crate) fn ready(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.pods.values().filter(|replica| replica.answers).count()
    }
}

impl Drop for ServingPods {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

async fn follow(api: Api<Pod>, selected: ListParams, state: Arc<Mutex<Running>>) {
    let client = http_client();
    loop {
        // An API server that is busy answers late; the pods then stay as they were.
        if let Ok(listed) = api.list(&selected).await {
            let running = |pod: &Pod| {
                let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
            };
            let pods: Vec<Pod> = listed.items.into_iter().filter(running).collect();
            state.lock().unwrap().replace(&pods);
        }
        let ended = state.lock().unwrap().ended();
        for name in ended {
            drop(api.delete(&name, &DeleteParams::default().grace_period(0)).await);
        }
        let silent: Vec<(String, String)> = {
            let state = state.lock().unwrap();
            let silent = state.pods.iter().filter(|(_, replica)| !replica.answers);
            silent
                .map(|(name, replica)| (name.clone(), replica.address.clone()))
                .collect()
        };
        for (name, address) in silent {
            let probed = client.get(format!("http://{address}/healthz")).send().await;
            if probed.is_ok_and(|answer| answer.status().is_success())
                && let Some(replica) = state.lock().unwrap().pods.get_mut(&name)
            {
                replica.answers = true;
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

impl Running {
    fn replace(&mut self, pods: &[Pod]) {
        let named = |name: &String| pods.iter().any(|pod| pod.metadata.name.as_ref() == Some(name));
        let gone: Vec<String> = self.pods.keys().filter(|name| !named(name)).cloned().collect();
        for name in gone {
            if let Some(replica) = self.pods.remove(&name) {
                replica.process.signal("TERM");
                self.leaving.push((name, replica.process));
            }
        }
        for pod in pods {
            let name = pod.metadata.name.clone().unwrap();
            if !self.pods.contains_key(&name) {
                let started = self.run(&name, pod);
                self.pods.insert(name, started);
            }
        }
    }

    /// The pods whose processes have ended, each told once.
    fn ended(&mut self) -> Vec<String> {
        let ended = self.leaving.extract_if(.., |(_, process)| process.has_left());
        ended.map(|(name, _)| name).collect()
    }

    /// The command of the pod's container, its programs and its port being those of this machine.
    fn run(&self, name: &str, pod: &Pod) -> Replica {
        let container = &pod.spec.as_ref().unwrap().containers[0];
        let (command, arguments) = (container.command.clone().unwrap(), container.args.clone().unwrap());
        let program = Path::new(&command[1]).file_name().unwrap();
        let port = free_port();
        let arguments = arguments
            .into_iter()
            .filter(|argument| !argument.starts_with("--port="));
        let arguments = [self.programs.join(program).display().to_string()]
            .into_iter()
            .chain(arguments)
            .chain(["--host=127.0.0.1".to_owned(), format!("--port={port}")]);
        Replica {
            process: Process::start(name, Path::new(&command[0]), arguments, &self.folder),
            address: format!("127.0.0.1:{port}"),
            answers: false,
        }
    }

    fn next(&mut self) -> Option<String> {
        let ready: Vec<&Replica> = self.pods.values().filter(|replica| replica.answers).collect();
        let at = self.turn.checked_rem(ready.len())?;
        self.turn = self.turn.wrapping_add(1);
        Some(ready[at].address.clone())
    }
}

type Shared = State<(Arc<Mutex<Running>>, reqwest::Client)>;

/// What Prometheus' discovery over HTTP wants: the labels are those that discovery by pods gives.
async fn targets(State((state, _)): Shared) -> axum::Json<Value> {
    let state = state.lock().unwrap();
    let of = |(pod, replica): (&String, &Replica)| {
        json!({ "targets": [replica.address], "labels": {
            "namespace": state.namespace, "pod": pod, "container": "server",
        } })
    };
    axum::Json(state.pods.iter().map(of).collect())
}

async fn forward(
    State((state, client)): Shared,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Bytes), StatusCode> {
    let address = state.lock().unwrap().next().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let mut asked = client
        .post(format!("http://{address}{uri}"))
        .timeout(PATIENCE)
        .body(body);
    if let Some(kind) = headers.get("content-type") {
        asked = asked.header("content-type", kind);
    }
    let answer = asked.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let status = answer.status();
    let read = answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok((status, read))
}
