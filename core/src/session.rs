//! The session, as a handler uses it.

#![expect(
    clippy::needless_pass_by_value,
    reason = "keys are texts or constants, and a call reads better without `&`"
)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::clock::Time;
use crate::entries::{Name, RawJson};
use crate::error::{Error, Result};
use crate::expiry::Expiry;
use crate::id::{RecordKey, Token};
use crate::journal::{Change, Content};
use crate::key::{AsKey, is_reserved};
use crate::record::Rotated;
use crate::state::{Shared, State};

/// The session of one request. Clones are the same session.
///
/// It has been loaded; every function that is not `async` works in memory. What is changed is saved once, when the response is
/// made (or earlier, with [`save`](Self::save)), unless the response's status is 500 or above.
///
/// ```
/// # async fn f(session: session_core::Session) -> session_core::Result<()> {
/// use session_core::Key;
///
/// const CART: Key<Vec<u64>> = Key::new("cart");
/// session.update(CART, |cart| cart.push(7))?;
/// assert_eq!(session.get(CART)?, Some(vec![7]));
///
/// session.insert("name", "Ada")?;
/// let name: Option<String> = session.get("name")?;
/// # Ok(()) }
/// ```
///
/// # Two requests at once
///
/// A save merges: each request's changes are applied to what the other has saved, so no change is lost. What was computed from
/// a [`get`](Self::get) and then [`insert`](Self::insert)ed is a plain change to that key, and the later one stays; to count, or
/// to add to a list, use [`update`](Self::update), which runs again on the newer value.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Shared>);

/// # Reading
impl Session {
    /// The value under the key, `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] where it is of another type; a `null` is a value too, of type `Option<T>`.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// session.insert("name", "Ada")?;
    /// assert_eq!(session.get::<String>("name")?.as_deref(), Some("Ada"));
    /// assert_eq!(session.get::<String>("address")?, None);
    /// assert!(session.get::<u32>("name").is_err(), "it is there, and no number");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "__getitem__")]
    pub fn get<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Result<Option<T>> {
        let value = self.read(|state| state.content.entries.get(key.name()).cloned());
        value.map(|value| value.parse(key.name())).transpose()
    }

    /// Whether there is a value under the key, of whatever type.
    #[doc(alias = "has_key")]
    pub fn contains_key(&self, key: impl AsRef<str>) -> bool {
        self.read(|state| state.content.entries.get(key.as_ref()).is_some())
    }

    /// The application's keys, sorted. The session's own, which begin with `_`, are not among them.
    pub fn keys(&self) -> Vec<String> {
        self.read(|state| state.content.entries.iter().map(|(key, _)| key.to_owned()).collect())
    }

    /// The application's keys and values as they are now, sorted by key.
    #[doc(alias = "items")]
    #[doc(alias = "values")]
    pub fn iter(&self) -> impl Iterator<Item = (String, RawJson)> + use<> {
        let entries: Vec<_> = self.read(|state| {
            state.content.entries.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
        });
        entries.into_iter()
    }

    /// How many keys the application has in it. The session's own, which begin with `_`, do not count.
    pub fn len(&self) -> usize {
        self.read(|state| state.content.entries.iter().count())
    }

    /// Whether there is neither a stored session nor any data, so that there is nothing to save (D14). A stored session whose
    /// data was removed is not empty: it still is a session.
    pub fn is_empty(&self) -> bool {
        let state = self.0.lock();
        state.key().is_none() && state.base.is_none() && state.content.is_empty()
    }
}

/// # Writing
impl Session {
    /// Sets the value under the key. The same value again is a change too, and moves the deadline.
    ///
    /// # Errors
    ///
    /// [`Error::ReservedKey`] where the key begins with `_`, [`Error::Unserializable`] where the value cannot be JSON,
    /// [`Error::TooLarge`] and [`Error::TooManyKeys`] where it would pass the settings' limits. Nothing is changed then.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// session.insert("theme", "dark")?;
    /// assert!(session.insert("_theme", "dark").is_err(), "that key would be the session's own");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "__setitem__")]
    #[doc(alias = "set")]
    pub fn insert<T: Serialize>(&self, key: impl AsKey<T>, value: T) -> Result<()> {
        let name = writable(key.name())?;
        let value = RawJson::of(name, &value)?;
        let mut state = self.0.lock();
        let key = state.content.entries.name(name);
        self.change_locked(&mut state, Change::Set { key, value })
    }

