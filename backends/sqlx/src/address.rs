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

    #[test]
    fn a_number_is_one() {
        for wrong in ["0", "-1", "many", "", "1001"] {
            let (_, mut own) = Parameters::split(&format!("mysql://h?connections={wrong}"));
            assert!(own.number("connections").is_err(), "{wrong}");
        }
    }
}
