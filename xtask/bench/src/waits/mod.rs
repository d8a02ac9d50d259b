//! How often a request waits for its store, one wait behind the other: counted between the two, by a proxy.

mod proxy;

use std::net::SocketAddr;

use proxy::Proxy;

use crate::http::Visitor;
use crate::server::Server;
use crate::stack::Stack;
use crate::stores::Stores;
use crate::table::{Out, Page, Table};
use crate::{Outcome, bounds};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stores: Stores,
    /// How often each request is sent; the middle one counts
    #[arg(long, default_value_t = 11)]
    times: usize,
    #[command(flatten)]
    out: Out,
}

/// What a request does, and what comes before it.
struct Case {
    title: &'static str,
    path: &'static str,
    has_session: bool,
    only_ours: bool,
}

const fn case(title: &'static str, path: &'static str, has_session: bool) -> Case {
    Case { title, path, has_session, only_ours: false }
}

const CASES: [Case; 8] = [
    case("untouched", "/untouched", false),
    case("untouched, cookie", "/untouched", true),
    case("read", "/read", true),
    case("write", "/write", true),
    case("new", "/write", false),
    case("login", "/login", true),
    case("logout", "/logout", true),
    Case { title: "logout, lazily", path: "/logout-lazily", has_session: true, only_ours: true },
];

/// Who is asked, on which of the servers.
const STACKS: &[(Stack, &[&str])] = &[
    (Stack::AxumOurs, &["redis", "postgres", "mysql"]),
    (Stack::ActixOurs, &["redis", "postgres", "mysql"]),
    (Stack::RocketOurs, &["redis", "postgres", "mysql"]),
    #[cfg(feature = "peers")]
    (Stack::AxumTowerSessions, &["redis", "postgres"]),
    #[cfg(feature = "peers")]
    (Stack::AxumSession, &["redis"]),
    #[cfg(feature = "peers")]
    (Stack::ActixSession, &["redis"]),
    #[cfg(feature = "peers")]
    (Stack::RocketFlexSession, &["redis", "postgres"]),
];

pub(crate) async fn run(args: &Args) -> Outcome {
    let columns = CASES.map(|case| case.title.to_owned());
    let mut table = Table::new(["sequential waits on the store".to_owned()].into_iter().chain(columns));
    let mut page = Page::default();
    for (stack, stores) in STACKS {
        for (name, url) in args.stores.servers().filter(|(name, _)| stores.contains(name)) {
            let title = format!("{}: {}, {name}", stack.framework().title(), stack.title());
            eprintln!("  {title}");
            let waits = count(*stack, url, args.times).await.map_err(|error| format!("{title}: {error}"))?;
            let cells = CASES.iter().zip(waits).map(|(case, waits)| match waits {
                None => "–".to_owned(),
                Some(waits) if stack.is_ours() => {
                    let what = format!("{title}, {}", case.title);
                    page.bounded(what, f64::from(waits), f64::from(bounds::waits(case.title)), 0)
                }
                Some(waits) => waits.to_string(),
            });
            let cells: Vec<_> = cells.collect();
            table.row([title].into_iter().chain(cells));
        }
    }
    page.table(&table);
    page.finish("waits", &args.out)
}

/// The waits of each case; none where the stack has no such case.
async fn count(stack: Stack, url: &str, times: usize) -> Result<Vec<Option<u32>>, String> {
    /// Each of a pool's connections prepares each statement once.
    const WARM_UP: usize = 24;
    let because = |error: Box<dyn std::error::Error + Send + Sync>| error.to_string();
    let (before, place, after) = split(url).ok_or("no place in the URL")?;
    let proxy = Proxy::start(place).await.map_err(|error| error.to_string())?;
    let store = format!("{before}{}{after}", proxy.address());
    // It blocks until the server answers, which needs the proxy.
    let server = tokio::task::spawn_blocking(move || Server::start(stack, &store).map_err(|e| e.to_string()));
    let server = server.await.map_err(|error| error.to_string())??;
    let mut visitor = Visitor::new(server.address()).await.map_err(because)?;
    let mut all = Vec::new();
    for case in &CASES {
        if case.only_ours && !stack.is_ours() {
            all.push(None);
            continue;
        }
        let mut counts = Vec::new();
        for n in 0..WARM_UP + times {
            visitor.forget();
            if case.has_session {
                visitor.get("/write").await.map_err(because)?;
            }
            let before = proxy.waits().await;
            visitor.get(case.path).await.map_err(because)?;
            let waits = proxy.waits().await - before;
            if n >= WARM_UP {
                counts.push(u32::try_from(waits).unwrap_or(u32::MAX));
            }
        }
        counts.sort_unstable();
        all.push(counts.get(counts.len() / 2).copied());
    }
    Ok(all)
}

/// A URL before its server's address, that, and the rest.
fn split(url: &str) -> Option<(&str, SocketAddr, &str)> {
    let start = url.find("127.0.0.1:")?;
    let length = url[start..].find('/').unwrap_or(url.len() - start);
    let (before, rest) = url.split_at(start);
    let (place, after) = rest.split_at(length);
    Some((before, place.parse().ok()?, after))
}
