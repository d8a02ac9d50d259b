//! One comment per visitor: the example that Django's documentation gives for sessions.

use session_core::{Key, Result, Session};

const COMMENT: Key<String> = Key::new("comment");

/// The longest comment, in characters.
pub const MAX_LENGTH: usize = 500;

/// What this visitor has commented.
pub fn left(session: &Session) -> Result<Option<String>> {
    session.get(COMMENT)
}

/// What became of a comment.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a page must handle each")]
pub enum Outcome {
    /// It is there.
    Left,
    /// There was one already.
    Already,
    /// It is empty, or longer than [`MAX_LENGTH`].
    Unfit,
}

/// Leaves a comment, once. When two tabs send one each at the same moment, the one that was saved first stays.
pub fn leave(session: &Session, text: &str) -> Result<Outcome> {
    let text = text.trim();
    if left(session)?.is_some() {
        return Ok(Outcome::Already);
    }
    if text.is_empty() || text.chars().count() > MAX_LENGTH {
        return Ok(Outcome::Unfit);
    }
    session.get_or_insert_with(COMMENT, || text.to_owned())?;
    Ok(Outcome::Left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comment_stays() {
        let session = crate::shop::session();
        assert_eq!(leave(&session, " \n ").unwrap(), Outcome::Unfit);
        assert_eq!(leave(&session, &"é".repeat(MAX_LENGTH + 1)).unwrap(), Outcome::Unfit);
        assert_eq!(left(&session).unwrap(), None);
        assert_eq!(leave(&session, " Good tea. ").unwrap(), Outcome::Left);
        assert_eq!(leave(&session, "Bad tea.").unwrap(), Outcome::Already);
        assert_eq!(left(&session).unwrap().as_deref(), Some("Good tea."));
    }
}
