//! The suite on the real control plane: etcd, kube-apiserver, kube-controller-manager and kube-scheduler from their Go
//! modules, KWOK nodes, a real Prometheus. `hack/test.sh` builds what it needs and runs it; `cargo test` alone leaves it out.
//!
//! One file a scenario under `scenarios`; each starts its own control plane and stops it, so any of them runs alone:
//! `cargo test --test e2e -- --test-threads=1 --nocapture d_preemption`. They share two cores and free ports, hence one thread.
//! What cannot be had in a test (a GPU, a grid provider) is replaced at the wire and called a fake.
//! With `HELIOTROPE_E2E_KUBECONFIG` the suite is a guest on a cluster that runs already; see `guest`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code: what goes wrong should end the test, where it went wrong"
)]

mod cluster;
mod controlplane;
mod extender;
#[path = "../fakes/mod.rs"]
#[expect(dead_code, reason = "a scenario needs less of them than the integration tests")]
mod fakes;
mod figures;
mod guest;
mod loopback;
mod scenarios;
mod up;
mod world;
