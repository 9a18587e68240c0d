use super::settings::{LogFormat, LogSettings};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Sets the process's log up, on stderr. A second call changes nothing.
pub fn init(settings: &LogSettings) {
    let filter: Targets = settings
        .level
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(true);
    let registry = tracing_subscriber::registry();
    let set = match settings.format {
        LogFormat::Text => registry.with(lines.with_ansi(false).with_filter(filter)).try_init(),
        LogFormat::Json => registry.with(lines.json().with_filter(filter)).try_init(),
    };
    if set.is_err() {
        tracing::debug!("log was set up before");
    }
}
