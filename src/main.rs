//! The `heliotrope` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Two of the libraries could each bring their own cryptography; the process decides for one.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("heliotrope: a cryptography provider is installed already");
        return ExitCode::FAILURE;
    }
    heliotrope::cli::run()
}
