use super::file::{self, Loaded, SettingsError, load};
use super::reload::restart_keys_changed;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What became of a changed file.
#[derive(Debug)]
pub enum Change {
    /// The new settings count from now on.
    Taken {
        /// The new settings.
        loaded: Box<Loaded>,
        /// Keys whose change waits for a restart; the process goes on with their old values.
        restart_keys: Vec<String>,
    },
    /// The file is wrong or gone; the settings before it stay.
    Refused(SettingsError),
}

/// Looks at the settings file and its tables every `interval`, and tells each change once. The contents are compared, not
/// the times: a ConfigMap is swapped by a symbolic link, and copies keep their times. Runs until it is dropped.
///
/// A file that is written in place can be read half written; it is then refused, and taken with the next look.
pub async fn watch_file(
    path: &Path,
    interval: Duration,
    mut current: Loaded,
    mut on_change: impl FnMut(Change),
) -> Infallible {
    let mut files = current.files.clone();
    let mut seen = Some(current.fingerprint);
    loop {
        tokio::time::sleep(interval).await;
        if look(&files).await == seen {
            continue;
        }
        // What is looked at is fixed before it is read: a write in between is then seen with the next look.
        files = file::files(path);
        seen = look(&files).await;
        match load(path) {
            Ok(loaded) => {
                let restart_keys = restart_keys_changed(&current.document, &loaded.document);
                seen = Some(loaded.fingerprint);
                files.clone_from(&loaded.files);
                current = loaded.clone();
                let loaded = Box::new(loaded);
                on_change(Change::Taken { loaded, restart_keys });
            }
            Err(error) => on_change(Change::Refused(error)),
        }
    }
}

/// The fingerprint of files; nothing where one of them cannot be read.
async fn look(files: &[PathBuf]) -> Option<u64> {
    let files = files.to_vec();
    let looked = tokio::task::spawn_blocking(move || {
        let texts: Result<Vec<String>, _> = files.iter().map(|path| file::read(path)).collect();
        texts
            .ok()
            .map(|texts| file::fingerprint(texts.iter().map(String::as_str)))
    });
    looked.await.ok().flatten()
}
