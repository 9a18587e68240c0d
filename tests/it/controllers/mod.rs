//! What is written to the cluster.

mod api_server;
mod events;
mod lease;
mod rightsizer;
