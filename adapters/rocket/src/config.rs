//! Where sessions live and how they behave, by the application's configuration.

use rocket::figment::value::{Dict, Value};
use rocket::figment::{self, Figment};
use session_backends::Connect;
use session_core::{SecretKeys, Settings};

/// The section of a configuration: what names the store, and the settings.
pub(crate) fn read(figment: &Figment, section: &str) -> figment::Result<(Connect, Settings)> {
    let mut dict: Dict = figment.extract_inner(section)?;
    let mut take = |key: &str| dict.remove(key).map(|value| (format!("{section}.{key}"), value));
    let (url, cache, keys) = (take("url"), take("cache"), take("secret_keys"));

    let url = url.ok_or_else(|| figment::Error::from(format!("`{section}.url` is missing")))?;
    let mut connect = Connect::new(text::<String>(url)?);
    if let Some(cache) = cache {
        connect = connect.with_cache(text::<String>(cache)?);
    }
    if let Some(keys) = keys {
        let mut keys = text::<Vec<String>>(keys)?.into_iter();
        let newest = keys.next().ok_or_else(|| figment::Error::from("`secret_keys` is empty".to_owned()))?;
        let keys = keys.fold(SecretKeys::new(newest), |keys, old| keys.with_fallback(old));
        connect = connect.with_secret_keys(keys);
    }
    // A setting that does not exist is an error, which names it.
    let settings =
        Value::from(dict).deserialize().map_err(|error: figment::Error| error.with_path(section))?;
    Ok((connect, settings))
}

/// The value of a key that may hold a secret: an error names the key alone.
fn text<T: rocket::serde::DeserializeOwned>((key, value): (String, Value)) -> figment::Result<T> {
    value.deserialize().map_err(|_| figment::Error::from(format!("`{key}` is of the wrong type")))
}
