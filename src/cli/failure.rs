use crate::app::settings::SettingsError;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings file is wrong. Every problem is told.
    #[error("{}: {error}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: SettingsError,
    },
    /// The arguments are wrong.
    #[error("{0}")]
    Usage(String),
    /// Something else failed.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// Nobody reads what is written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    /// It has been told already.
    #[error("told already")]
    Told(u8),
}

impl Failure {
    /// Tells the failure on stderr, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let code = match self {
            Self::Settings {
                path,
                error: SettingsError::Refused { findings },
            } => {
                eprintln!("heliotrope: {} has {} problem(s):", path.display(), findings.len());
                for finding in findings {
                    eprintln!("  {finding}");
                }
                2
            }
            Self::Settings {
                error: error @ SettingsError::Unreadable { .. },
                ..
            } => {
                eprintln!("heliotrope: {error}");
                2
            }
            Self::Usage(message) => {
                eprintln!("heliotrope: {message}");
                2
            }
            // The reader has gone, as `| head` does.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Failed(_) | Self::Output(_) => {
                eprintln!("heliotrope: {self}");
                1
            }
            Self::Told(code) => *code,
        };
        ExitCode::from(code)
    }
}
