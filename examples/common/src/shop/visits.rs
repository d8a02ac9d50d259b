//! How often somebody has been here.

use session_core::{Key, Result, Session};

const VISITS: Key<u32> = Key::new("visits");

/// Counts a visit, and says the how-manieth it is.
pub fn count(session: &Session) -> Result<u32> {
    session.update(VISITS, |visits| {
        *visits = visits.saturating_add(1);
        *visits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_counted_from_one() {
        let session = crate::shop::session();
        assert_eq!((count(&session).unwrap(), count(&session).unwrap()), (1, 2));
    }
}
