//! What stands in the way at a site: every slip of a scheduler's configuration is a fixture of its own, and a cluster is looked
//! at through an API server of the test.

mod cluster;
mod scheduler;
