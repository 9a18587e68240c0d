//! What Kubernetes objects are read as, and watches against an API server that misbehaves.

mod devices;
mod groups;
mod nodes;
mod pods;
mod server;
mod sharing;
mod watch;
