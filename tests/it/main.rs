//! Integration tests: everything that needs no cluster.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod captured;
#[cfg(test)]
mod carbon;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod controllers;
#[cfg(test)]
mod crds;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod example;
#[cfg(test)]
#[path = "../fakes/mod.rs"]
mod fakes;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod history;
#[cfg(test)]
mod load;
#[cfg(test)]
mod log_level;
#[cfg(test)]
mod power;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod rightsize;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod settings_watch;
#[cfg(test)]
mod simulate;
#[cfg(test)]
mod site;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod wire;
