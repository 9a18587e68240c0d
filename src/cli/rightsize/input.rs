use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// The text of a file, or of stdin for `-`.
pub(super) fn text(path: &Path) -> io::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path)
}
