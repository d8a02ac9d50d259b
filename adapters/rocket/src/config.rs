//! Where sessions live and how they behave, by the application's configuration.

use std::error::Error;

use rocket::figment::error::Kind;
use rocket::figment::value::{Dict, Value};
use rocket::figment::{self, Figment};
use rocket::serde::DeserializeOwned;
use session_backends::Connect;
use session_core::{SecretKeys, Settings};

/// A section of the configuration: what names the store, and the settings.
pub(crate) fn read(figment: &Figment, section: &str) -> Result<(Connect, Settings), Box<dyn Error>> {
    let mut dict: Dict = match figment.find_value(section) {
        Ok(value) => value.deserialize().map_err(|error| readable(&error, section))?,
        Err(_) => return Err(format!(
            "there is no section `{section}`: write `[default.{section}]` with `url = \"…\"` into Rocket.toml, in the folder in which the \
             program is started or above, or set ROCKET_{}",
            section.to_uppercase()
        ).into()),
    };
    let (url, cache, keys) = (dict.remove("url"), dict.remove("cache"), dict.remove("secret_keys"));
    #[cfg(feature = "django")]
    let format = dict.remove("format");
    let url = url.ok_or_else(|| format!("`{section}.url` is missing: it says where sessions live"))?;
    let mut connect = Connect::new(secret::<String>(&url, "url is a text")?);
    if let Some(cache) = cache {
        connect = connect.with_cache(secret::<String>(&cache, "cache is a text")?);
    }
    if let Some(keys) = keys {
        const LIST: &str = "secret_keys is a list of texts, the newest first";
        let mut old = secret::<Vec<String>>(&keys, LIST)?.into_iter();
        let keys = SecretKeys::new(old.next().ok_or(LIST)?);
        connect = connect.with_secret_keys(old.fold(keys, |keys, old| keys.with_fallback(old)));
    }
    #[cfg(feature = "django")]
    match format.as_ref().map(|format| format.as_str()) {
        None | Some(Some("native")) => {}
        Some(Some("django")) => connect = connect.with_django_format(),
        Some(_) => return Err(format!("`{section}.format` is `native` or `django`").into()),
    }
    // A setting that does not exist is an error, which names it.
    let settings = Value::from(dict).deserialize().map_err(|error| readable(&error, section))?;
    Ok((connect, settings))
}

/// The names in a section that are no settings.
const OWN: &[&str] = if cfg!(feature = "django") {
    &["url", "cache", "secret_keys", "format"]
} else {
    &["url", "cache", "secret_keys"]
};

/// With the place, which figment's own text leaves out where the value has no file.
fn readable(error: &figment::Error, section: &str) -> String {
    let place = std::iter::once(section).chain(error.path.iter().map(String::as_str)).collect::<Vec<_>>();
    let place = place.join(".");
    match &error.kind {
        // What this module takes out first are names, too.
        Kind::UnknownField(name, known) => {
            let known = OWN.iter().chain(*known).map(|name| format!("`{name}`")).collect::<Vec<_>>();
            format!("`{place}`: there is no `{name}`: the names are {}", known.join(", "))
        }
        kind => format!("`{place}`: {kind}"),
    }
}

/// A value that may have a secret in it, which no error shows.
fn secret<T: DeserializeOwned>(value: &Value, rule: &'static str) -> Result<T, &'static str> {
    value.deserialize().map_err(|_| rule)
}

#[cfg(test)]
mod tests {
    use rocket::figment::providers::{Format as _, Toml};

    use super::*;

    fn refused(toml: &str) -> String {
        read(&Figment::from(Toml::string(toml)), "session").unwrap_err().to_string()
    }

    #[test]
    fn an_error_says_where_and_what_to_do() {
        let absent = refused("[office]\nurl = 'memory:'");
        assert!(absent.contains("[default.session]") && absent.contains("ROCKET_SESSION"), "{absent}");
        let ill = refused("[session]\nurl = 'memory:'\nidle_timeout = '30m'");
        assert!(ill.contains("`session.idle_timeout`") && ill.contains("30m"), "{ill}");
        let unknown = refused("[session]\nurl = 'memory:'\nidle_timeot = 30");
        assert!(unknown.contains("idle_timeot") && unknown.contains("`url`, `cache`"), "{unknown}");
        let whole = refused("session = 'memory:'");
        assert!(whole.contains("`session`"), "{whole}");
    }
}
