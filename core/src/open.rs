//! From a request's cookie to its session: the one load.

use std::sync::Arc;

use crate::answer::{Answer, polled_once};
use crate::backend::{AnySealer, Place, Sealer as _};
use crate::clock::Time;
use crate::entries::Entries;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{SecretHash, Token, TokenFormat};
use crate::journal::Content;
use crate::record::{Record, Rotated};
use crate::session::Session;
use crate::settings::OnOutage;
use crate::state::{Arrival, Shared, State};
use crate::store::{Select, StoreError, StoreErrorKind};
use crate::watched::Watched;

/// How many cookies of the name are tried. A browser sends several where they were set with different paths or domains; an
/// attacker sends as many as fit.
const TRIED_COOKIES: usize = 3;

/// A session that nobody has asked for yet. It has cost no I/O, and nothing was parsed.
#[derive(Clone, Debug)]
pub struct Pending(pub(crate) Arc<Shared>);

impl Pending {
    /// The request's session. The first call loads it, every further one returns the same.
    ///
    /// [`Error::Store`](crate::Error::Store) where the store does not answer: then nothing is known about the session, and the
    /// browser keeps its cookie.
    pub fn open(&self) -> Answer<'static, Result<Session>> {
        let shared = &self.0;
        if shared.ask() != Arrival::Unopened {
            return Answer::now(Ok(Session(Arc::clone(shared))));
        }
        let at_once = shared.sessions.place().is_at_once();
        if let Some(known) = at_once.then(|| polled_once(|| shared.find_out())).flatten() {
            return Answer::now(known.map(|()| Session(Arc::clone(shared))));
        }
        let shared = Arc::clone(shared);
        Answer::later(async move { shared.find_out().await.map(|()| Session(shared)) })
    }

    /// Ends the session without loading it: what a logout needs. One trip to the store, and a second one where the cookie's
    /// secret is not the present one. The errors are those of [`Session::flush`].
    pub async fn flush(&self) -> Result<()> {
        if self.0.ask() == Arrival::Unopened && self.0.remove_presented().await? {
            return Ok(());
        }
        self.open().await?.flush().await
    }
}

impl Session {
    /// Ends the session now: the record is removed, the cookie is cleared with the response, whatever its status. What is
    /// written afterwards begins another session, under a new token. Where there is no session it does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] where the store does not answer: then the session may live on, and the cookie stays. Say so, and let the
    /// visitor try again.
    ///
    /// ```
    /// # async fn f(session: session_core::Session) -> session_core::Result<()> {
    /// session.flush().await?;
    /// assert!(session.is_empty());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "logout")]
    pub async fn flush(&self) -> Result<()> {
        let shared = &self.0;
        let _one_at_a_time = shared.gate.lock().await;
        let (superseded, was_there, key) = {
            let state = shared.lock();
            state.check_known()?;
            let was_there = state.base.is_some() || !state.unsure.is_empty();
            (state.arrival == Arrival::Superseded, was_there, state.key().copied())
        };
        if was_there {
            if let (Some(key), Place::Server(store)) = (key, shared.sessions.place()) {
                store.remove(Select::One(&key), shared.now()).await?;
            }
            shared.sessions.tell(&Event::Flushed { handle: shared.handle() });
        }
        let mut state = shared.lock();
        state.end();
        // A session that another request has just given a new secret is that request's: its cookie stays.
        state.ended = !superseded;
        Ok(())
    }
}

impl Shared {
    /// Notes that somebody has asked, and says what is known.
    fn ask(&self) -> Arrival {
        let mut state = self.lock();
        state.asked = true;
        state.arrival
    }

    /// Loads the session, unless somebody else has meanwhile.
    async fn find_out(&self) -> Result<()> {
        let _one_at_a_time = self.gate.lock().await;
        if self.lock().arrival == Arrival::Unopened {
            self.load().await?;
        }
        Ok(())
    }

    async fn load(&self) -> Result<()> {
        let now = self.now();
        let mut arrival = Arrival::NoCookie;
        for value in self.sessions.cookie().values(&self.cookies).take(TRIED_COOKIES) {
            arrival = match self.load_one(value, now).await {
                // What one cookie opens is not known: that the next one opens nothing says nothing about the first.
                Ok(Arrival::Unknown) if arrival == Arrival::Outage => Arrival::Outage,
                Ok(Arrival::Unknown) => Arrival::Unknown,
                Err(Error::Store(error)) if self.goes_on_after(&error) => Arrival::Outage,
                found => {
                    arrival = found?;
                    break;
                }
            }
        }
        self.lock().arrival = arrival;
        Ok(())
    }

    fn goes_on_after(&self, error: &StoreError) -> bool {
        error.kind() == StoreErrorKind::Unavailable
            && self.sessions.settings().on_outage == OnOutage::Anonymous
    }