    /// Sets several values; all of them, or on an error none. Counts as a change also when there are none (D10).
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert).
    #[doc(alias = "update")]
    pub fn extend<K: AsRef<str>, T: Serialize>(
        &self,
        values: impl IntoIterator<Item = (K, T)>,
    ) -> Result<()> {
        let mut new = Vec::new();
        for (key, value) in values {
            let name = writable(key.as_ref())?;
            new.push((Name::from(name), RawJson::of(name, &value)?));
        }
        self.mark_modified();
        let mut state = self.0.lock();
        state.accessed = true;
        let mut entries = state.content.entries.clone();
        new.iter().for_each(|(key, value)| entries.insert(key.clone(), value.clone()));
        self.0.sessions.settings().check_limits(&entries)?;
        state.content.entries = entries;
        new.into_iter().for_each(|(key, value)| state.record(Change::Set { key, value }));
        Ok(())
    }

    /// Changes the value under the key in place; where there is none, it starts from the type's default. The answer is the
    /// function's.
    ///
    /// When another request saves first, the function **runs again on the newer value**: of concurrent increments none is lost.
    /// So it must do nothing but change the value, and the answer may be of a run that lost; where the response shows it, call
    /// [`save`](Self::save) and read again.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] where what is there is of another type, and those of [`insert`](Self::insert). Nothing is changed then.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// let count = |n: &mut u32| { *n += 1; *n };
    /// assert_eq!(session.update("visits", count)?, 1, "it starts from 0");
    /// assert_eq!(session.update("visits", count)?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update<T, R>(
        &self,
        key: impl AsKey<T>,
        mut f: impl FnMut(&mut T) -> R + Send + 'static,
    ) -> Result<R>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let name = Name::from(writable(key.name())?);
        loop {
            let before = self.read(|state| state.content.entries.get(&name).cloned());
            let (after, answer) = step(&name, before.as_ref(), &mut f)?;
            let mut state = self.0.lock();
            if state.content.entries.get(&name) != before.as_ref() {
                continue; // a clone of this session was faster
            }
            self.check_room(&state.content, &name, &after)?;
            state.content.entries.insert(name.clone(), after);
            let key = name.clone();
            state.record(Change::Update {
                key,
                step: Box::new(move |value| step(&name, value, &mut f).map(|(after, _)| after)),
            });
            return Ok(answer);
        }
    }

    /// The value under the key; where there is none, sets the function's and returns that. When two requests do so at once, the
    /// value that was saved first stays, and the other request has shown its own.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get) and [`insert`](Self::insert).
    #[doc(alias = "setdefault")]
    #[doc(alias = "entry")]
    pub fn get_or_insert_with<T>(&self, key: impl AsKey<T>, default: impl FnOnce() -> T) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
    {
        let name = key.name();
        if let Some(value) = self.read(|state| state.content.entries.get(name).cloned()) {
            return value.parse(name);
        }
        let value = RawJson::of(writable(name)?, &default())?;
        self.change(Change::SetDefault { key: name.into(), value: value.clone() })?;
        value.parse(name)
    }

    /// Removes the value under the key; whether there was one. The session's own keys, which begin with `_`, stay.
    #[doc(alias = "delete")]
    #[doc(alias = "__delitem__")]
    pub fn remove(&self, key: impl AsRef<str>) -> bool {
        self.take_out(key.as_ref(), |key, _| Change::Remove { key: key.into() }).is_some()
    }

    /// Removes the value under the key and returns it; `None` where there is none.
    ///
    /// Of two requests that pop at once both have the value: for what may be had once there is [`take_once`](Self::take_once).
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] where it is of another type, [`Error::ReservedKey`] where the key begins with `_`. It stays then.
    pub fn pop<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Result<Option<T>> {
        self.take(key, |key, _| Change::Remove { key: key.into() })
    }

    /// Removes a one-time value and returns it: of several requests that take it at once, one can save, and the others get
    /// [`Error::Conflict`], at the latest when their response is made. Save before acting on the value.
    ///
    /// That needs a store on the server. Sessions in cookies have nobody who could tell the first request from the second, and a
    /// browser can send an old cookie again: there the value is had as often as that.
    ///
    /// # Errors
    ///
    /// Those of [`pop`](Self::pop).
    ///
    /// ```
    /// # async fn f(session: session_core::Session) -> session_core::Result<()> {
    /// if let Some(order) = session.take_once::<u64>("pending_order")? {
    ///     session.save().await?; // Conflict: another tab has sent it
    ///     // ... send the order, once
    /// }
    /// # Ok(()) }
    /// ```
    pub fn take_once<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Result<Option<T>> {
        self.take(key, |key, value| Change::Take { key: key.into(), value })
    }

    /// Drops all data, the account and the session's own expiry. The session itself, and its token, stay (D12): to end it there
    /// is [`flush`](Self::flush).
    pub fn clear(&self) {
        // Clearing cannot fail: it frees room.
        let _ = self.change(Change::Clear);
    }

    /// Saves the session at the end of the request though nothing was changed, which moves its deadline. Where none is stored, none
    /// is made.
    pub fn mark_modified(&self) {
        let mut state = self.0.lock();
        state.modified = true;
        state.save_due = state.base.is_some() || state.save_due;
    }

    /// Whether anything was changed in this request. Stays so after a save (D20).
    #[doc(alias = "modified")]
    pub fn is_modified(&self) -> bool {
        self.0.lock().modified
    }

    /// Whether the handler has looked at the session in this request, so that the response depends on it.
    #[doc(alias = "accessed")]
    pub fn is_accessed(&self) -> bool {
        self.0.lock().accessed
    }
}

