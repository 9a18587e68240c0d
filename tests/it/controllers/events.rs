//! Events on pods that were bound elsewhere than preferred, against an API server that takes Events and nothing else.

use crate::rig::{CENTRAL, NORTH, Rig, all, bound, job, names_body, pod_event, until};
use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use heliotrope::controllers::events::Events;
use heliotrope::telemetry::Metrics;
use heliotrope::world::Strayed;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const PREFER: &str = "placement: {mode: prefer, selectableModes: [shadow], wake: {default: 0}}";
const SHADOW: &str = "placement: {mode: shadow, wake: {default: 0}}";

#[derive(Default)]
struct Store {
    taken: Vec<Value>,
    refuses: Option<(u16, &'static str)>,
    tries: usize,
}

/// An API server that keeps Events by name, as the real one does.
struct FakeEventServer {
    store: Arc<Mutex<Store>>,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl FakeEventServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let store = Arc::new(Mutex::new(Store::default()));
        let path = "/apis/events.k8s.io/v1/namespaces/{namespace}/events";
        let routes = Router::new().route(path, post(create)).with_state(Arc::clone(&store));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            store,
            address,
            _tasks: tasks,
        }
    }

    /// A client of it.
    fn client(&self) -> kube::Client {
        crate::carbon::with_tls();
        let url = format!("http://{}", self.address).parse().unwrap();
        kube::Client::try_from(kube::Config::new(url)).unwrap()
    }

    fn taken(&self) -> Vec<Value> {
        self.store.lock().unwrap().taken.clone()
    }

    fn tries(&self) -> usize {
        self.store.lock().unwrap().tries
    }

    fn refuses(&self, how: Option<(u16, &'static str)>) {
        self.store.lock().unwrap().refuses = how;
    }
}

type Answer = (StatusCode, Json<Value>);

async fn create(
    State(store): State<Arc<Mutex<Store>>>,
    Path(namespace): Path<String>,
    Json(event): Json<Value>,
) -> Answer {
    let refused = |code: u16, message: &str| {
        let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "X", "code": code });
        (StatusCode::from_u16(code).unwrap(), Json(status))
    };
    let mut store = store.lock().unwrap();
    store.tries += 1;
    assert_eq!(event["metadata"]["namespace"], namespace.as_str());
    if let Some((code, message)) = store.refuses {
        return refused(code, message);
    }
    if store
        .taken
        .iter()
        .any(|known| known["metadata"]["name"] == event["metadata"]["name"])
    {
        return refused(409, "already exists");
    }
    store.taken.push(event.clone());
    (StatusCode::CREATED, Json(event))
}

/// Runs the controller against a server.
fn controller(server: &FakeEventServer, metrics: &Metrics, tasks: &mut JoinSet<()>) -> Sender<Strayed> {
    let (told, inbox) = mpsc::channel(64);
    tasks.spawn(Events::new(server.client(), metrics.clone(), "host-1").run(inbox, CancellationToken::new()));
    told
}