    async fn load_one(&self, value: &[u8], now: Time) -> Result<Arrival> {
        let store = match self.sessions.place() {
            Place::Server(store) => store,
            Place::Client(sealer) => return self.unseal(sealer, value, now),
        };
        let Some(token) = Token::parse(store.capabilities().tokens, value) else {
            self.sessions.tell(&Event::UnknownToken { handle: None });
            return Ok(Arrival::Unknown);
        };
        let mut found = store.load(token.lookup_key(), now).await?.filter(|record| record.is_live(now));
        let presented = Presented { hash: token.secret_hash(), is_former: token.is_former() };
        let mut opens = presented.opens(found.as_ref(), now);
        // A copy may be older than the secret that another node has just given: only the store says that nobody has it.
        if matches!(opens, Opens::NotWithThis | Opens::Used) && may_be_stale(store) {
            found = store.reload(token.lookup_key(), now).await?.filter(|record| record.is_live(now));
            opens = presented.opens(found.as_ref(), now);
        }
        let handle = store.handle(token.key());
        let arrival = match opens {
            Opens::As(Rotated::Privilege) => return Ok(Arrival::Superseded),
            Opens::As(Rotated::Renewal) => Arrival::Renewed,
            Opens::Now => Arrival::Live,
            other => {
                self.sessions.tell(&match other {
                    Opens::Used => Event::ReuseAfterRotation { handle },
                    Opens::NotWithThis => Event::UnknownToken { handle },
                    _ => Event::Missed,
                });
                return Ok(Arrival::Unknown);
            }
        };
        let Some(mut record) = found else { return Ok(Arrival::Unknown) };
        let read = self.sessions.read(token.key(), &mut record);
        let content = read.inspect_err(|error| self.sessions.tell(&Event::Unreadable { handle, error }))?;
        self.lock().presented = presented.hash;
        let arrival = self.adopt(arrival, record, content, Some(token));
        self.sessions.tell(&Event::Loaded { handle });
        Ok(arrival)
    }

    fn unseal(&self, sealer: &AnySealer, value: &[u8], now: Time) -> Result<Arrival> {
        let Some(record) = sealer.open(value, now) else {
            self.sessions.tell(&Event::UnknownToken { handle: None });
            return Ok(Arrival::Unknown);
        };
        let content = Content::of(&record, Entries::from_json(&record.data)?);
        let arrival = self.adopt(Arrival::Live, record, content, None);
        self.sessions.tell(&Event::Loaded { handle: None });
        Ok(arrival)
    }

    fn adopt(&self, arrival: Arrival, record: Record, content: Content, token: Option<Token>) -> Arrival {
        let mut state = self.lock();
        state.content = content;
        state.token_is_current = arrival == Arrival::Live;
        state.token = token;
        state.base = Some(record);
        arrival
    }

    /// Removes the sessions that the request's cookies open by their present secrets; whether there was one.
    async fn remove_presented(&self) -> Result<bool> {
        let Place::Server(store) = self.sessions.place() else { return Ok(false) };
        let _one_at_a_time = self.gate.lock().await;
        let format = store.capabilities().tokens;
        let mut removed = 0;
        for value in self.sessions.cookie().values(&self.cookies).take(TRIED_COOKIES) {
            let Some(token) = Token::parse(format, value) else { continue };
            let hash = token.secret_hash();
            let what = match (&hash, format) {
                (Some(hash), _) => Select::Presented(token.lookup_key(), hash),
                (None, TokenFormat::Plain) => Select::One(token.key()),
                (None, _) => continue,
            };
            let ended = store.remove(what, self.now()).await?;
            if ended > 0 {
                self.sessions.tell(&Event::Flushed { handle: store.handle(token.key()) });
            }
            removed += ended;
        }
        if removed > 0 {
            let mut state = self.lock();
            state.arrival = Arrival::Unknown;
            state.end();
        }
        Ok(removed > 0)
    }
}

fn may_be_stale(store: &Watched) -> bool {
    !store.capabilities().max_staleness.is_zero()
}

/// What a token does with a record.
enum Opens {
    /// It has the present secret.
    Now,
    /// It has the one before, which is recognised still.
    As(Rotated),
    /// It has the one before, after its grace.
    Used,
    /// It has another secret.
    NotWithThis,
    /// There is no record.
    Nothing,
}

/// What a token proves. Its hash is made once.
struct Presented {
    hash: Option<SecretHash>,
    /// It is a key of Django's, where another kind of token is the rule.
    is_former: bool,
}

impl Presented {
    /// What it does with a record, where there is one. Compared in constant time, before anything of the record is used.
    fn opens(&self, record: Option<&Record>, now: Time) -> Opens {
        let Some(record) = record else { return Opens::Nothing };
        match (&self.hash, &record.secret) {
            (None, None) => return Opens::Now,
            // It has not moved from Django's format.
            (Some(_), None) if self.is_former => return Opens::Now,
            (Some(presented), Some(secret)) if presented == secret => return Opens::Now,
            _ => {}
        }
        match &record.details.previous {
            Some(previous) if self.hash.as_ref() == Some(&previous.secret) => {
                let in_grace = previous.until.is_none_or(|until| until > now);
                if in_grace { Opens::As(previous.why) } else { Opens::Used }
            }
            _ => Opens::NotWithThis,
        }
    }
}

impl State {
    /// Whether a cookie of the name came with the request.
    pub(crate) fn had_cookie(&self) -> bool {
        !matches!(self.arrival, Arrival::Unopened | Arrival::NoCookie)
    }
}
