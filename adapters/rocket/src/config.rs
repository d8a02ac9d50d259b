//! Where sessions live and how they behave, by the application's configuration.

use std::error::Error;

use rocket::figment::value::{Dict, Value};
use rocket::figment::{self, Figment};
use rocket::serde::DeserializeOwned;
use session_backends::Connect;
use session_core::{SecretKeys, Settings};

/// A section of the configuration: what names the store, and the settings.
pub(crate) fn read(figment: &Figment, section: &str) -> Result<(Connect, Settings), Box<dyn Error>> {
    let mut dict: Dict = figment.extract_inner(section)?;
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
    let settings =
        Value::from(dict).deserialize().map_err(|error: figment::Error| error.with_path(section))?;
    Ok((connect, settings))
}

/// A value that may have a secret in it, which no error shows.
fn secret<T: DeserializeOwned>(value: &Value, rule: &'static str) -> Result<T, &'static str> {
    value.deserialize().map_err(|_| rule)
}
