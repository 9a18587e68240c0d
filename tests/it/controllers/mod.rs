//! What is written to the cluster.

mod events;
