//! From a URL to the servers that it names.

use redis::{ConnectionInfo, IntoConnectionInfo as _};

use crate::error::{AS_IT_IS, Error};
use crate::single::tcp_settings;

/// What a URL names.
pub(crate) enum Address {
    Single(Box<ConnectionInfo>),
    #[cfg(feature = "cluster")]
    Cluster(Vec<ConnectionInfo>),
    #[cfg(feature = "sentinel")]
    Sentinel(Box<Sentinels>),
}

/// Who is asked where the primary is, and how it is connected to.
#[cfg(feature = "sentinel")]
#[derive(Debug)]
pub(crate) struct Sentinels {
    /// How each is connected to.
    pub(crate) nodes: Vec<ConnectionInfo>,
    /// What they call the primary.
    pub(crate) name: String,
    /// How the primary is connected to; only its address is not known yet.
    pub(crate) primary: ConnectionInfo,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(Error::Address("it begins with a scheme, as `redis://` is"));
        };
        let scheme = scheme.to_ascii_lowercase();
        let (scheme, kind) = match scheme.split_once('+') {
            Some((plain, kind)) if kind != "unix" => (plain.to_owned(), kind),
            _ => (scheme.clone(), ""),
        };
        if !matches!(
            scheme.as_str(),
            "redis" | "rediss" | "valkey" | "valkeys" | "unix" | "redis+unix" | "valkey+unix"
        ) {
            return Err(Error::Address("it is not one of Redis, which begins with `redis:`"));
        }
        if cfg!(not(feature = "tls")) && matches!(scheme.as_str(), "rediss" | "valkeys") {
            return Err(Error::Address(
                "encrypted connections need the cargo feature `tls` of session-redis",
            ));
        }
        check_parameters(&scheme, kind, rest)?;
        match kind {
            "" => server(&format!("{scheme}:{rest}")).map(|server| Self::Single(Box::new(server))),
            "cluster" => Self::cluster(&scheme, rest),
            "sentinel" => Self::sentinel(&scheme, rest),
            _ => Err(Error::Address("after `redis` and a plus stands `cluster` or `sentinel`")),
        }
    }

    #[cfg(feature = "cluster")]
    fn cluster(scheme: &str, rest: &str) -> Result<Self, Error> {
        let parts = Parts::split(rest)?;
        let nodes = parts.hosts.iter();
        // Every node's address has the credentials, and the database, of which a cluster has one.
        let nodes = nodes.map(|host| {
            server(&format!("{scheme}://{}{host}{}{}", parts.credentials, parts.path, parts.parameters))
        });
        nodes.collect::<Result<_, _>>().map(Self::Cluster)
    }

    #[cfg(not(feature = "cluster"))]
    fn cluster(_scheme: &str, _rest: &str) -> Result<Self, Error> {
        Err(Error::Address("clusters need the cargo feature `cluster` of session-redis"))
    }

    #[cfg(feature = "sentinel")]
    fn sentinel(scheme: &str, rest: &str) -> Result<Self, Error> {
        let parts = Parts::split(rest)?;
        let mut path = parts.path.split('/').skip(1);
        let name = path.next().filter(|name| !name.is_empty());
        let name =
            name.ok_or(Error::Address("after the sentinels stands `/` and the name of what they watch"))?;
        let database = path.next().unwrap_or_default();
        let primary =
            server(&format!("{scheme}://{}primary/{database}{}", parts.credentials, parts.parameters))?;
        let (mut user, mut password) = (None, None);
        if let Some(url) = redis::parse_redis_url(&format!("redis://primary{}", parts.parameters)) {
            for (parameter, value) in url.query_pairs() {
                match &*parameter {
                    "sentinel_user" => user = Some(value.into_owned()),
                    "sentinel_password" => password = Some(value.into_owned()),
                    _ => {}
                }
            }
        }
        let sentinel = |host: &&str| {
            let sentinel = server(&format!("{scheme}://{host}"))?;
            let mut settings = sentinel.redis_settings().clone();
            if let Some(user) = &user {
                settings = settings.set_username(user);
            }
            if let Some(password) = &password {
                settings = settings.set_password(password);
            }
            Ok(sentinel.set_redis_settings(settings))
        };
        let nodes = parts.hosts.iter().map(sentinel).collect::<Result<_, Error>>()?;
        Ok(Self::Sentinel(Box::new(Sentinels { nodes, name: name.to_owned(), primary })))
    }

    #[cfg(not(feature = "sentinel"))]
    fn sentinel(_scheme: &str, _rest: &str) -> Result<Self, Error> {
        Err(Error::Address("sentinels need the cargo feature `sentinel` of session-redis"))
    }
}

/// What nobody reads would be left out in silence: `?db=3` would be the database 0.
fn check_parameters(scheme: &str, kind: &str, rest: &str) -> Result<(), Error> {
    let (known, refusal): (&[&str], _) = match kind {
        "sentinel" => (
            &["protocol", "sentinel_user", "sentinel_password"],
            "behind `?` stand `sentinel_user`, `sentinel_password` and `protocol`, and nothing else",
        ),
        "" if scheme.ends_with("unix") => (
            &["db", "user", "pass", "protocol"],
            "behind the `?` of a socket stand `db`, `user`, `pass` and `protocol`, and nothing else",
        ),
        _ => (
            &["protocol"],
            "behind `?` stands `protocol`, and nothing else: the number of the database stands behind `/`",
        ),
    };
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let mut names = query.split('#').next().unwrap_or_default().split('&').map(|one| one.split('=').next());
    let is_known = |name: Option<&str>| name.is_none_or(|name| name.is_empty() || known.contains(&name));
    if names.all(is_known) { Ok(()) } else { Err(Error::Address(refusal)) }
}

fn server(url: &str) -> Result<ConnectionInfo, Error> {
    // The reason that the crate gives may repeat the URL, and there may be a password in it.
    let server = url.into_connection_info();
    Ok(server.map_err(|_| Error::Address(AS_IT_IS))?.set_tcp_settings(tcp_settings()))
}

/// A URL with several hosts.
#[cfg(any(feature = "cluster", feature = "sentinel"))]
struct Parts<'a> {
    /// With their `@`.
    credentials: &'a str,
    hosts: Vec<&'a str>,
    /// With its `/`.
    path: &'a str,
    /// With their `?`, or the `#insecure` of an encrypted connection that trusts anybody.
    parameters: &'a str,
}

#[cfg(any(feature = "cluster", feature = "sentinel"))]
impl<'a> Parts<'a> {
    fn split(rest: &'a str) -> Result<Self, Error> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let at = rest.find(['?', '#']).unwrap_or(rest.len());
        let (rest, parameters) = rest.split_at(at);
        // In credentials a `/` is written `%2F`, as in any URL.
        let (rest, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (credentials, hosts) = rest.split_at(rest.rfind('@').map_or(0, |at| at + 1));
        let hosts: Vec<_> = hosts.split(',').map(str::trim).collect();
        if hosts.iter().any(|host| host.is_empty()) {
            return Err(Error::Address("it names its servers as `host:port,host:port`"));
        }
        Ok(Self { credentials, hosts, path, parameters })
    }
}
