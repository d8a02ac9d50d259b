//! The fairing: opens the store when the application is ignited, and finishes each request's session with its response.

use std::error::Error as StdError;
use std::fmt;
use std::iter::successors;
use std::marker::PhantomData;
use std::sync::Arc;

use rocket::fairing::{self, AdHoc, Fairing, Info, Kind};
use rocket::figment::Figment;
use rocket::response::Responder;
use rocket::{Build, Phase, Request, Response, Rocket, async_trait};
use session_backends::Connect;
use session_core::{Backend, Pending, Sessions, Settings, SettingsError, Slot};

use crate::response::{Headers, replace};
use crate::session::{Error, ErrorPage, Main};
use crate::{catcher, config};

/// Gives each request a session, and saves it with the response. `N` names one of several in an application.
///
/// The store is opened when the application is ignited. Where that fails, or where a browser would refuse the cookie, nothing is
/// launched, and the log says why.
pub struct SessionFairing<N = Main> {
    source: Source,
    changes: Vec<Box<Change>>,
    on_error: Option<ErrorPage>,
    name: PhantomData<fn() -> N>,
}

type Change = dyn Fn(Settings) -> Result<Settings, SettingsError> + Send + Sync;

/// Where the sessions come from.
enum Source {
    Made(Sessions),
    Url(String),
    Config(String),
}

impl SessionFairing {
    /// As the section `session` of the application's configuration says: its `url` and any [`Settings`].
    pub fn from_config() -> Self {
        Named::from_config()
    }

    /// Sessions in the store of this URL, such as `memory:` or `sqlite:shop.db`. It is created where absent.
    pub fn connect(url: impl Into<String>) -> Self {
        Named::connect(url)
    }

    /// Sessions in this backend, with the default settings.
    pub fn new(backend: impl Into<Backend>) -> Self {
        Named::new(backend)
    }

    /// Over sessions that are used elsewhere too, in jobs for example.
    pub fn from_sessions(sessions: Sessions) -> Self {
        Named::from_sessions(sessions)
    }

    /// The sessions of an ignited application, for use outside requests; none where no fairing is attached.
    pub fn sessions<P: Phase>(rocket: &Rocket<P>) -> Option<&Sessions> {
        <Self as Named>::sessions(rocket)
    }
}

/// `SessionFairing::<Admin>::connect(url)`: makes the fairing of a session with a name. Bring it into scope with `use
/// session_rocket::Named`, and give each session a cookie name of its own.
pub trait Named: Sized {
    /// As the section `session` of the application's configuration says: its `url` and any [`Settings`]. Another section is
    /// [chosen](SessionFairing::section) afterwards.
    fn from_config() -> Self;

    /// Sessions in the store of this URL, such as `memory:` or `sqlite:shop.db`. It is created where absent.
    fn connect(url: impl Into<String>) -> Self;

    /// Over sessions that are used elsewhere too, in jobs for example.
    fn from_sessions(sessions: Sessions) -> Self;

    /// Sessions in this backend, with the default settings.
    fn new(backend: impl Into<Backend>) -> Self {
        Self::from_sessions(Sessions::from(backend.into()))
    }

    /// The sessions of an ignited application, for use outside requests; none where no fairing of the name is attached.
    fn sessions<P: Phase>(rocket: &Rocket<P>) -> Option<&Sessions>;
}

impl<N: 'static> Named for SessionFairing<N> {
    fn from_config() -> Self {
        Self::of(Source::Config("session".to_owned()))
    }

    fn connect(url: impl Into<String>) -> Self {
        Self::of(Source::Url(url.into()))
    }

    fn from_sessions(sessions: Sessions) -> Self {
        Self::of(Source::Made(sessions))
    }

    fn sessions<P: Phase>(rocket: &Rocket<P>) -> Option<&Sessions> {
        rocket.state::<Installed<N>>().map(|installed| &installed.sessions)
    }
}

impl<N> SessionFairing<N> {
    fn of(source: Source) -> Self {
        Self { source, changes: Vec::new(), on_error: None, name: PhantomData }
    }

    /// Reads this section of the configuration in place of `session`: for the second session of an application.
    #[must_use = "this returns the fairing"]
    pub fn section(self, name: impl Into<String>) -> Self {
        Self { source: Source::Config(name.into()), ..self }
    }

    /// With these settings, in place of those of the configuration.
    #[must_use = "this returns the fairing"]
    pub fn with_settings(self, settings: Settings) -> Self {
        self.change_settings(move |_| settings.clone())
    }

