//! Callers show tokens of real service accounts, and are told of the pods that they may get.

use super::{PATIENCE, Place};
use crate::cluster::Work;
use crate::controlplane::{SchedulerConfig, Which};
use crate::extender::Heliotrope;
use crate::figures::Figures;
use crate::guest;
use crate::scenarios::shipped::{apply, requested_token, within};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, DeleteParams};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What is taken away is taken away within a minute; half as much again for a machine that is busy.
const TAKEN_AWAY: Duration = Duration::from_secs(90);
/// Where the pod is that is asked about, and where it is not.
const HERE: &str = "default";
const OTHER: &str = "other";

impl Place {
    async fn account(&self, namespace: &str, name: &str) {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": namespace },
        });
        apply(&self.admin, account, name).await;
    }

    /// Lets an account do something with pods: in a namespace, or everywhere.
    async fn grant(&self, namespace: Option<&str>, (home, account): (&str, &str), verbs: &[&str]) {
        let (role, binding) = match namespace {
            Some(_) => ("Role", "RoleBinding"),
            None => ("ClusterRole", "ClusterRoleBinding"),
        };
        let api = "rbac.authorization.k8s.io/v1";
        let metadata = json!({ "name": account, "namespace": namespace });
        let rules = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": verbs }]);
        let role_of = json!({ "apiVersion": api, "kind": role, "metadata": metadata, "rules": rules });
        apply(&self.admin, role_of, account).await;
        let bound = json!({
            "apiVersion": api, "kind": binding, "metadata": metadata,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": account },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": home }],
        });
        apply(&self.admin, bound, account).await;
    }
}

/// A caller: whose token, for whom it is, what is asked and what is answered.
type Case = (
    Option<(&'static str, &'static str)>,
    &'static [&'static str],
    &'static str,
    u16,
);

const OWN: &[&str] = &["heliotrope"];
/// Tokens for the API server name nobody.
const API_SERVER: &[&str] = &[];
const ASKED: &str = "explain?pod=default/asked";

const CASES: [Case; 20] = [
    (Some((HERE, "tenant")), OWN, ASKED, 200),
    (Some((HERE, "tenant")), API_SERVER, ASKED, 200),
    (Some((HERE, "tenant")), &["vault"], ASKED, 401),
    (Some((HERE, "tenant")), &["vault", "heliotrope"], ASKED, 200),
    (Some((HERE, "tenant")), OWN, "explain?pod=default/nobody", 404),
    (Some((HERE, "tenant")), OWN, "explain?pod=other/asked", 403),
    (Some((HERE, "tenant")), OWN, "report", 403),
    (Some((HERE, "stranger")), OWN, ASKED, 403),
    (Some((HERE, "stranger")), API_SERVER, ASKED, 403),
    (Some((HERE, "stranger")), OWN, "report", 403),
    // The right is that to get pods, and no other with them.
    (Some((HERE, "lister")), OWN, ASKED, 403),
    (Some((OTHER, "elsewhere")), OWN, ASKED, 403),
    (Some((OTHER, "elsewhere")), OWN, "explain?pod=other/asked", 404),
    (Some((OTHER, "elsewhere")), API_SERVER, "report", 403),
    (Some((OTHER, "auditor")), OWN, ASKED, 200),
    (Some((OTHER, "auditor")), OWN, "report", 200),
    (Some((OTHER, "auditor")), API_SERVER, "report", 200),
    (Some((OTHER, "auditor")), &["vault"], "report", 401),
    (None, OWN, ASKED, 401),
    (None, OWN, "report", 401),
];

/// How often callers were answered in some way.
async fn callers(heliotrope: &Heliotrope, outcome: &str) -> usize {
    let metrics = heliotrope.metrics().await;
    metrics.count("heliotrope_admin_callers_total", &[("outcome", outcome)])
}

