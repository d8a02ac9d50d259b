//! What must come of requests that are made one after the other: a list of sessions with their values and deadlines.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Time;
use crate::testing::history::Operation;

/// How long a session lives after its last write, or use.
pub(super) const LIFE: Duration = Duration::from_secs(3600);
/// How long it lives after its beginning, or its last login.
pub(super) const ABSOLUTE: Duration = Duration::from_secs(3 * 3600);
/// How long an old secret is recognised after a rotation.
const GRACE: Duration = Duration::from_secs(30);

/// The sessions as they must be.
pub(super) struct Reference {
    pub(super) sessions: Vec<Known>,
    /// Whether a use alone moves the deadline.
    pub(super) use_counts: bool,
    /// Whether an old secret is told from any other.
    pub(super) has_grace: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Its cookie; none where it was never stored.
    pub(super) cookie: Option<String>,
    /// The one before, and until when it is recognised.
    former: Option<(String, Time)>,
    content: Content,
    pub(super) expires_at: Time,
    absolute_at: Time,
}

/// What a request sees of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) account: Option<String>,
    pub(super) values: BTreeMap<String, i64>,
}

/// What a cookie opens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opens {
    /// The session of this number.
    Session(usize),
    /// One that has a new secret since a moment ago.
    Superseded,
    Nothing,
}

/// What must come of a request.
pub(super) struct Expected {
    pub(super) sees: Content,
    pub(super) is_interrupted: bool,
    pub(super) cookie: Cookie,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Same,
    Cleared,
    /// A new one, which opens the session of this number.
    New(usize),
}

impl Reference {
    fn opens(&self, cookie: Option<&str>, now: Time) -> Opens {
        let live = || self.sessions.iter().enumerate().filter(move |(_, session)| session.expires_at > now);
        let is = |present: Option<&str>| cookie.is_some() && present == cookie;
        if let Some((number, _)) = live().find(|(_, session)| is(session.cookie.as_deref())) {
            return Opens::Session(number);
        }
        let is_former = |session: &Known| {
            session.former.as_ref().is_some_and(|(former, until)| is(Some(former.as_str())) && *until > now)
        };
        if self.has_grace && live().any(|(_, session)| is_former(session)) {
            return Opens::Superseded;
        }
        Opens::Nothing
    }

    pub(super) fn visit(&mut self, cookie: Option<&str>, operations: &[Operation], now: Time) -> Expected {
        let mut opens = self.opens(cookie, now);
        let mut session = match opens {
            Opens::Session(number) => self.sessions[number].clone(),
            _ => Known::new(now),
        };
        let sees = session.content.clone();
        let (mut is_changed, mut rotates, mut signs_in) = (false, false, false);
        for operation in operations {
            if let Operation::Login(account) = operation {
                if session.content.account.as_ref().is_some_and(|present| present != account) {
                    if let Opens::Session(number) = opens {
                        self.end(number);
                    }
                    (session, opens) = (Known::new(now), Opens::Nothing);
                }
                signs_in = true;
            }
            rotates |= matches!(operation, Operation::Rotate | Operation::Login(_));
            is_changed |= session.apply(operation, now);
        }
        let remains = matches!(opens, Opens::Session(_)) || rotates || session.content != Content::default();
        if !is_changed || opens == Opens::Nothing && !remains {
            let cookie = match opens {
                Opens::Session(number) => self.use_of(number, now),
                Opens::Nothing if cookie.is_some() => Cookie::Cleared,
                Opens::Superseded | Opens::Nothing => Cookie::Same,
            };
            return Expected { sees, is_interrupted: false, cookie };
        }
        if opens == Opens::Superseded && !signs_in {
            return Expected { sees, is_interrupted: true, cookie: Cookie::Same };
        }
        session.expires_at = (now + LIFE).min(session.absolute_at);
        let cookie = match opens {
            Opens::Session(number) => {
                if rotates {
                    session.former = session.cookie.take().map(|former| (former, now + GRACE));
                }
                self.sessions[number] = session;
                if rotates { Cookie::New(number) } else { Cookie::Same }
            }
            Opens::Superseded | Opens::Nothing => {
                self.sessions.push(session);
                Cookie::New(self.sessions.len() - 1)
            }
        };
        Expected { sees, is_interrupted: false, cookie }
    }

    /// A use moves the deadline where that is asked for, once per tenth of the time.
    fn use_of(&mut self, number: usize, now: Time) -> Cookie {
        let session = &mut self.sessions[number];
        let until = (now + LIFE).min(session.absolute_at);
        if self.use_counts && until.since(session.expires_at) >= LIFE / 10 {
            session.expires_at = until;
        }
        Cookie::Same
    }

    pub(super) fn flush(&mut self, cookie: Option<&str>, now: Time) -> Cookie {
        match self.opens(cookie, now) {
            Opens::Session(number) => self.end(number),
            Opens::Superseded => return Cookie::Same,
            Opens::Nothing => {}
        }
        if cookie.is_some() { Cookie::Cleared } else { Cookie::Same }
    }

    /// How many are ended.
    pub(super) fn revoke_account(&mut self, account: &str, now: Time) -> u64 {
        let mut count = 0;
        for number in 0..self.sessions.len() {
            let session = &self.sessions[number];
            if session.expires_at > now && session.content.account.as_deref() == Some(account) {
                self.end(number);
                count += 1;
            }
        }
        count
    }

    fn end(&mut self, number: usize) {
        self.sessions[number].expires_at = Time::from_millis(0);
    }
}

impl Known {
    fn new(now: Time) -> Self {
        Self {
            cookie: None,
            former: None,
            content: Content::default(),
            expires_at: now,
            absolute_at: now + ABSOLUTE,
        }
    }

    /// Whether it is a change.
    fn apply(&mut self, operation: &Operation, now: Time) -> bool {
        let values = &mut self.content.values;
        match operation {
            Operation::Set(key, value) => {
                values.insert(key.clone(), *value);
            }
            Operation::Increment(key) => *values.entry(key.clone()).or_default() += 1,
            Operation::Remove(key) => return values.remove(key).is_some(),
            Operation::Login(account) => {
                self.content.account = Some(account.clone());
                self.absolute_at = now + ABSOLUTE;
            }
            _ => {}
        }
        true
    }
}
