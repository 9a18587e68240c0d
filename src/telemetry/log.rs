use super::settings::{LogFormat, LogSettings};
use std::io;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, reload};

/// Changes what is logged while the process runs.
#[derive(Debug, Clone)]
pub struct LogHandle {
    filter: reload::Handle<Targets, Registry>,
}

impl LogHandle {
    /// Takes another `log.level`; the format of lines waits for a restart.
    pub fn set_level(&self, level: &str) {
        if self.filter.reload(filter(level)).is_err() {
            tracing::debug!("the log is gone, so its level stays");
        }
    }
}

/// Sets the process's log up, on stderr. A second call changes nothing that is logged, and its handle has no effect.
#[must_use]
pub fn init(settings: &LogSettings) -> LogHandle {
    let (layer, handle) = layer(settings, io::stderr);
    if tracing_subscriber::registry().with(layer).try_init().is_err() {
        tracing::debug!("log was set up before");
    }
    handle
}

/// The lines of a log and what changes its level.
fn layer<W>(settings: &LogSettings, writer: W) -> (Box<dyn Layer<Registry> + Send + Sync>, LogHandle)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter(&settings.level));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(true);
    let layer = match settings.format {
        LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    (layer, LogHandle { filter: handle })
}

/// Settings were checked before; what is no filter even so logs at `info`.
fn filter(level: &str) -> Targets {
    level
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut lines = self.0.lock().map_err(|_| io::Error::other("poisoned"))?;
            lines.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_level_changes_while_the_log_runs() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let (lines, level) = (Lines::default(), "warn".to_owned());
            let writer = lines.clone();
            let (layer, handle) = layer(&LogSettings { level, format }, move || writer.clone());
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
                tracing::info!("quiet");
                handle.set_level("heliotrope=debug");
                tracing::debug!("loud");
                handle.set_level("off");
                tracing::error!("silent");
            });
            let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
            assert!(text.contains("loud"), "{text}");
            assert!(!text.contains("quiet") && !text.contains("silent"), "{text}");
        }
    }
}
