//! The table of rooms: which room may use which. Rooms that do not exist yet stand here too.

use std::fmt;

/// One of the two packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    /// `core/`: pure.
    Core,
    /// The root package: the edges.
    Root,
}

/// What a room may use in its own package. Every room of the root package may use all of core.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    /// These, and nothing else.
    Only(&'static [&'static str]),
    /// Everything but these.
    AllBut(&'static [&'static str]),
}

/// A top-level module.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: &'static str,
    pub(super) may_use: Use,
}

const fn room(name: &'static str, may_use: &'static [&'static str]) -> Room {
    Room {
        name,
        may_use: Use::Only(may_use),
    }
}

const fn composing(name: &'static str, but: &'static [&'static str]) -> Room {
    Room {
        name,
        may_use: Use::AllBut(but),
    }
}

const CORE: &[Room] = &[
    room("quantity", &[]),
    room("grid", &["quantity"]),
    room("gpu", &["quantity"]),
    room("workload", &["quantity", "grid", "gpu"]),
    room("forecast", &["quantity"]),
    room("snapshot", &["quantity", "grid", "gpu", "workload"]),
    room("placement", &["quantity", "grid", "gpu", "workload", "snapshot"]),
    room("rightsizing", &["quantity", "workload", "forecast", "snapshot"]),
    room("shifting", &["quantity", "workload", "forecast", "snapshot"]),
    room(
        "accounting",
        &[
            "quantity",
            "grid",
            "gpu",
            "snapshot",
            "placement",
            "rightsizing",
            "shifting",
        ],
    ),
    composing("simulator", &[]),
];

const ROOT: &[Room] = &[
    room("settings", &[]),
    room("telemetry", &["settings"]),
    room("outbound", &["settings", "telemetry"]),
    room("history", &["settings", "telemetry"]),
    room("carbon", &["settings", "telemetry", "outbound", "history"]),
    room("power", &["settings", "telemetry", "outbound", "history"]),
    room("load", &["settings", "telemetry", "outbound", "history"]),
    room("cluster", &["settings", "telemetry"]),
    room("crds", &["settings", "telemetry"]),
    room(
        "world",
        &["settings", "telemetry", "carbon", "power", "load", "cluster", "history"],
    ),
    room("extender", &["settings", "telemetry", "world", "cluster"]),
    room("keda", &["settings", "telemetry", "world", "crds"]),
    room("admission", &["settings", "telemetry", "world", "crds"]),
    room(
        "controllers",
        &["settings", "telemetry", "world", "cluster", "crds", "load", "history"],
    ),
    room("admin", &["settings", "telemetry", "world", "history"]),
    room("serve", &["settings", "telemetry"]),
    composing("app", &["cli"]),
    composing("cli", &[]),
    room("main", &["cli"]),
];

impl Package {
    /// Its rooms; `main` stands for `main.rs`.
    pub(super) fn rooms(self) -> &'static [Room] {
        match self {
            Self::Core => CORE,
            Self::Root => ROOT,
        }
    }

    /// The room of a name.
    pub(super) fn room(self, name: &str) -> Option<&'static Room> {
        self.rooms().iter().find(|room| room.name == name)
    }
}

impl Use {
    /// Whether another room may be used.
    pub(super) fn allows(self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(&name),
            Self::AllBut(names) => !names.contains(&name),
        }
    }
}

impl fmt::Display for Use {
    /// The cell of the table in `docs/architecture.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[&str]| {
            let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            quoted.join(", ")
        };
        match self {
            Self::Only([]) => f.write_str("–"),
            Self::Only(names) => f.write_str(&list(names)),
            Self::AllBut([]) => f.write_str("all"),
            Self::AllBut(names) => write!(f, "all but {}", list(names)),
        }
    }
}

#[test]
fn the_table_names_only_rooms_and_has_no_cycle() {
    for package in [Package::Core, Package::Root] {
        // Each room may use only rooms that stand before it, which is an order without cycles. Rooms that compose all
        // the others use whatever stands before them.
        let mut before: Vec<&str> = Vec::new();
        for room in package.rooms() {
            let Use::Only(names) = room.may_use else {
                before.push(room.name);
                continue;
            };
            for name in names {
                assert!(
                    before.contains(name),
                    "`{}` uses `{name}`, which does not stand before it",
                    room.name
                );
            }
            before.push(room.name);
        }
    }
}
