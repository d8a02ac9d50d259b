//! The cookie: finding it in a request without parsing the rest, and writing it into a response.

use std::cell::RefCell;

use ::cookie::Cookie;

use crate::clock::Time;
use crate::error::{Error, SettingsError};
use crate::settings::{SameSite, Settings};

/// Browsers keep a cookie of at most 4096 bytes, name and value together (RFC 6265 section 6.1, ASVS 3.3.5).
const MAX_COOKIE_BYTES: usize = 4096;

/// `=` and a token; `; Max-Age=`, ten digits at most for 300 years; `; Expires=` and a date.
const TOKEN_AND_DATES: usize = 1 + 50 + 10 + 10 + 10 + 29;

/// The cookie of one application, with all that never changes rendered once.
#[derive(Debug)]
pub(crate) struct CookieTemplate {
    name: String,
    /// `; HttpOnly; SameSite=Lax; Secure; Path=/`: also what the removal repeats, or a browser would not match it.
    attributes: String,
}

impl CookieTemplate {
    /// Checks the settings' cookie: what a browser would refuse, or would read otherwise, does not build.
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let Settings { cookie_name: name, cookie_path: path, cookie_domain: domain, .. } = settings;
        check(
            name,
            is_cookie_name(name),
            "a cookie's name is a token of RFC 9110: letters, digits and !#$%&'*+-.^_`|~",
        )?;
        check(
            path,
            is_path(path),
            "a cookie's path begins with `/` and has no control character, comma or semicolon",
        )?;
        if let Some(domain) = domain {
            check(domain, is_domain(domain), "a cookie's domain is a host name, without port or scheme")?;
        }
        check(
            name,
            !has_prefix(name, "__Host-") || (settings.cookie_secure && path == "/" && domain.is_none()),
            "a browser takes a `__Host-` cookie only with Secure, path `/` and no domain",
        )?;
        check(
            name,
            !has_prefix(name, "__Secure-") || settings.cookie_secure,
            "a browser takes a `__Secure-` cookie only with Secure",
        )?;
        let needs_secure = settings.cookie_same_site == SameSite::None || settings.cookie_partitioned;
        check(
            name,
            !needs_secure || settings.cookie_secure,
            "a browser takes a SameSite=None or Partitioned cookie only with Secure",
        )?;
        let longest = usize::try_from(settings.cookie_age.as_secs()).is_ok();
        check(name, longest && !settings.cookie_age.is_zero(), "a cookie's age is at least one second")?;
        Ok(Self { name: name.clone(), attributes: render_attributes(settings) })
    }

    /// Whether a browser keeps a cookie with a value of this many bytes.
    pub(crate) fn check_size(&self, value: usize) -> Result<(), Error> {
        let size = self.name.len() + value;
        if size > MAX_COOKIE_BYTES { Err(Error::TooLarge { size, limit: MAX_COOKIE_BYTES }) } else { Ok(()) }
    }

    /// The values of all cookies of the name, in the order of the header. The name is compared byte for byte (T26).
    pub(crate) fn values<'a>(&'a self, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        header.split(|b| *b == b';').filter_map(|pair| {
            let value = pair.trim_ascii().strip_prefix(self.name.as_bytes())?.strip_prefix(b"=")?;
            Some(value)
        })
    }

    /// `Set-Cookie` for a value; without a deadline it lasts until the browser is closed.
    pub(crate) fn set(
        &self,
        write_value: impl FnOnce(&mut String),
        expires_at: Option<Time>,
        now: Time,
    ) -> String {
        let mut header = String::with_capacity(self.room());
        header.push_str(&self.name);
        header.push('=');
        #[cfg(feature = "testing")]
        let value_at = header.len();
        write_value(&mut header);
        #[cfg(feature = "testing")]
        crate::testing::leaks::issued(&header.as_bytes()[value_at..]);
        header.push_str(&self.attributes);
        if let Some(at) = expires_at {
            // Rounded up: a moment passes between a save and this line, and no cookie goes before its session.
            let lasts = at.since(now);
            let seconds = lasts.as_secs() + u64::from(lasts.subsec_nanos() > 0);
            header.push_str("; Max-Age=");
            header.push_str(itoa::Buffer::new().format(seconds));
            header.push_str("; Expires=");
            push_date(at.max(Time::from_millis(0)), &mut header);
        }
        header
    }

    /// For a token that is all; a sealed session makes the header grow.
    fn room(&self) -> usize {
        self.name.len() + self.attributes.len() + TOKEN_AND_DATES
    }

    /// `Set-Cookie` that makes the browser forget it.
    pub(crate) fn clear(&self) -> String {
        format!("{}={}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT", self.name, self.attributes)
    }
}

/// Appends a date as HTTP has it. In a second most cookies have the same one.
fn push_date(at: Time, header: &mut String) {
    thread_local! {
        static LAST: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    LAST.with_borrow_mut(|(second, date)| {
        let this = at.as_millis().div_euclid(1000);
        if *second != this {
            *date = httpdate::fmt_http_date(at.into());
            *second = this;
        }
        header.push_str(date);
    });
}

fn check(value: &str, ok: bool, rule: &'static str) -> Result<(), SettingsError> {
    if ok { Ok(()) } else { Err(SettingsError::Cookie { value: value.to_owned(), rule }) }
}

fn render_attributes(settings: &Settings) -> String {
    let mut cookie = Cookie::build("")
        .path(&settings.cookie_path)
        .secure(settings.cookie_secure)
        .http_only(settings.cookie_http_only)
        .partitioned(settings.cookie_partitioned)
        .same_site(match settings.cookie_same_site {
            SameSite::Lax => ::cookie::SameSite::Lax,
            SameSite::Strict => ::cookie::SameSite::Strict,
            SameSite::None => ::cookie::SameSite::None,
        });
    if let Some(domain) = &settings.cookie_domain {
        cookie = cookie.domain(domain);
    }
    cookie.build().to_string().trim_start_matches('=').to_owned()
}

/// Browsers compare the prefixes without regard to case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_cookie_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|c| (b' '..=b'~').contains(&c) && c != b';' && c != b',')
}

