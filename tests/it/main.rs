//! Integration tests: everything that needs no cluster.

mod architecture;
