//! The suite on the real control plane. `hack/test.sh` runs it; `cargo test` alone does not.