fn counted(metrics: &Metrics, outcome: &str) -> u64 {
    let series = format!(r#"heliotrope_pod_events_total{{outcome="{outcome}"}} "#);
    let page = metrics.exposition();
    page.lines()
        .find_map(|line| line.strip_prefix(&series))
        .map_or(0, |count| count.parse().unwrap())
}

/// A process whose writer tells of pods that stray.
async fn telling(sections: &str, room: usize) -> (Rig, Receiver<Strayed>) {
    let (told, inbox) = mpsc::channel(room);
    (Rig::telling(sections, told).await, inbox)
}

async fn place(rig: &Rig, pod: &Value, node: &str) {
    rig.post("/filter", names_body(pod, &all())).await;
    rig.tell(vec![pod_event(&bound(pod.clone(), node))]).await;
}

fn strayed(name: &str) -> Strayed {
    Strayed {
        namespace: Arc::from("ml"),
        name: Arc::from(name),
        uid: Arc::from(format!("uid-{name}")),
        node: Arc::from("gpu-2"),
        preferred: Arc::from("gpu-1"),
        grams: Some((50.0, 20.0)),
        at: "2026-06-01T12:00:00Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_pod_that_strays_is_told_of_once_and_one_that_does_not_never() {
    let (rig, mut inbox) = telling(PREFER, 64).await;
    // Where two are as good, neither is astray.
    place(&rig, &job("stays", 1), NORTH[1]).await;
    place(&rig, &job("stays-too", 1), NORTH[0]).await;
    place(&rig, &job("strays", 1), CENTRAL[0]).await;
    // As after a watch that starts anew, and with another attempt.
    rig.tell(vec![pod_event(&bound(job("strays", 1), CENTRAL[0]))]).await;
    place(&rig, &job("strays", 1), CENTRAL[0]).await;
    // Nobody asked about it.
    rig.tell(vec![pod_event(&bound(job("unasked", 1), CENTRAL[1]))]).await;
    let told = inbox.try_recv().unwrap();
    assert_eq!((told.name.as_ref(), told.node.as_ref()), ("strays", CENTRAL[0]));
    assert!(NORTH.contains(&told.preferred.as_ref()), "{}", told.preferred);
    let (here, there) = told.grams.unwrap();
    assert!(here > there && there > 0.0, "{here} and {there}");
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn g6_nothing_is_written_in_shadow() {
    let (rig, mut inbox) = telling(SHADOW, 64).await;
    place(&rig, &job("a", 1), CENTRAL[0]).await;
    assert_eq!(rig.counted(r#"heliotrope_bindings_total{outcome="outvoted"}"#), 1);
    assert!(inbox.try_recv().is_err());
    // Of a pod that chose shadow for itself neither.
    let (rig, mut inbox) = telling(PREFER, 64).await;
    let mut own = job("b", 1);
    own["metadata"]["annotations"] = json!({ "heliotrope.dev/mode": "shadow" });
    place(&rig, &own, CENTRAL[0]).await;
    assert_eq!(rig.counted(r#"heliotrope_bindings_total{outcome="outvoted"}"#), 1);
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn the_writer_waits_for_nobody() {
    let (rig, mut inbox) = telling(PREFER, 1).await;
    for name in ["a", "b", "c"] {
        place(&rig, &job(name, 1), CENTRAL[0]).await;
    }
    assert_eq!(counted(&rig.metrics, "dropped"), 2);
    assert_eq!(inbox.try_recv().unwrap().name.as_ref(), "a");
}

#[tokio::test]
async fn an_event_is_as_the_api_server_wants_it_and_two_processes_make_one() {
    let (server, metrics, mut tasks) = (FakeEventServer::start().await, Metrics::new(), JoinSet::new());
    let (one, other) = (
        controller(&server, &metrics, &mut tasks),
        controller(&server, &metrics, &mut tasks),
    );
    one.send(strayed("a")).await.unwrap();
    other.send(strayed("a")).await.unwrap();
    until("both tried", || {
        counted(&metrics, "created") + counted(&metrics, "exists") == 2
    })
    .await;
    assert_eq!((counted(&metrics, "created"), counted(&metrics, "exists")), (1, 1));
    let [event] = &server.taken()[..] else {
        panic!("{:?}", server.taken())
    };
    assert_eq!(
        (
            &event["reason"],
            &event["type"],
            &event["action"],
            &event["reportingController"],
            &event["reportingInstance"]
        ),
        (
            &json!("NotGreenestNode"),
            &json!("Normal"),
            &json!("Binding"),
            &json!("heliotrope.dev/extender"),
            &json!("host-1")
        )
    );
    let regarding = json!({ "apiVersion": "v1", "kind": "Pod", "namespace": "ml", "name": "a", "uid": "uid-a" });
    assert_eq!(event["regarding"], regarding);
    assert_eq!(event["eventTime"], "2026-06-01T12:00:00.000000Z");
    assert!(
        event["note"]
            .as_str()
            .unwrap()
            .starts_with("bound to gpu-2; heliotrope preferred gpu-1, where it would emit 30.0 g")
    );
}

/// A task that ends by itself ends the process.
#[tokio::test]
async fn with_nobody_left_to_tell_anything_it_waits_until_it_is_told_to_go() {
    let server = FakeEventServer::start().await;
    let (told, inbox) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let events = Events::new(server.client(), Metrics::new(), "host-1");
    let task = tokio::spawn(events.run(inbox, cancel.clone()));
    drop(told);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!task.is_finished());
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn events_come_at_a_pace() {
    let (server, metrics, mut tasks) = (FakeEventServer::start().await, Metrics::new(), JoinSet::new());
    let told = controller(&server, &metrics, &mut tasks);
    let started = std::time::Instant::now();
    for n in 0..50 {
        told.send(strayed(&format!("p{n}"))).await.unwrap();
    }
    until("all dealt with", || {
        counted(&metrics, "created") + counted(&metrics, "limited") == 50
    })
    .await;
    let earned = started.elapsed().as_secs() / 2 + 1;
    let created = counted(&metrics, "created");
    assert!((20..=20 + earned).contains(&created), "{created} at once");
}

#[tokio::test]
async fn who_may_not_write_stops_trying_and_a_namespace_that_ends_stops_nobody() {
    let (server, metrics, mut tasks) = (FakeEventServer::start().await, Metrics::new(), JoinSet::new());
    let told = controller(&server, &metrics, &mut tasks);
    server.refuses(Some((
        403,
        "unable to create new content in namespace ml because it is being terminated",
    )));
    told.send(strayed("a")).await.unwrap();
    until("a failure", || counted(&metrics, "failed") == 1).await;
    server.refuses(Some((500, "no")));
    told.send(strayed("b")).await.unwrap();
    until("another", || counted(&metrics, "failed") == 2).await;
    server.refuses(Some((403, "User cannot create resource events")));
    told.send(strayed("c")).await.unwrap();
    until("a refusal", || counted(&metrics, "forbidden") == 1).await;
    server.refuses(None);
    told.send(strayed("d")).await.unwrap();
    until("a pause", || counted(&metrics, "paused") == 1).await;
    assert_eq!((server.tries(), server.taken().len()), (3, 0));
}
