//! What an address says to this crate, and not to sqlx.

/// Parameters of a URL, as this crate takes them out of it.
pub(crate) struct Parameters(Vec<(String, String)>);

/// Those that are this crate's own.
const OWN: [&str; 2] = ["connections", "synchronous"];

impl Parameters {
    /// The address without them, and they.
    pub(crate) fn split(address: &str) -> (String, Self) {
        let Some((place, query)) = address.split_once('?') else { return Self::none(address) };
        let parameters =
            query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
        let (ours, others): (Vec<_>, Vec<_>) = parameters.partition(|(name, _)| OWN.contains(name));
        let others: Vec<String> = others.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let address =
            if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) };
        (address, Self(ours.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// An address that has none.
    pub(crate) fn none(address: &str) -> (String, Self) {
        (address.to_owned(), Self(Vec::new()))
    }

    /// The last of a name counts, as in sqlx.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().rposition(|(own, _)| own == name)?;
        Some(self.0.remove(place).1)
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u32>, String> {
        let number =
            self.take(name).map(|text| text.parse().ok().filter(|number| (1..=1000).contains(number)));
        number.map(|number| number.ok_or_else(|| format!("`{name}` is a number from 1 to 1000"))).transpose()
    }
}

/// An error where an address has a parameter that neither this crate nor sqlx knows: `sslmod=require` would else be a plain connection,
/// and nobody would notice.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(crate) fn check_names(address: &str, known: &[&str]) -> Result<(), String> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('#').next().unwrap_or_default().split('&');
    let names =
        parameters.filter_map(|parameter| parameter.split('=').next().filter(|name| !name.is_empty()));
    let is_known = |name: &&str| {
        OWN.contains(name)
            || known.iter().any(|known| known == name || known.ends_with('[') && name.starts_with(known))
    };
    let Some(unknown) = names.into_iter().find(|name| !is_known(name)) else { return Ok(()) };
    // Behind a question mark in a password stands the rest of it.
    let is_word = unknown.len() <= 32 && unknown.chars().all(|c| c.is_ascii_alphabetic() || "-_".contains(c));
    let unknown = if is_word { format!("`{unknown}`") } else { "what stands behind `?`".to_owned() };
    let known = known.iter().chain(&OWN).filter(|known| !known.ends_with('[')).copied().collect::<Vec<_>>();
    Err(format!("{unknown} is no parameter of it; those are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_parameters_are_taken_out_and_no_others() {
        let (address, mut own) = Parameters::split("postgres://h/d?sslmode=require&connections=3&x");
        assert_eq!(address, "postgres://h/d?sslmode=require&x=");
        assert_eq!(own.number("connections"), Ok(Some(3)));
        assert_eq!(own.number("connections"), Ok(None));
        let (address, mut own) = Parameters::split("sqlite:s.db?synchronous=normal");
        assert_eq!((address.as_str(), own.take("synchronous").as_deref()), ("sqlite:s.db", Some("normal")));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_parameter_that_nobody_knows_is_refused() {
        let known = ["sslmode", "options", "options["];
        for good in
            ["h/d", "h/d?sslmode=require&connections=2", "h/d?&options[a]=b#x=y", "h/d?options=-c%20a=b&"]
        {
            assert_eq!(check_names(&format!("postgres://{good}"), &known), Ok(()), "{good}");
        }
        let misspelled = check_names("postgres://h/d?sslmod=require", &known).unwrap_err();
        assert!(
            misspelled.contains("`sslmod`") && misspelled.contains("sslmode, options, connections"),
            "{misspelled}"
        );
        let secret = check_names("postgres://me:a?hunter2@h/d", &known).unwrap_err();
        assert!(!secret.contains("hunter2"), "{secret}");
    }

    #[test]
    fn a_number_is_one() {
        for wrong in ["0", "-1", "many", "", "1001"] {
            let (_, mut own) = Parameters::split(&format!("mysql://h?connections={wrong}"));
            assert!(own.number("connections").is_err(), "{wrong}");
        }
    }
}