async fn create_callers(place: &Place) {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": OTHER } });
    apply(&place.admin, namespace, OTHER).await;
    for (home, account) in [
        (HERE, "tenant"),
        (HERE, "stranger"),
        (HERE, "lister"),
        (HERE, "leaver"),
        (OTHER, "elsewhere"),
        (OTHER, "auditor"),
    ] {
        place.account(home, account).await;
    }
    place.grant(Some(HERE), (HERE, "tenant"), &["get"]).await;
    place.grant(Some(HERE), (HERE, "leaver"), &["get"]).await;
    place.grant(Some(HERE), (HERE, "lister"), &["list", "watch"]).await;
    place.grant(Some(OTHER), (OTHER, "elsewhere"), &["get"]).await;
    place.grant(None, (OTHER, "auditor"), &["get"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u_callers_are_told_of_the_pods_that_they_may_get() {
    let why = "it applies what deploy/kustomize ships under its shipped names";
    if guest::leaves_out("u_callers", why) {
        return;
    }
    let mut figures = Figures::of("u_callers");
    let mut place = Place::start().await;
    let mut heliotrope = place.heliotrope(&place.settings.clone().callers_show_tokens()).await;
    let config = SchedulerConfig::shipped().with_extender(&heliotrope.url());
    let mut scheduler = place.plane.scheduler(Which::Current, &config);
    let asked = Work::new("asked", 1);
    place.cluster.create_pod(&asked).await;
    place.cluster.wait_placed(&asked, 1, PATIENCE).await;
    create_callers(&place).await;

    let mut shown = Vec::new();
    for (who, audiences, path, wanted) in CASES {
        let token = match who {
            Some((home, account)) => Some(requested_token(&place.admin, home, account, audiences).await),
            None => None,
        };
        let (status, text) = heliotrope.ask_as(token.as_deref(), path).await;
        assert_eq!(status, wanted, "{who:?} for {audiences:?} asks {path}: {text}");
        if status == 200 {
            let told: Value = serde_json::from_str(&text).unwrap();
            assert!(path == "report" || told["pod"] == "default/asked", "{text}");
        }
        shown.extend(token);
    }
    // A token that nobody signed, and one whose signature is another's.
    let (one, other) = (&shown[0], &shown[1]);
    let swapped = format!(
        "{}.{}",
        one.rsplit_once('.').unwrap().0,
        other.rsplit_once('.').unwrap().1
    );
    for false_token in ["made-up", swapped.as_str()] {
        assert_eq!(heliotrope.ask_as(Some(false_token), ASKED).await.0, 401);
    }
    for open in ["livez", "readyz", "metrics"] {
        assert_eq!(heliotrope.ask_as(None, open).await.0, 200, "{open}");
    }
    for (outcome, statuses) in [("allowed", &[200, 404][..]), ("denied", &[403])] {
        let wanted = CASES.iter().filter(|case| statuses.contains(&case.3)).count();
        assert_eq!(callers(&heliotrope, outcome).await, wanted, "{outcome}");
    }
    assert_eq!(
        (
            callers(&heliotrope, "no-token").await,
            callers(&heliotrope, "unknown").await
        ),
        (2, 4)
    );
    figures.note("questions answered as they should be", CASES.len());

    commands_show_tokens(&place, &heliotrope).await;
    taken_away(&place, &heliotrope, &mut figures, &mut shown).await;

    let told = heliotrope.log() + heliotrope.metrics().await.text();
    for token in shown {
        // The last part is the signature, without which the others open nothing; none of them is anybody's business.
        assert!(!token.split('.').any(|part| told.contains(part)), "a token is shown");
    }
    scheduler.assert_running();
    heliotrope.assert_running();
    place.plane.assert_running();
}

async fn commands_show_tokens(place: &Place, heliotrope: &Heliotrope) {
    let file = place.plane.folder().join("caller-token");
    for (home, account, code) in [(HERE, "tenant", 0), (HERE, "stranger", 1)] {
        let token = requested_token(&place.admin, home, account, OWN).await;
        std::fs::write(&file, token).unwrap();
        let told = heliotrope.command(&["explain", "default/asked", "--token-file", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&told.stderr);
        assert_eq!(told.status.code(), Some(code), "{account}: {said}");
        assert_eq!(code == 1, said.contains("right to get the pods"), "{account}: {said}");
    }
}

/// A right that is taken away, and an account that is deleted, open nothing any more within a minute.
async fn taken_away(place: &Place, heliotrope: &Heliotrope, figures: &mut Figures, shown: &mut Vec<String>) {
    let tenant = requested_token(&place.admin, HERE, "tenant", OWN).await;
    let leaver = requested_token(&place.admin, HERE, "leaver", OWN).await;
    for token in [&tenant, &leaver] {
        assert_eq!(heliotrope.ask_as(Some(token), ASKED).await.0, 200);
    }
    let at_once = DeleteParams::default();
    let bindings: Api<RoleBinding> = Api::namespaced(place.admin.clone(), HERE);
    bindings.delete("tenant", &at_once).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(place.admin.clone(), HERE);
    accounts.delete("leaver", &at_once).await.unwrap();
    let from = Instant::now();
    for (what, token, wanted) in [("a right", &tenant, 403), ("an account", &leaver, 401)] {
        within(TAKEN_AWAY, what, async || {
            let (status, _) = heliotrope.ask_as(Some(token), ASKED).await;
            assert!([200, 403, wanted].contains(&status), "{what}: {status}");
            (status == wanted).then_some(())
        })
        .await;
        figures.note(&format!("seconds until {what} is gone"), from.elapsed().as_secs());
    }
    shown.extend([tenant, leaver]);
}
