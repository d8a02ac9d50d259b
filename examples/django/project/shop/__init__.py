"""A small shop, whose views move to a service in Rust, one after the other."""
