//! What the tests of the examples share: each framework's binaries are started as processes, spoken to over sockets, and killed.
//!
//! A package's tests are one line each: [`demo_tests!`], [`playground_tests!`] and [`quickstart_test!`]. They panic where something is
//! wrong, and say what.

#![expect(clippy::missing_panics_doc, reason = "every function here is a test")]

pub mod browser;
pub mod demo;
mod driver;
pub mod playground;
pub mod quickstart;
pub mod screenshot;
mod server;

pub use server::Server;

/// The tests of a demo's binary: `demo_tests!(env!("CARGO_BIN_EXE_example-axum"))`.
#[macro_export]
macro_rules! demo_tests {
    ($program:expr) => {
        #[test]
        fn sessions_survive_kill_9() {
            $crate::run($crate::demo::survives_a_restart($program));
        }

        #[test]
        fn every_page_answers() {
            $crate::run($crate::demo::every_page_answers($program));
        }

        #[test]
        fn a_browser_tells_the_story() {
            $crate::run($crate::browser::tells_the_story($program));
        }
    };
}

/// The tests of a playground's binary: `playground_tests!(env!("CARGO_BIN_EXE_playground-axum"))`.
#[macro_export]
macro_rules! playground_tests {
    ($program:expr) => {
        #[test]
        fn it_conforms_on_memory() {
            $crate::run($crate::playground::conforms_on_memory($program));
        }

        #[test]
        fn it_conforms_on_sqlite() {
            $crate::run($crate::playground::conforms_on_sqlite($program));
        }

        #[test]
        fn it_conforms_on_a_folder() {
            $crate::run($crate::playground::conforms_on_a_folder($program));
        }

        #[test]
        fn it_conforms_behind_a_cache() {
            $crate::run($crate::playground::conforms_behind_a_cache($program));
        }

        #[test]
        fn it_conforms_on_servers() {
            $crate::run($crate::playground::conforms_on_servers($program));
        }

        #[test]
        fn it_conforms_in_cookies() {
            $crate::run($crate::playground::conforms_in_cookies($program));
        }

        #[test]
        fn it_conforms_in_django_s_format() {
            $crate::run($crate::playground::conforms_in_django_s_format($program));
        }

        #[test]
        fn it_refuses_what_it_does_not_know() {
            $crate::playground::refuses_what_it_does_not_know($program);
        }
    };
}

/// The test of a quickstart's binary: `quickstart_test!(env!("CARGO_BIN_EXE_quickstart-axum"))`.
#[macro_export]
macro_rules! quickstart_test {
    ($program:expr) => {
        #[test]
        fn the_quickstart_counts_visits() {
            $crate::run($crate::quickstart::counts_visits($program));
        }
    };
}

/// Runs a test's future to its end, on several threads.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test)
}
