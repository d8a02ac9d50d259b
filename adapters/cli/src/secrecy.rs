//! What no output may have in it: passwords of URLs, and secret keys.

use std::env;

/// Variables that may hold a secret key, the first of those that are set counts; and one for older ones, with commas between.
pub(crate) const SECRET_KEYS: (&[&str], &str) =
    (&["SESSION_SECRET_KEY", "DJANGO_SECRET_KEY", "SECRET_KEY"], "SESSION_SECRET_KEY_FALLBACKS");
pub(crate) const ENCRYPTION_KEYS: (&[&str], &str) =
    (&["SESSION_ENCRYPTION_KEY"], "SESSION_ENCRYPTION_KEY_FALLBACKS");

const HIDDEN: &str = "***";

/// One of a letter or two would take every such letter out of a message.
const SHORTEST: usize = 3;

/// What a store is called: its URL without a user, a password and parameters, which may hold one.
pub(crate) fn name_of(url: &str) -> String {
    let Some((scheme, place)) = url.split_once(':') else { return HIDDEN.to_owned() };
    let (place, parameters) = place.split_at(place.find(['?', '#']).unwrap_or(place.len()));
    if parameters.contains('@') {
        // It is not known where a password ends that was not written as a URL's.
        return format!("{scheme}:");
    }
    let slashes = if place.starts_with("//") { "//" } else { "" };
    let place = place.rsplit_once('@').map_or(place.trim_start_matches("//"), |(_, place)| place);
    format!("{scheme}:{slashes}{place}")
}

/// A message without any of the secrets that this program was given.
pub(crate) fn cleaned(message: &str) -> String {
    secrets().iter().fold(message.to_owned(), |message, (secret, shown)| message.replace(secret, shown))
}

/// Each with what stands in its place.
fn secrets() -> Vec<(String, String)> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let values = arguments.iter().filter_map(|argument| Some(argument.split_once('=')?.1.to_owned()));
    let variables = env::vars_os().filter_map(|(_, value)| value.into_string().ok());
    let urls = arguments.iter().cloned().chain(values).chain(variables).filter(|text| text.contains(':'));
    let urls = urls.flat_map(|url| {
        let password = password_of(&url).map(|password| (password.to_owned(), HIDDEN.to_owned()));
        let shown = name_of(&url);
        [Some((url, shown)), password]
    });
    let flagged = arguments.iter().enumerate().filter_map(|(at, argument)| match argument.split_once('=') {
        Some(("--secret-key" | "--encryption-key", key)) => Some(key.to_owned()),
        None if matches!(argument.as_str(), "--secret-key" | "--encryption-key") => {
            arguments.get(at + 1).cloned()
        }
        _ => None,
    });
    let keys = [SECRET_KEYS, ENCRYPTION_KEYS]
        .into_iter()
        .flat_map(|(names, older)| names.iter().copied().chain([older]));
    let keys = flagged.chain(keys.filter_map(|name| env::var(name).ok()));
    let keys = keys.filter(|key| key.len() >= SHORTEST).map(|key| (key, HIDDEN.to_owned()));
    urls.flatten().chain(keys).collect()
}

/// Also of a URL that is none.
fn password_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (user, _) = rest.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (password.len() >= SHORTEST).then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_s_name_has_no_password() {
        for (url, name) in [
            (
                "postgres://shop:hunter2@db.example:5432/shop?sslmode=require",
                "postgres://db.example:5432/shop",
            ),
            ("postgres://shop:hunt@er2@db.example/shop", "postgres://db.example/shop"),
            ("postgres://shop:hunt?er2@db.example/shop", "postgres:"),
            ("postgres://db.example/shop?password=hunt@er2", "postgres:"),
            ("redis+sentinel://a:1,b:2/shop?sentinel_password=hunter2", "redis+sentinel://a:1,b:2/shop"),
            ("sqlite:/srv/shop.db?mode=rw", "sqlite:/srv/shop.db"),
            ("file:///srv/sessions", "file:///srv/sessions"),
            ("hunter2", "***"),
        ] {
            assert_eq!(name_of(url), name);
        }
        assert_eq!(password_of("postgres://shop:hunt@er2@db.example/shop"), Some("hunt@er2"));
    }
}