/// # Identity
impl Session {
    /// The session's public handle: the key of its record. `None` while there is nothing to store, and where the session lives
    /// in its cookie. It opens nothing (but see [`RecordKey`] for Django's format).
    pub fn session_key(&self) -> Option<RecordKey> {
        self.0.lock().token.as_ref().map(|token| *token.key())
    }

    /// Gives the session a new secret when it is saved; call it whenever privileges change ([`login`](Self::login) does). The
    /// data, the handle and the account stay. From then on the old cookie opens nothing. A visitor without a session gets one.
    ///
    /// # Errors
    ///
    /// [`Error::Detached`] where the response has left, and so the new cookie could not be set; [`Error::Random`].
    #[doc(alias = "cycle_key")]
    pub fn rotate(&self) -> Result<()> {
        let mut state = self.0.lock();
        state.check_attached()?;
        self.rotate_locked(&mut state)
    }

    /// Who is signed in: what [`login`](Self::login) was told; `None` where nobody is.
    pub fn account(&self) -> Option<String> {
        self.read(|state| state.content.account.clone())
    }

    /// When somebody last signed in, for a page that wants that to be recent.
    pub fn authenticated_at(&self) -> Option<OffsetDateTime> {
        self.read(|state| state.content.authenticated_at).map(Time::to_datetime)
    }

    /// Whether somebody signed in within this time: what a page that changes a password or an address asks for before it lets
    /// anybody do so (step-up: ASVS 7.5.1 and 7.5.3).
    ///
    /// # Errors
    ///
    /// [`Error::NotAuthenticated`] where nobody is signed in, [`Error::AuthenticationTooOld`] where it is longer ago: both 401.
    ///
    /// ```
    /// # async fn f(session: session_core::Session) -> session_core::Result<()> {
    /// use std::time::Duration;
    ///
    /// session.require_recent_login(Duration::from_secs(600))?;
    /// // … change the password, then end what others may have:
    /// session.revoke_others().await?;
    /// # Ok(()) }
    /// ```
    pub fn require_recent_login(&self, within: Duration) -> Result<()> {
        let (account, at) =
            self.read(|state| (state.content.account.is_some(), state.content.authenticated_at));
        match at {
            _ if !account => Err(Error::NotAuthenticated),
            Some(at) if self.0.now().since(at) <= within => Ok(()),
            _ => Err(Error::AuthenticationTooOld),
        }
    }

