//! Gangs: guarantee 13, on a small cluster that is scheduled pod by pod.
//!
//! [`site`] is the cluster, with a scheduler that binds where filter lets it, a watch that lags, grids that cross and an
//! extender that is restarted. The tests drive it.

mod rules;
mod site;
mod whole;
