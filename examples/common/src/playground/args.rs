//! The command line of a playground.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Parser, ValueEnum};
use session_core::{SameSite, SecretKeys, Settings};

/// Serves every session feature over HTTP.
#[derive(Clone, Debug, Parser)]
#[command(name = "playground")]
pub struct Args {
    /// Where to serve; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// Where sessions live: `memory:`, `file:PATH`, `sqlite:PATH`, `postgres://…`, `mysql://…`, `redis://…`, `cookie:` …
    #[arg(long, value_name = "URL", default_value = "memory:")]
    pub store: String,
    /// Put a write-through cache before the store
    #[arg(long, value_name = "URL")]
    pub cache: Option<String>,
    /// How a session is written in the store
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// What cookies are signed with
    #[arg(long, value_name = "S", default_value = DEVELOPMENT_KEY, hide_default_value = true)]
    pub secret_key: SecretKey,
    /// A key that signed cookies until lately; may be repeated, newest first
    #[arg(long, value_name = "S")]
    pub secret_key_fallback: Vec<SecretKey>,
    /// Worker threads; the framework's own number if left out
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// For development and tests: everybody who reads this knows it.
const DEVELOPMENT_KEY: &str = "a-development-key-that-everybody-knows-0123456789";

impl Args {
    /// Reads the command line of this process. Where it is wrong, the process ends with a message that says so.
    pub fn from_command_line() -> Self {
        Self::from_words(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads these words, of which the first is the program's name.
    pub fn from_words<W: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = W>,
    ) -> Result<Self, clap::Error> {
        Self::try_parse_from(words)
    }

    /// What the flags say about sessions.
    pub fn settings(&self) -> Settings {
        self.settings.to_settings()
    }

    /// The keys for signed and encrypted cookies, and for Django's format.
    ///
    /// A playground takes any text for a key. Django does as well, but the library itself none that is shorter than 32 bytes: a text
    /// is repeated until it is long enough, which makes it no harder to guess. An application draws its keys at random.
    pub fn secret_keys(&self) -> SecretKeys {
        let long = |key: &SecretKey| match self.format {
            Format::Native => key.0.repeat(32_usize.div_ceil(key.0.len().max(1))),
            Format::Django => key.0.clone(),
        };
        let keys = SecretKeys::new(long(&self.secret_key));
        self.secret_key_fallback.iter().fold(keys, |keys, old| keys.with_fallback(long(old)))
    }
}

/// How a session is written in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
#[expect(clippy::exhaustive_enums, reason = "a binary must handle every format")]
pub enum Format {
    /// This project's own
    #[default]
    Native,
    /// Django's
    Django,
}

/// A key that signs cookies. Its `Debug` does not show it.
#[derive(Clone)]
pub struct SecretKey(String);

impl From<&str> for SecretKey {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

/// The flags that are settings.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
struct SettingsArgs {
    /// The cookie's name
    #[arg(long, value_name = "NAME", default_value = "sessionid")]
    cookie_name: String,
    /// How long a session lasts after its last write
    #[arg(long, value_name = "SECONDS", default_value_t = 1_209_600)]
    cookie_age: u64,
    /// The cookie's domain
    #[arg(long, value_name = "DOMAIN")]
    cookie_domain: Option<String>,
    /// The cookie's path
    #[arg(long, value_name = "PATH", default_value = "/")]
    cookie_path: String,
    /// Whether the cookie is sent over HTTPS alone
    #[arg(long, value_name = "BOOL", default_value = "false", value_parser = BoolishValueParser::new(), action = ArgAction::Set)]
    cookie_secure: bool,
    /// Whether scripts are kept from the cookie
    #[arg(long, value_name = "BOOL", default_value = "true", value_parser = BoolishValueParser::new(), action = ArgAction::Set)]
    cookie_httponly: bool,
    /// On which requests from other sites the cookie is sent
    #[arg(long, default_value = "lax", ignore_case = true, value_parser = same_site())]
    cookie_samesite: SameSite,
    /// Whether the cookie goes when the browser is closed
    #[arg(long, value_name = "BOOL", default_value = "false", value_parser = BoolishValueParser::new(), action = ArgAction::Set)]
    expire_at_browser_close: bool,
    /// Whether every request renews the deadline
    #[arg(long, value_name = "BOOL", default_value = "false", value_parser = BoolishValueParser::new(), action = ArgAction::Set)]
    save_every_request: bool,
    /// End a session this long after its last use
    #[arg(long, value_name = "SECONDS")]
    idle_timeout: Option<u64>,
    /// End a session this long after it began, however busy it is
    #[arg(long, value_name = "SECONDS")]
    absolute_timeout: Option<u64>,
    /// Give a session a new token when the one it has is older than this
    #[arg(long, value_name = "SECONDS")]
    renew_every: Option<u64>,
    /// How many sessions an account may have; the oldest ends
    #[arg(long, value_name = "N")]
    max_sessions: Option<NonZeroU32>,
}

impl SettingsArgs {
    fn to_settings(&self) -> Settings {
        let seconds = |flag: Option<u64>| flag.map(Duration::from_secs);
        Settings::default()
            .with_cookie_name(&self.cookie_name)
            .with_cookie_age(Duration::from_secs(self.cookie_age))
            .with_cookie_domain(self.cookie_domain.clone())
            .with_cookie_path(&self.cookie_path)
            .with_cookie_secure(self.cookie_secure)
            .with_cookie_http_only(self.cookie_httponly)
            .with_cookie_same_site(self.cookie_samesite)
            .with_expire_at_browser_close(self.expire_at_browser_close)
            .with_save_every_request(self.save_every_request)
            .with_idle_timeout(seconds(self.idle_timeout))
            .with_absolute_timeout(seconds(self.absolute_timeout))
            .with_renew_every(seconds(self.renew_every))
            .with_max_sessions(self.max_sessions)
    }
}

fn same_site() -> impl TypedValueParser<Value = SameSite> {
    PossibleValuesParser::new(["lax", "strict", "none"]).map(|name| match &*name.to_lowercase() {
        "strict" => SameSite::Strict,
        "none" => SameSite::None,
        _ => SameSite::Lax,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &str) -> Result<Args, clap::Error> {
        Args::from_words(std::iter::once("playground").chain(flags.split_whitespace()))
    }

    fn settings(flags: &str) -> String {
        format!("{:?}", parse(flags).unwrap().settings())
    }

    #[test]
    fn the_defaults_are_the_contract() {
        let args = parse("").unwrap();
        assert_eq!(args.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(args.store, "memory:");
        assert_eq!(args.format, Format::Native);
        assert_eq!((args.cache, args.workers), (None, None));
        assert_eq!(settings(""), format!("{:?}", Settings::default().with_cookie_secure(false)));
    }

    #[test]
    fn every_setting_has_its_flag() {
        let minutes = Duration::from_mins;
        let expected = Settings::default()
            .with_cookie_name("shop")
            .with_cookie_age(minutes(1))
            .with_cookie_domain(Some("example.org".to_owned()))
            .with_cookie_path("/shop")
            .with_cookie_secure(true)
            .with_cookie_http_only(false)
            .with_cookie_same_site(SameSite::None)
            .with_expire_at_browser_close(true)
            .with_save_every_request(true)
            .with_idle_timeout(Some(minutes(2)))
            .with_absolute_timeout(Some(minutes(3)))
            .with_renew_every(Some(minutes(4)))
            .with_max_sessions(NonZeroU32::new(5));
        let flags = "--cookie-name shop --cookie-age 60 --cookie-domain example.org --cookie-path /shop \
            --cookie-secure true --cookie-httponly false --cookie-samesite None --expire-at-browser-close true \
            --save-every-request true --idle-timeout 120 --absolute-timeout 180 --renew-every 240 --max-sessions 5";
        assert_eq!(settings(flags), format!("{expected:?}"));
    }

    #[test]
    fn keys_come_newest_first_and_are_not_shown() {
        let args = parse("--secret-key new --secret-key-fallback old --secret-key-fallback older").unwrap();
        let keys = args.secret_keys();
        let starts: Vec<_> = keys.iter().map(|key| &key[..6]).collect();
        assert_eq!(starts, [b"newnew", b"oldold", b"oldero"]);
        assert!(keys.iter().all(|key| key.len() >= 32));
        assert!(!format!("{args:?}").contains("older"));
        let django = parse("--format django --secret-key new").unwrap();
        assert_eq!(django.secret_keys().newest(), b"new", "Django signs with the key as it is");
    }

    #[test]
    fn what_is_no_value_is_an_error() {
        for flags in [
            "--cookie-secure maybe",
            "--cookie-samesite both",
            "--max-sessions 0",
            "--idle-timeout -1",
            "--x",
        ] {
            assert!(parse(flags).is_err(), "{flags}");
        }
    }
}