    /// With this name of the cookie.
    #[must_use = "this returns the fairing"]
    pub fn cookie_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.change_settings(move |settings| settings.with_cookie_name(&name))
    }

    /// Changes what the configuration says, or adds what it cannot: `.change_settings(|settings| settings.with_host_prefix())`.
    #[must_use = "this returns the fairing"]
    pub fn change_settings(self, change: impl Fn(Settings) -> Settings + Send + Sync + 'static) -> Self {
        self.try_change_settings(move |settings| Ok(change(settings)))
    }

    /// The same with a change that may fail, such as `.try_change_settings(move |settings| settings.with_encryption(&keys))`. Where it
    /// does, the application is not launched, and the log says why.
    #[must_use = "this returns the fairing"]
    pub fn try_change_settings(
        mut self,
        change: impl Fn(Settings) -> Result<Settings, SettingsError> + Send + Sync + 'static,
    ) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Shows errors of the session in the application's own way: those that a handler returns or a guard fails with, and those of
    /// the save after the handler. Without it they are JSON. Of several fairings the first that has a page shows all errors.
    #[must_use = "this returns the fairing"]
    pub fn on_error<R: for<'r> Responder<'r, 'static>>(
        self,
        page: impl Fn(&session_core::Error) -> R + Send + Sync + 'static,
    ) -> Self {
        let page = ErrorPage(Arc::new(move |error, request| page(error).respond_to(request)));
        Self { on_error: Some(page), ..self }
    }

    async fn open(&self, figment: &Figment) -> Result<Sessions, Box<dyn StdError>> {
        let (connect, settings) = match &self.source {
            Source::Made(sessions) => {
                return Ok(sessions.with_settings(self.changed(sessions.settings().clone())?)?);
            }
            Source::Url(url) => (Connect::new(url), Settings::default()),
            Source::Config(section) => config::read(figment, section)?,
        };
        let settings = self.changed(settings)?;
        Ok(Sessions::new(connect.with_settings(&settings).open().await?, settings)?)
    }

    fn changed(&self, settings: Settings) -> Result<Settings, SettingsError> {
        self.changes.iter().try_fold(settings, |settings, change| change(settings))
    }
}

/// The sessions of one name, in the application's state.
pub(crate) struct Installed<N> {
    sessions: Sessions,
    name: PhantomData<fn() -> N>,
}

/// The place of the session of one name, in the request's cache.
struct SlotOf<N>(Slot, PhantomData<fn() -> N>);

/// The request's session, begun by whoever asks first. None where no fairing of the name is attached.
pub(crate) fn pending<N: 'static>(request: &Request<'_>) -> Option<Pending> {
    Some(slot::<N>(request)?.begin(cookies(request)))
}

fn slot<'r, N: 'static>(request: &'r Request<'_>) -> Option<&'r Slot> {
    let installed = request.rocket().state::<Installed<N>>()?;
    let make = || SlotOf::<N>(installed.sessions.slot(|| cookies(request)), PhantomData);
    Some(&request.local_cache(make).0)
}

fn cookies<'r>(request: &'r Request<'_>) -> impl Iterator<Item = &'r [u8]> {
    let mut sent = request.headers().get("cookie").peekable();
    let put = if sent.peek().is_none() { put_by_a_test(request) } else { None };
    sent.chain(put).map(str::as_bytes)
}

/// Rocket's local client puts the cookies that it keeps into the request's jar, and sends no header.
fn put_by_a_test<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    struct Put(String);
    let mut jar = request.cookies().iter().peekable();
    jar.peek()?;
    let put = request
        .local_cache(|| Put(jar.map(|cookie| cookie.stripped().to_string()).collect::<Vec<_>>().join("; ")));
    Some(&put.0)
}

#[async_trait]
impl<N: 'static> Fairing for SessionFairing<N> {
    fn info(&self) -> Info {
        Info { name: std::any::type_name::<Self>(), kind: Kind::Ignite | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let sessions = match self.open(rocket.figment()).await.map_err(|error| whole(&*error)) {
            Ok(sessions) => sessions,
            Err(error) => {
                rocket::error!("sessions are not ready: {error}");
                return Err(rocket);
            }
        };
        let mut rocket = rocket.manage(Installed::<N> { sessions, name: PhantomData });
        if let (Some(page), None) = (&self.on_error, rocket.state::<ErrorPage>()) {
            rocket = rocket.manage(page.clone());
        }
        // Behind all that is attached before the application ignites.
        let catchers = AdHoc::on_ignite("session errors", async |rocket| catcher::register(rocket));
        Ok(rocket.attach(Finish::<N>(PhantomData)).attach(catchers))
    }
}

/// An error with what is behind it.
fn whole(error: &dyn StdError) -> String {
    let causes = successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

/// Saves the session when every other fairing has done with the response.
struct Finish<N>(PhantomData<fn() -> N>);

#[async_trait]
impl<N: 'static> Fairing for Finish<N> {
    fn info(&self) -> Info {
        Info { name: std::any::type_name::<Self>(), kind: Kind::Response | Kind::Singleton }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Some(slot) = slot::<N>(request) else { return };
        let finished = slot.finish_with(|| ErrorPage::status_behind(request, response).code).await;
        if let Some(error) = finished.error {
            replace(response, Error::from(error), request);
        }
        finished.headers.apply(&mut Headers(response));
    }
}

impl<N> fmt::Debug for SessionFairing<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may have a password in it.
        f.debug_struct("SessionFairing").finish_non_exhaustive()
    }
}
