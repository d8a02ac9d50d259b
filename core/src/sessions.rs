//! The sessions of one application: its settings and where they live.

use std::fmt;
use std::sync::Arc;

use crate::backend::{Backend, Place};
use crate::codec::Codec;
use crate::cookie::CookieTemplate;
use crate::error::{Error, Result, SettingsError};
use crate::event::Event;
use crate::id::{RecordKey, Token, TokenFormat};
use crate::journal::Content;
use crate::record::Record;
use crate::session::Session;
use crate::settings::Settings;
use crate::state::{Arrival, Shared};
use crate::store::Select;
use crate::watched::Watched;

/// The sessions of one application: settings, cookie and backend. What an adapter holds; clones are the same.
///
/// Also the way to sessions outside requests: for jobs, tests and the command line.
///
/// ```
/// # async fn f(sessions: session_core::Sessions) -> session_core::Result<()> {
/// let session = sessions.create();
/// session.insert("greeting", "hello")?;
/// session.save().await?;
///
/// let handle = session.session_key().expect("it is saved");
/// let again = sessions.open(&handle).await?.expect("it is live");
/// assert_eq!(again.get::<String>("greeting")?.as_deref(), Some("hello"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    settings: Settings,
    cookie: CookieTemplate,
    codec: Codec,
    backend: Backend,
    place: Place,
}

impl Sessions {
    /// Checks the settings. A cookie that browsers would refuse, or a header that it would break, is an error here.
    pub fn new(backend: impl Into<Backend>, settings: Settings) -> Result<Self, SettingsError> {
        let backend = backend.into();
        let codec = settings.codec(&backend)?;
        Self::build(backend, codec, settings)
    }

    fn build(backend: Backend, codec: Codec, settings: Settings) -> Result<Self, SettingsError> {
        settings.check_no_zero()?;
        let cookie = CookieTemplate::new(&settings)?;
        let place = Place::new(&backend, &settings);
        Ok(Self(Arc::new(Inner { settings, cookie, codec, backend, place })))
    }

    /// The same backend with other settings. An error where a browser would refuse the cookie.
    pub fn with_settings(&self, settings: Settings) -> Result<Self, SettingsError> {
        Self::new(self.backend().clone(), settings)
    }

    /// The same backend and settings under a cookie of another name: for the second session of an application.
    pub fn with_cookie_name(&self, name: impl Into<String>) -> Result<Self, SettingsError> {
        self.with_settings(self.settings().clone().with_cookie_name(name))
    }

    /// A session outside any request. It is stored by its first [`save`](Session::save); dropped before that, it never was.
    pub fn create(&self) -> Session {
        let shared = Shared::new(self.clone(), Box::default());
        shared.lock().arrival = Arrival::NoCookie;
        Session(shared)
    }

    /// The live session of this handle, or `None`. Whoever calls this needs no secret, so it is not for what a browser sends.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where sessions live in cookies, [`Error::Undecodable`] where what is stored cannot be read,
    /// [`Error::Store`].
    pub async fn open(&self, handle: &RecordKey) -> Result<Option<Session>> {
        let now = self.settings().clock.now();
        let Some(mut record) = self.store("open a session by its handle")?.load(handle, now).await? else {
            return Ok(None);
        };
        let token = self.token_of(handle);
        let content = self.read(token.key(), &mut record)?;
        let session = self.create();
        {
            let mut state = session.0.lock();
            state.content = content;
            state.presented = token.secret_hash();
            state.token = Some(token);
            state.base = Some(record);
            state.arrival = Arrival::Renewed; // whose token we don't hold
        }
        Ok(Some(session))
    }

    /// What is known outside a request of the token of a session.
    pub(crate) fn token_of(&self, key: &RecordKey) -> Token {
        let moves = matches!(self.place(), Place::Server(store) if store.capabilities().tokens == TokenFormat::SplitFromPlain);
        if moves && !key.is_selector() { Token::of_former(*key) } else { Token::of_handle(*key) }
    }