    /// Signs an account in: the session gets a new secret, so that one who planted or saw the old one has nothing (session
    /// fixation). What an anonymous visitor put into the session stays; in a session of another account everything is flushed
    /// first. The absolute timeout starts anew.
    ///
    /// Authenticate the user before. It is saved with everything else at the end of the request.
    ///
    /// # Errors
    ///
    /// [`Error::SessionLimit`] where the account has as many sessions as it may and one more is
    /// [refused](crate::OnSessionLimit::Refuse); [`Error::Detached`] where the response has left; [`Error::Store`] where another
    /// account's session could not be ended.
    #[doc(alias = "cycle_key")]
    pub async fn login(&self, account: impl Into<String>) -> Result<()> {
        let account = account.into();
        self.0.lock().check_attached()?;
        let own = self.session_key();
        self.0.sessions.check_room_for(&account, own.as_ref()).await?;
        if self.account().is_some_and(|present| present != account) {
            self.flush().await?;
        }
        let at = self.0.now();
        let absolute_at = self.0.sessions.settings().absolute_timeout.map(|timeout| at + timeout);
        let mut state = self.0.lock();
        // At once: a save that began between the two would sign in under the old secret.
        self.rotate_locked(&mut state)?;
        self.change_locked(&mut state, Change::Login { account, at, absolute_at })
    }

    /// Signs out: the same as [`flush`](Self::flush), with the same errors.
    pub async fn logout(&self) -> Result<()> {
        self.flush().await
    }

    /// What the application noted about this session for a list of devices, such as the user agent.
    pub fn meta(&self, name: &str) -> Option<String> {
        self.read(|state| state.content.meta.get(name).cloned())
    }

    /// Notes something about this session for a list of devices; `None` takes it back. It counts for the size that a session may
    /// have: a header that a browser sends is cut to what the list shows.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], and nothing is changed.
    pub fn set_meta(&self, name: impl Into<String>, value: Option<String>) -> Result<()> {
        self.change(Change::Meta { name: name.into(), value })
    }

    /// The token for a cookie, where this code made the session itself ([`Sessions::create`](crate::Sessions::create)) and has
    /// saved it: to hand a test client a session, for example. Whoever has it has the session.
    pub fn token(&self) -> Option<Token> {
        let state = self.0.lock();
        state.base.as_ref().and(state.token.clone())
    }
}

/// # Expiry
impl Session {
    /// Gives the session an expiry of its own, which lasts until it is set again. `None` goes back to the settings. A visitor without
    /// a session gets one that keeps it, as in Django (D30). It never outlasts the absolute timeout, and one in the past ends the
    /// session at the end of the request.
    ///
    /// ```
    /// # fn f(session: session_core::Session) -> session_core::Result<()> {
    /// use session_core::Expiry;
    /// use std::time::Duration;
    ///
    /// session.set_expiry(Expiry::Inactivity(Duration::from_secs(300)))?; // five minutes
    /// session.set_expiry(Expiry::BrowserClose)?;
    /// session.set_expiry(None)?;
    /// # Ok(()) }
    /// ```
    pub fn set_expiry(&self, expiry: impl Into<Option<Expiry>>) -> Result<()> {
        let expiry = expiry.into();
        if expiry.is_none() && self.read(|state| state.content.expiry.is_none()) {
            return Ok(()); // nothing to take back is no change (D34)
        }
        self.change(Change::Expiry(expiry))
    }

    /// The session's own expiry, where it has one.
    pub fn expiry(&self) -> Option<Expiry> {
        self.read(|state| state.content.expiry)
    }

    /// How long the session lasts if it is saved now. Zero where its end has passed.
    #[doc(alias = "get_expiry_age")]
    pub fn expiry_age(&self) -> Duration {
        let now = self.0.now();
        self.read(|state| self.0.deadlines(&state.content).expires_at(now)).since(now)
    }

    /// When the session ends if it is saved now and not used again.
    #[doc(alias = "get_expiry_date")]
    pub fn expiry_date(&self) -> OffsetDateTime {
        let now = self.0.now();
        self.read(|state| self.0.deadlines(&state.content).expires_at(now)).to_datetime()
    }

    /// Whether the cookie goes when the browser is closed.
    #[doc(alias = "get_expire_at_browser_close")]
    pub fn expires_at_browser_close(&self) -> bool {
        self.read(|state| self.0.deadlines(&state.content).at_browser_close())
    }
}

const TEST_COOKIE: &str = "testcookie";

/// # Does the browser take cookies?
impl Session {
    /// Sets a value that only a browser that takes cookies brings back. Ask [on the next page](Self::test_cookie_worked), and
    /// [remove](Self::delete_test_cookie) it there. Its key is `testcookie`, as in Django (D17).
    pub fn set_test_cookie(&self) -> Result<()> {
        self.insert(TEST_COOKIE, "worked")
    }

