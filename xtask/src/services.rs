//! The servers that tests run against, and `cargo xtask services`, which runs them for tests by hand.

use std::any::Any;
use std::io;
use std::thread;
use std::time::Instant;

use test_services::{MariaDb, Postgres, Redis, RedisCluster, RedisSentinel, StartError, WITHOUT};

use crate::packages::{MYSQL, Need, POSTGRES, REDIS};
use crate::{Outcome, disk};

/// A running server's URL, and its handle: it ends with that.
type Running = (String, Box<dyn Any + Send>);

/// A server that tests ask for by its name.
struct Service {
    name: &'static str,
    need: &'static Need,
    start: fn() -> Result<Running, StartError>,
}

const SERVICES: &[Service] = &[
    Service { name: "postgres", need: &POSTGRES, start: || Postgres::start().map(|s| (s.url(), boxed(s))) },
    Service { name: "mysql", need: &MYSQL, start: || MariaDb::start().map(|s| (s.url(), boxed(s))) },
    Service { name: "redis", need: &REDIS, start: || Redis::start().map(|s| (s.url(), boxed(s))) },
    Service {
        name: "redis-cluster",
        need: &REDIS,
        start: || RedisCluster::start().map(|s| (s.url(), boxed(s))),
    },
    Service {
        name: "redis-sentinel",
        need: &REDIS,
        start: || RedisSentinel::start().map(|s| (s.url(), boxed(s))),
    },
];

fn boxed(server: impl Any + Send) -> Box<dyn Any + Send> {
    Box::new(server)
}

/// The servers that were started, which end with this value, and what tests are told about all of them.
#[derive(Debug, Default)]
pub(crate) struct Services {
    running: Vec<Box<dyn Any + Send>>,
    /// Names and values of variables: a URL for each server that was started.
    pub(crate) urls: Vec<(String, String)>,
    /// What there is none of, by the names of [`WITHOUT`].
    pub(crate) without: Vec<&'static str>,
    /// The same for people, with what to do.
    pub(crate) not_run: Vec<String>,
}

impl Services {
    /// Starts all servers at once, except those whose URL is in the environment already and those that cannot be had here. One that
    /// is installed and does not start is an error.
    pub(crate) fn start() -> Result<Self, String> {
        let mut services = Self::default();
        for need in [&POSTGRES, &MYSQL, &REDIS] {
            // Even where all URLs are given: some tests kill servers of their own.
            services.note(need.name, need.provide());
        }
        services.note(disk::NAME, disk::provide());
        let is_given = |service: &Service| std::env::var(service.variable()).is_ok_and(|url| !url.is_empty());
        let wanted: Vec<_> = SERVICES.iter().filter(|service| !is_given(service)).collect();
        let (missing, had): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|service| services.without.contains(&service.need.name));
        for service in missing {
            let advice = format!("what needs {}: as above, or set {}", service.name, service.variable());
            services.note(service.name, Err(advice));
        }
        let start = Instant::now();
        let names: Vec<_> = had.iter().map(|service| service.name).collect();
        eprintln!(
            "\n==> starting {}",
            if names.is_empty() { "no server".to_owned() } else { names.join(", ") }
        );
        let started: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = had.iter().map(|service| scope.spawn(service.start)).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for (service, outcome) in had.iter().zip(started) {
            let outcome = outcome.map_err(|_| format!("{} panicked while it started", service.name))?;
            let (url, handle) = outcome.map_err(|error| error.to_string())?;
            services.urls.push((service.variable(), url));
            services.running.push(handle);
        }
        eprintln!("    {:.1} s", start.elapsed().as_secs_f64());
        Ok(services)
    }

    /// Notes what cannot be had.
    pub(crate) fn note(&mut self, name: &'static str, outcome: Outcome) {
        if let Err(advice) = outcome {
            self.without.push(name);
            self.not_run.push(advice);
        }
    }

    /// The variables that tests read: the URLs, and what there is none of.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let without = (!self.without.is_empty()).then(|| (WITHOUT.to_owned(), self.without.join(",")));
        self.urls.iter().cloned().chain(without).collect()
    }
}

impl Service {
    /// The variable that has its URL.
    fn variable(&self) -> String {
        format!("TEST_{}_URL", self.name.to_uppercase().replace('-', "_"))
    }
}

/// Runs the servers until Enter is pressed or standard input ends, for `cargo test -p …` in another terminal.
pub(crate) fn run() -> Outcome {
    let services = Services::start()?;
    for (name, value) in services.variables() {
        println!("export {name}='{value}'");
    }
    services.not_run.iter().for_each(|what| eprintln!("not there: {what}"));
    eprintln!("\nEnter stops {} servers", services.running.len());
    io::stdin().read_line(&mut String::new()).map_err(|error| error.to_string())?;
    Ok(())
}
