//! Integration tests: everything that needs no cluster.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod deploy;