    /// Whether the test value came back.
    pub fn test_cookie_worked(&self) -> bool {
        matches!(self.get::<String>(TEST_COOKIE), Ok(Some(value)) if value == "worked")
    }

    /// Removes the test value; whether it was there.
    pub fn delete_test_cookie(&self) -> bool {
        self.remove(TEST_COOKIE)
    }
}

impl Session {
    fn read<R>(&self, f: impl FnOnce(&State) -> R) -> R {
        let mut state = self.0.lock();
        state.accessed = true;
        f(&state)
    }

    /// Applies a change that runs no code of the application, and records it.
    fn change(&self, change: Change) -> Result<()> {
        self.change_locked(&mut self.0.lock(), change)
    }

    /// Sets one of the session's own values, whose keys begin with `_`.
    #[cfg(feature = "django")]
    pub(crate) fn insert_own<T: Serialize + ?Sized>(&self, key: &'static str, value: &T) -> Result<()> {
        self.change(Change::Set { key: key.into(), value: RawJson::of(key, value)? })
    }

    fn change_locked(&self, state: &mut State, mut change: Change) -> Result<()> {
        if let Change::Set { key, value } | Change::SetDefault { key, value } = &change {
            self.check_room(&state.content, key, value)?;
        }
        if let Change::Meta { name, value: Some(value) } = &change {
            self.check_room_for_meta(&state.content, name, value)?;
        }
        change.apply(&mut state.content)?;
        state.record(change);
        Ok(())
    }

    /// What is noted about a session counts as well.
    fn check_room_for_meta(&self, content: &Content, name: &str, value: &str) -> Result<()> {
        let others = content.meta.iter().filter(|(other, _)| *other != name);
        let noted: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        let (size, limit) =
            (content.entries.size() + noted + name.len() + value.len(), self.0.sessions.settings().max_bytes);
        if size > limit { Err(Error::TooLarge { size, limit }) } else { Ok(()) }
    }

    fn check_room(&self, content: &Content, key: &str, value: &RawJson) -> Result<()> {
        let settings = self.0.sessions.settings();
        let there = content.entries.get(key);
        if there.is_none() && content.entries.len() >= settings.max_keys {
            return Err(Error::TooManyKeys { limit: settings.max_keys });
        }
        let size = content.entries.size() + key.len() + value.as_str().len()
            - there.map_or(0, |old| key.len() + old.as_str().len());
        if size > settings.max_bytes {
            return Err(Error::TooLarge { size, limit: settings.max_bytes });
        }
        Ok(())
    }

    fn take<T: DeserializeOwned>(
        &self,
        key: impl AsKey<T>,
        change: impl FnOnce(&str, RawJson) -> Change,
    ) -> Result<Option<T>> {
        let value = self.get(writable(key_of(&key))?)?;
        if value.is_some() {
            self.take_out(key.name(), change);
        }
        Ok(value)
    }

    fn take_out(&self, key: &str, change: impl FnOnce(&str, RawJson) -> Change) -> Option<RawJson> {
        let mut state = self.0.lock();
        state.accessed = true;
        if is_reserved(key) {
            return None;
        }
        let value = state.content.entries.remove(key)?;
        state.record(change(key, value.clone()));
        Some(value)
    }

    fn rotate_locked(&self, state: &mut State) -> Result<()> {
        if state.base.is_none() && state.token.is_none() {
            state.token = self.0.sessions.new_token()?;
        }
        state.rotate = Some(Rotated::Privilege);
        state.accessed = true;
        state.modified = true;
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        f.debug_struct("Session")
            .field("arrival", &state.arrival)
            .field("unsaved", &state.journal)
            .finish_non_exhaustive()
    }
}

/// A key's name, as a key of whatever type.
fn key_of<T>(key: &impl AsKey<T>) -> &str {
    key.name()
}

fn writable(name: &str) -> Result<&str> {
    if is_reserved(name) { Err(Error::ReservedKey(name.to_owned())) } else { Ok(name) }
}

/// One run of an update's function, from stored value to stored value.
fn step<T, R>(name: &str, before: Option<&RawJson>, f: &mut impl FnMut(&mut T) -> R) -> Result<(RawJson, R)>
where
    T: Default + Serialize + DeserializeOwned,
{
    let mut value: T = before.map(|raw| raw.parse(name)).transpose()?.unwrap_or_default();
    let answer = f(&mut value);
    Ok((RawJson::of(name, &value)?, answer))
}
