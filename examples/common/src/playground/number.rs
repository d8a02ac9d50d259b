//! Adding to a number of a session.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};
use session_core::{Result, Session};

/// What an increment did.
pub(super) enum Increment {
    /// There is this number now.
    Done(Number),
    /// What is there is no number, or the sum would be none; it is as it was.
    NoNumber,
}

/// Adds to the number under the key, which is 0 where absent. Of concurrent increments none is lost.
pub(super) fn increment(session: &Session, key: &str, by: &Number) -> Result<Increment> {
    // Asked before: an update counts as a change, also when its function leaves the value alone.
    let possible = match session.get::<Value>(key)? {
        None => true,
        Some(Value::Number(there)) => sum(&there, by).is_some(),
        Some(_) => false,
    };
    if !possible {
        return Ok(Increment::NoNumber);
    }
    let by = by.clone();
    let after = session.update(key, move |slot: &mut Slot| {
        // This runs again on the newer value when another request saves first, and that may be no number.
        let there = match &slot.0 {
            None => Some(Number::from(0)),
            Some(Value::Number(there)) => Some(there.clone()),
            Some(_) => None,
        };
        let after = there.and_then(|there| sum(&there, &by))?;
        slot.0 = Some(Value::Number(after.clone()));
        Some(after)
    })?;
    Ok(after.map_or(Increment::NoNumber, Increment::Done))
}

/// An integer where both are and it fits, as JSON's readers expect; `None` where the sum is infinite.
fn sum(a: &Number, b: &Number) -> Option<Number> {
    let exact = || Number::from_i128(a.as_i128()?.checked_add(b.as_i128()?)?);
    exact().or_else(|| Number::from_f64(a.as_f64()? + b.as_f64()?))
}

/// A value that may be absent, and knows that from `null`, which is a value too.
#[derive(Default, Serialize)]
#[serde(transparent)]
struct Slot(Option<Value>);

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(|value| Self(Some(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(a: &str, b: &str) -> Option<String> {
        sum(&a.parse().unwrap(), &b.parse().unwrap()).map(|sum| sum.to_string())
    }

    #[test]
    fn integers_stay_integers_until_they_no_longer_fit() {
        assert_eq!(added("1", "2").as_deref(), Some("3"));
        assert_eq!(added("1", "-2").as_deref(), Some("-1"));
        assert_eq!(added("1", "0.5").as_deref(), Some("1.5"));
        assert_eq!(added("9223372036854775807", "1").as_deref(), Some("9223372036854775808"));
        assert_eq!(added("18446744073709551615", "1").as_deref(), Some("1.8446744073709552e+19"));
        assert_eq!(added("1e308", "1e308"), None, "infinite");
    }
}
