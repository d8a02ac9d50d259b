//! The program itself, run as a person or a program would, on real stores.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

mod commands;
mod django;
mod migrate;
mod program;
mod secrets;
mod site;
mod stop;
mod stores;
