use super::AutoscalerOf;
use std::path::PathBuf;

/// Names the folder that `hack/controlplane/build.sh` prints.
const FOLDER: &str = "HELIOTROPE_CONTROLPLANE";

/// Which kube-scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The newest minor that is proved.
    Current,
    /// The oldest minor that is supported.
    Oldest,
}

/// The control plane's binaries.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Finds the folder, or ends the test saying how to get one: a missing control plane must not look like a pass.
    pub(crate) fn find() -> Self {
        let folder = std::env::var_os(FOLDER).unwrap_or_else(|| {
            panic!(
                "{FOLDER} is not set. It names a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler, \
                 kube-scheduler-oldest, kube-controller-manager-before-1.33, kwok, echo-extender and stages/. Build one (about ten minutes, Go only) and try again:\n\n    \
                 export {FOLDER}=$(hack/controlplane/build.sh)\n"
            )
        });
        let found = Self { folder: folder.into() };
        let control_plane: &[&str] = if crate::guest::is_guest() {
            &[]
        } else {
            &["etcd", "kube-apiserver", "kube-controller-manager"]
        };
        for name in control_plane.iter().chain(&["kwok"]) {
            let path = found.path(name);
            assert!(path.is_file(), "{FOLDER} has no {name}: run hack/controlplane/build.sh");
        }
        found
    }

    /// Where a binary is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// KWOK's stage files, without those of these names.
    pub(crate) fn stages(&self, without: &[&str]) -> Vec<PathBuf> {
        let folder = self.folder.join("stages");
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut stages: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        stages.retain(|stage| {
            !without
                .iter()
                .any(|name| stage.file_stem().is_some_and(|stem| stem == *name))
        });
        stages.sort();
        stages
    }

    /// The version of an autoscaler, likewise.
    pub(crate) fn autoscaler_version(&self, of: AutoscalerOf) -> String {
        self.written_version(match of {
            AutoscalerOf::Before133 => "before-1.33=",
            AutoscalerOf::Current => "current=",
        })
    }

    /// The version of a scheduler, as the build wrote it down; "unknown" in a folder made by hand.
    pub(crate) fn version(&self, which: Which) -> String {
        self.written_version(match which {
            Which::Current => "current=",
            Which::Oldest => "oldest=",
        })
    }

    fn written_version(&self, key: &str) -> String {
        let versions = std::fs::read_to_string(self.path("versions")).unwrap_or_default();
        let version = versions.lines().find_map(|line| line.strip_prefix(key));
        version.unwrap_or("unknown").to_owned()
    }
}
