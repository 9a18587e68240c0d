//! How the YAML parser is set up, and what it says in plain words.

use serde_saphyr::{Error, Options, UserMessageFormatter};

/// Only `true` and `false` are truth values: Norway is `NO`, and a pool may be called `on`.
pub(super) fn options() -> Options {
    serde_saphyr::options! { strict_booleans: true }
}

/// The parser's message in the words of somebody who writes settings, without the place, which stands before it.
pub(super) fn plain_message(error: &Error) -> String {
    const WORDS: [(&str, &str); 10] = [
        ("expected sequence start", "expected a list"),
        ("expected mapping start", "expected a map of keys"),
        ("expected string scalar", "expected a text"),
        ("invalid u64", "expected a whole number, zero or above"),
        ("invalid u32", "expected a whole number, zero or above"),
        ("invalid u16", "expected a whole number from 0 to 65535"),
        ("invalid i64", "expected a whole number"),
        ("invalid f64", "expected a number"),
        ("invalid floating point", "expected a number"),
        ("invalid bool", "expected true or false"),
    ];
    let rendered = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    let message = rendered.split(" at line ").next().unwrap_or_default().trim();
    let plain = WORDS.iter().find(|(parser, _)| message.starts_with(parser));
    plain.map_or_else(|| message.to_owned(), |(_, plain)| (*plain).to_owned())
}
