use std::io;
use std::path::PathBuf;

/// Why history is not kept or not taken back.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The folder cannot be used.
    #[error("history.dir {} cannot be used: {source}; mount a folder there that this user may write", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process keeps its history there.
    #[error("history.dir {} is in use by another process: give each replica a folder of its own", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("history file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one that can be taken back.
    #[error("history file {} is refused: {refusal}; {}", path.display(), told(aside.as_ref()))]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
        /// The name it has now; nothing where there was no name left, and it stays.
        aside: Option<PathBuf>,
    },
    /// There is more to write than a file may hold.
    #[error("history has {bytes} bytes, and a file may hold {max}")]
    TooLarge {
        /// What there is.
        bytes: u64,
        /// What may be.
        max: u64,
    },
    /// The file cannot be written.
    #[error("history file {} cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was not written by Heliotrope.
    #[error("it is not a history of heliotrope")]
    Foreign,
    /// It is of another version.
    #[error("it is of version {0}, and this heliotrope reads version {1}")]
    Version(u32, u32),
    /// It is shorter or longer than it says.
    #[error("it has {0} bytes instead of {1}")]
    Length(u64, u64),
    /// It was changed after it was written.
    #[error("its checksum does not fit")]
    Checksum,
    /// Its contents make no sense.
    #[error("its contents cannot be read")]
    Contents,
    /// It is larger than any that we write.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
}

fn told(aside: Option<&PathBuf>) -> String {
    match aside {
        Some(path) => format!("it is kept as {}", path.display()),
        None => "it stays, and nothing is written: move it and the files beside it away".to_owned(),
    }
}