    /// Ends a session, whosever it is; whether it was there. For an administrator: a visitor ends their own with
    /// [`Session::revoke`].
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where sessions live in cookies; [`Error::Store`].
    pub async fn revoke(&self, handle: &RecordKey) -> Result<bool> {
        let now = self.settings().clock.now();
        let count = self.store("revoke a session")?.remove(Select::One(handle), now).await?;
        self.revoked(count);
        Ok(count > 0)
    }

    /// Ends all sessions of an account, and says how many: after a change of password, or when the account is closed.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the store does not know accounts; [`Error::Store`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use session_core::{Sessions, Settings};
    ///
    /// let sessions = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?;
    /// let session = sessions.create();
    /// session.login("ada").await?;
    /// session.save().await?;
    /// assert_eq!(sessions.revoke_account("ada").await?, 1);
    /// assert_eq!(sessions.revoke_account("ada").await?, 0, "there are none");
    /// # Ok(()) }
    /// ```
    pub async fn revoke_account(&self, account: &str) -> Result<u64> {
        self.remove_of(account, None).await
    }

    /// Whether the store answers, for a health check. Sessions in cookies always do.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], whose [kind](crate::store::StoreErrorKind) says whether waiting will help.
    pub async fn health(&self) -> Result<()> {
        match self.place() {
            Place::Server(store) => Ok(store.ping().await?),
            Place::Client(_) => Ok(()),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Where the sessions live.
    pub fn backend(&self) -> &Backend {
        &self.0.backend
    }

    /// Where they live, as core uses it.
    pub(crate) fn place(&self) -> &Place {
        &self.0.place
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        self.settings().events.tell(event);
    }

    pub(crate) fn revoked(&self, count: u64) {
        if count > 0 {
            self.tell(&Event::Revoked { count });
        }
    }

    pub(crate) async fn remove_of(&self, account: &str, except: Option<&RecordKey>) -> Result<u64> {
        let now = self.settings().clock.now();
        let count = self.account_store()?.remove(Select::Account { account, except }, now).await?;
        self.revoked(count);
        Ok(count)
    }

    /// What a stored record contains.
    pub(crate) fn read(&self, key: &RecordKey, record: &mut Record) -> Result<Content> {
        self.0.codec.read(key, record, self.readable())
    }

    /// How many bytes of JSON are read, and so written. A session that was written when more was allowed is read still.
    fn readable(&self) -> usize {
        self.settings().max_bytes.saturating_mul(2)
    }

    /// Makes of a record whose data is JSON what its store gets.
    pub(crate) fn write(&self, key: &RecordKey, record: &mut Record) -> Result<()> {
        self.0.codec.write(key, record, self.readable())
    }

    pub(crate) fn cookie(&self) -> &CookieTemplate {
        &self.0.cookie
    }

    pub(crate) fn store(&self, what: &'static str) -> Result<&Watched> {
        match self.place() {
            Place::Server(store) => Ok(store),
            Place::Client(_) => Err(Error::Unsupported(what)),
        }
    }

    pub(crate) fn account_store(&self) -> Result<&Watched> {
        const WHAT: &str = "tell which sessions an account has";
        let store = self.store(WHAT)?;
        if store.capabilities().accounts { Ok(store) } else { Err(Error::Unsupported(WHAT)) }
    }

    /// A token for a new session; none where sessions live in cookies.
    pub(crate) fn new_token(&self) -> Result<Option<Token>> {
        match self.place() {
            Place::Server(store) => Token::random(store.capabilities().tokens).map(Some),
            Place::Client(_) => Ok(None),
        }
    }
}

impl From<Backend> for Sessions {
    /// With the default settings, which fit together. Where the store and its format do not, every use of a session says so.
    fn from(backend: Backend) -> Self {
        let settings = Settings::default();
        let codec = settings.codec(&backend).unwrap_or(Codec::Unnamed);
        #[expect(clippy::expect_used, reason = "a test builds the default settings")]
        Self::build(backend, codec, settings).expect("the default settings build")
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("settings", &self.0.settings)
            .field("backend", &self.0.backend)
            .finish_non_exhaustive()
    }
}
