//! A fake API server: objects by path, versions that a write must be about, and subresources as far as controllers use them.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request that changed something, or tried to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Write {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Value,
    pub(super) code: u16,
}

/// What goes wrong with writes to paths that end so.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// Answered with this code, and not made.
    Refused(u16),
    /// Made, and answered with 504.
    MadeUnanswered,
    /// Somebody else writes the object just before.
    Overtaken,
}

/// What happens apart from the controller that is tried.
type Elsewhere = Box<dyn Fn() + Send>;

#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<String, Value>,
    version: u64,
    pub(super) writes: Vec<Write>,
    faults: Vec<(&'static str, &'static str, Fault)>,
    /// Collections that are not there.
    pub(super) missing: Vec<&'static str>,
    /// What happens elsewhere as soon as a write to a path that ends so is made.
    then: Option<(&'static str, Elsewhere)>,
}

pub(super) struct FakeApiServer {
    store: Arc<Mutex<Store>>,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl FakeApiServer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let store = Arc::new(Mutex::new(Store::default()));
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&store));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            store,
            address,
            _tasks: tasks,
        }
    }

    pub(super) fn client(&self) -> kube::Client {
        crate::carbon::with_tls();
        let url = format!("http://{}", self.address).parse().unwrap();
        kube::Client::try_from(kube::Config::new(url)).unwrap()
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// Puts an object there as anybody else would.
    pub(super) fn put(&self, path: &str, object: Value) {
        self.store().put(path, object);
    }

    pub(super) fn get(&self, path: &str) -> Option<Value> {
        self.store().objects.get(path).cloned()
    }

    /// From now on writes by a method to paths that end so go wrong.
    pub(super) fn fault(&self, method: &'static str, end: &'static str, fault: Fault) {
        self.store().faults.push((method, end, fault));
    }

    /// Something happens elsewhere as soon as a write to a path that ends so is made.
    pub(super) fn then(&self, end: &'static str, what: impl Fn() + Send + 'static) {
        self.store().then = Some((end, Box::new(what)));
    }

    pub(super) fn mend(&self) {
        self.store().faults.clear();
    }

    pub(super) fn writes(&self, end: &str) -> Vec<Write> {
        let store = self.store();
        store
            .writes
            .iter()
            .filter(|write| write.path.ends_with(end))
            .cloned()
            .collect()
    }
}

impl Store {
    fn put(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{}", path.rsplit('/').next().unwrap()));
        }
        // Deleted, and held by nobody any more.
        let held = object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        if !object["metadata"]["deletionTimestamp"].is_null() && !held {
            self.objects.remove(path);
            return object;
        }
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    fn write(&mut self, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        let (owner, subresource) = match path.rsplit_once('/') {
            Some((owner, sub @ ("scale" | "status"))) => (owner.to_owned(), Some(sub)),
            _ => (path.to_owned(), None),
        };
        if *method == Method::POST {
            let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
            if self.objects.contains_key(&path) {
                return (409, json!("exists"));
            }
            return (201, self.put(&path, body.clone()));
        }
        let Some(mut object) = self.objects.get(&owner).cloned() else {
            return (404, json!("not there"));
        };
        let about = &body["metadata"]["resourceVersion"];
        if !about.is_null() && *about != object["metadata"]["resourceVersion"] {
            return (409, json!("the object has been modified"));
        }
        match (method.as_str(), subresource) {
            ("PUT", Some("status")) => object["status"] = body["status"].clone(),
            ("PUT", None) => object = body.clone(),
            ("PATCH", Some("scale")) => object["spec"]["replicas"] = body["spec"]["replicas"].clone(),
            ("PATCH", None) => merge(&mut object, body),
            other => panic!("{other:?} {path}"),
        }
        let object = self.put(&owner, object);
        if let Some((_, what)) = self.then.as_ref().filter(|(end, _)| path.ends_with(end)) {
            what();
        }
        (
            200,
            if subresource == Some("scale") {
                scale(&object)
            } else {
                object
            },
        )
    }

    fn read(&self, path: &str) -> Option<Value> {
        if self.missing.iter().any(|missing| path.contains(missing)) {
            return None;
        }
        if let Some(kinds) = kinds(path) {
            return Some(kinds);
        }
        if let Some(owner) = path.strip_suffix("/scale") {
            return self.objects.get(owner).map(scale);
        }
        if let Some(object) = self.objects.get(path) {
            return Some(object.clone());
        }
        // A collection, of one namespace or of all.
        let (group, plural) = path.rsplit_once('/')?;
        let within = |key: &&String| {
            let (folder, _) = key.rsplit_once('/').unwrap();
            folder == path
                || (!group.contains("/namespaces/")
                    && folder.starts_with(group)
                    && folder.ends_with(&format!("/{plural}")))
        };
        let singular = path
            .rsplit('/')
            .nth(1)
            .is_some_and(|part| self.objects.keys().any(|key| key.contains(part)));
        let items: Vec<Value> = self
            .objects
            .iter()
            .filter(|(key, _)| within(key))
            .map(|(_, item)| item.clone())
            .collect();
        let collections = ["rightsizers", "pods", "horizontalpodautoscalers", "scaledobjects"];
        let known = collections.contains(&plural) || (!items.is_empty() && singular);
        known.then(
            || json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": items }),
        )
    }
}

fn kinds(path: &str) -> Option<Value> {
    let resource = |name: &str, kind: &str| json!({ "name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get"] });
    (path == "/apis/apps/v1").then(|| {
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1", "resources": [
            resource("deployments", "Deployment"), resource("deployments/scale", "Scale"), resource("daemonsets", "DaemonSet"),
        ]})
    })
}

fn scale(object: &Value) -> Value {
    let meta = &object["metadata"];
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": { "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"] },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": { "replicas": object["spec"]["replicas"], "selector": "app=llm" },
    })
}

/// JSON merge patch.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            if let Some(object) = into.as_object_mut() {
                object.remove(key);
            }
        } else {
            merge(&mut into[key.as_str()], value);
        }
    }
}

async fn answer(State(store): State<Arc<Mutex<Store>>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let mut store = store.lock().unwrap();
    let path = uri.path();
    let (code, object) = if method == Method::GET {
        store
            .read(path)
            .map_or((404, json!("not there")), |object| (200, object))
    } else {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let fault = store
            .faults
            .iter()
            .find(|(of, end, _)| method == *of && path.ends_with(end));
        let (code, object) = match fault.map(|(_, _, fault)| *fault) {
            Some(Fault::Refused(code)) => (code, json!("refused")),
            Some(Fault::MadeUnanswered) => {
                store.write(&method, path, &body);
                (504, json!("timed out"))
            }
            Some(Fault::Overtaken) => {
                let owner = path.trim_end_matches("/scale").to_owned();
                let object = store.objects[&owner].clone();
                store.put(&owner, object);
                store.write(&method, path, &body)
            }
            None => store.write(&method, path, &body),
        };
        store.writes.push(Write {
            method: method.to_string(),
            path: path.to_owned(),
            body,
            code,
        });
        (code, object)
    };
    let status = StatusCode::from_u16(code).unwrap();
    let body = if status.is_success() {
        object
    } else {
        let reason = match code {
            404 => "NotFound",
            409 => "Conflict",
            _ => "InternalError",
        };
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": object, "reason": reason, "code": code })
    };
    (status, axum::Json(body)).into_response()
}