fn is_domain(domain: &str) -> bool {
    let labels = domain.strip_prefix('.').unwrap_or(domain);
    labels.len() <= 253
        && labels.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn template(settings: &Settings) -> CookieTemplate {
        CookieTemplate::new(settings).unwrap()
    }

    /// C4, C7: `Secure`, path `/` and no `Domain`.
    #[test]
    fn a_cookie_has_the_default_attributes_and_the_deadline_twice() {
        let now = Time::from_millis(1_700_000_000_000);
        let header = template(&Settings::default()).set(
            |out| out.push_str("abc"),
            Some(now + Duration::from_secs(3600)),
            now,
        );
        let cookie = Cookie::parse(header).unwrap();
        assert_eq!(cookie.name_value(), ("sessionid", "abc"));
        assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
        assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
        assert_eq!(cookie.same_site(), Some(::cookie::SameSite::Lax));
        assert_eq!(cookie.max_age().unwrap().whole_seconds(), 3600);
        assert_eq!(cookie.expires_datetime().unwrap().unix_timestamp(), 1_700_003_600);
    }

    /// No cookie goes before its session, and `Max-Age` has no fractions.
    #[test]
    fn a_part_of_a_second_is_a_second() {
        let now = Time::from_millis(1_700_000_000_000);
        for (millis, seconds) in [(999, 1), (1000, 1), (1001, 2), (1999, 2), (0, 0)] {
            let until = Some(now + Duration::from_millis(millis));
            let header = template(&Settings::default()).set(|_| {}, until, now);
            let max_age = Cookie::parse(header).unwrap().max_age().unwrap();
            assert_eq!(max_age.whole_seconds(), seconds, "{millis}");
        }
    }

    /// C8: name and value together.
    #[test]
    fn a_cookie_has_as_many_bytes_as_a_browser_keeps() {
        let template = template(&Settings::default().with_cookie_name("name"));
        template.check_size(4092).unwrap();
        let error = template.check_size(4093).unwrap_err();
        assert!(matches!(error, Error::TooLarge { size: 4097, limit: 4096 }), "{error:?}");
    }

    /// peers.md, pavex 6: a removal that leaves an attribute out does not remove a `__Host-` cookie.
    #[test]
    fn the_removal_repeats_every_attribute() {
        let settings = Settings::default()
            .with_cookie_domain(Some("example.org".to_owned()))
            .with_cookie_path("/shop")
            .with_cookie_partitioned(true)
            .with_cookie_same_site(SameSite::None);
        let cookie = Cookie::parse(template(&settings).clear()).unwrap();
        assert_eq!(cookie.value(), "");
        assert_eq!(cookie.max_age().unwrap().whole_seconds(), 0);
        assert_eq!((cookie.path(), cookie.domain()), (Some("/shop"), Some("example.org")));
        assert_eq!((cookie.secure(), cookie.partitioned()), (Some(true), Some(true)));
        assert_eq!(cookie.same_site(), Some(::cookie::SameSite::None));
    }

    /// T26: a name is compared as it is, never decoded, and no part of another name is taken for it.
    #[test]
    fn only_cookies_of_exactly_this_name_are_found() {
        let template = template(&Settings::default().with_host_prefix());
        let header = b"sessionid=a; __Host-sessionid=b;__host-sessionid=c; __Host%2Dsessionid=d; x__Host-sessionid=e; \
                       __Host-sessionidx=f; __Host-sessionid; ;; =; __Host-sessionid=g=h; \xff=\xfe";
        let found: Vec<_> = template.values(header).collect();
        assert_eq!(found, [&b"b"[..], b"g=h"]);
    }

    /// T30, C4, C7: what a browser refuses, or what would end the header early, does not build.
    #[test]
    fn a_cookie_that_browsers_refuse_does_not_build() {
        let d = Settings::default;
        let bad = [
            d().with_host_prefix().with_cookie_secure(false),
            d().with_host_prefix().with_cookie_path("/x"),
            d().with_host_prefix().with_cookie_domain(Some("example.org".to_owned())),
            d().with_cookie_name("__host-x").with_cookie_secure(false),
            d().with_cookie_name("__Secure-x").with_cookie_secure(false),
            d().with_cookie_same_site(SameSite::None).with_cookie_secure(false),
            d().with_cookie_partitioned(true).with_cookie_secure(false),
            d().with_cookie_name(""),
            d().with_cookie_name("a b"),
            d().with_cookie_name("a;b"),
            d().with_cookie_name("a,b"),
            d().with_cookie_name("a\"b"),
            d().with_cookie_name("a\r\nSet-Cookie: b"),
            d().with_cookie_path("x"),
            d().with_cookie_path("/;Domain=x"),
            d().with_cookie_path("/a,b"),
            d().with_cookie_path("/\r\n"),
            d().with_cookie_domain(Some("a b".to_owned())),
            d().with_cookie_domain(Some("example.org:80".to_owned())),
            d().with_cookie_domain(Some("a\r\n.b".to_owned())),
            d().with_cookie_domain(Some(String::new())),
            d().with_cookie_age(Duration::ZERO),
        ];
        for settings in bad {
            let error = CookieTemplate::new(&settings).expect_err(&format!("{settings:?}"));
            assert!(matches!(error, SettingsError::Cookie { .. }));
        }
        assert!(CookieTemplate::new(&d().with_host_prefix()).is_ok());
    }
}
