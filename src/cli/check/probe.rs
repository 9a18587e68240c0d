//! What keys can read, for people.

use crate::app;
use crate::app::settings::Loaded;
use crate::carbon::Probe;
use crate::cli::render;
use anyhow::Context;
use std::io::{self, Write};

/// Asks each carbon provider that wants a key, once, what the key can read.
pub(super) fn ask(loaded: &Loaded) -> anyhow::Result<Vec<Probe>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no runtime")?.block_on(app::probe::keys(loaded))
}

/// Tells what keys can read.
pub(super) fn write(out: &mut dyn Write, probes: &[Probe]) -> io::Result<()> {
    writeln!(out, "\nWhat keys can read")?;
    let mut rows = Vec::new();
    for probe in probes {
        if let Some(error) = &probe.error {
            rows.push([probe.provider.clone(), "*".to_owned(), error.clone(), String::new()]);
        }
        for (zone, access) in &probe.zones {
            let list = |can| access.names(can).join(", ");
            let can = if access.told().next().is_none() {
                "not known".to_owned()
            } else {
                list(true)
            };
            rows.push([probe.provider.clone(), zone.to_string(), can, list(false)]);
        }
    }
    if rows.is_empty() {
        return writeln!(out, "  No provider wants a key.");
    }
    render::table(out, ["PROVIDER", "ZONE", "CAN READ", "CANNOT"], &rows)
}
