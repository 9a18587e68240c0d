//! The `heliotrope` binary.

fn main() {}
