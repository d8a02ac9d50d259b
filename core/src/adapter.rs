//! What an adapter shows its users, which is the same in every framework.

/// Defines the types that every adapter has: `Session<N = Main>`, `LazySession<N = Main>`, `Error` and `Result`; and exports from this
/// crate what an application uses.
///
/// They must be types of the adapter's own crate, or it could not implement its framework's traits for them. The adapter adds how
/// they are extracted from a request and answered in a response, and nothing else.
///
/// ```
/// session_core::adapter_types!();
///
/// fn visits(session: &Session) -> Result<u32> {
///     Ok(session.update("visits", |n: &mut u32| { *n += 1; *n })?)
/// }
///
/// # fn main() {
/// let error = Error::from(session_core::Error::Interrupted);
/// assert_eq!(error.kind().status(), 400);
/// # }
/// ```
#[macro_export]
macro_rules! adapter_types {
    () => {
        pub use $crate::{
            AnyStore, AsKey, AssuranceLevel, Backend, CleanedUp, Cleanup, Clock, Error as SessionError,
            Event, Expiry, Key, ManualClock, Migrated, MigratingStore, Migration, OnConflict, OnMisfit,
            OnOutage, OnSessionLimit, RecordKey, SameSite, SecretKeys, SessionData, SessionInfo, Sessions,
            Settings, SettingsError, StoredPage, StoredSession, Sweeper, Swept, Time, Weakness,
        };

        /// The name of the session that has no other.
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct Main;

        /// The request's session, loaded. `N` names one of several in an application. See
        /// [`session_core::Session`](::session_core::Session) for what it can do.
        ///
        /// Clones are the same session. As an argument of a handler it fails with 503 where the store cannot be reached; take
        /// `Result<Session, Error>` to answer otherwise.
        pub struct Session<N = Main>($crate::Session, ::std::marker::PhantomData<fn() -> N>);

        /// The request's session, not loaded: for a handler that may not need it, and for a logout in one trip to the store.
        pub struct LazySession<N = Main>($crate::Pending, ::std::marker::PhantomData<fn() -> N>);

        /// The result of a handler that uses a session.
        pub type Result<T, E = Error> = ::std::result::Result<T, E>;

        /// An error of a session, as a response: the status and JSON of [`session_core::Error`](::session_core::Error), unless
        /// the application shows it in its own way (`on_error`). Clones are the same error.
        #[derive(Clone, Debug)]
        pub struct Error(::std::sync::Arc<$crate::Error>);

        impl<N> ::std::ops::Deref for Session<N> {
            type Target = $crate::Session;

            fn deref(&self) -> &$crate::Session {
                &self.0
            }
        }

        impl<N> ::std::clone::Clone for Session<N> {
            fn clone(&self) -> Self {
                Self(self.0.clone(), ::std::marker::PhantomData)
            }
        }

        impl<N> ::std::fmt::Debug for Session<N> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<N> LazySession<N> {
            #[allow(dead_code, reason = "who only tries the macro out makes none")]
            pub(crate) fn new(pending: $crate::Pending) -> Self {
                Self(pending, ::std::marker::PhantomData)
            }

            /// Loads the session, if that has not been done in this request.
            ///
            /// # Errors
            ///
            /// As taking [`Session`] fails: 503 where the store cannot be reached. The browser keeps its cookie then.
            pub fn open(&self) -> Opening<N> {
                Opening::new(self.0.open())
            }

            /// Ends the session without loading it, whatever the status of the response: a logout. Where there is none it does nothing.
            ///
            /// # Errors
            ///
            /// 503 where the store cannot be reached: then the session may live on, and the cookie stays.
            pub async fn flush(&self) -> Result<()> {
                Ok(self.0.flush().await?)
            }
        }

        /// The future of a session that is being loaded. It is done at once where nothing has to be waited for.
        #[must_use = "a future does nothing unless it is awaited"]
        pub struct Opening<N = Main>(
            $crate::Answer<'static, $crate::Result<$crate::Session>>,
            ::std::marker::PhantomData<fn() -> N>,
        );

        impl<N> Opening<N> {
            #[allow(dead_code, reason = "an adapter may open sessions only by a LazySession")]
            pub(crate) fn new(answer: $crate::Answer<'static, $crate::Result<$crate::Session>>) -> Self {
                Self(answer, ::std::marker::PhantomData)
            }
        }

        impl<N> ::std::future::Future for Opening<N> {
            type Output = Result<Session<N>>;

            fn poll(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<Result<Session<N>>> {
                let opened = ::std::pin::Pin::new(&mut self.0).poll(context);
                opened.map(|opened| Ok(Session(opened?, ::std::marker::PhantomData)))
            }
        }

        impl<N> ::std::fmt::Debug for Opening<N> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_tuple("Opening").finish_non_exhaustive()
            }
        }

        impl<N> ::std::clone::Clone for LazySession<N> {
            fn clone(&self) -> Self {
                Self::new(self.0.clone())
            }
        }

        impl<N> ::std::fmt::Debug for LazySession<N> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_tuple("LazySession").finish_non_exhaustive()
            }
        }

        impl Error {
            /// What went wrong.
            pub fn kind(&self) -> &$crate::Error {
                &self.0
            }
        }

        impl ::std::convert::From<$crate::Error> for Error {
            fn from(error: $crate::Error) -> Self {
                Self(::std::sync::Arc::new(error))
            }
        }

        impl ::std::fmt::Display for Error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::std::error::Error for Error {
            fn source(&self) -> ::std::option::Option<&(dyn ::std::error::Error + 'static)> {
                self.0.source()
            }
        }
    };
}

/// Defines what holds an application's sessions in an adapter that wraps handlers: `$layer<N = Main>`, how it is made, and what may
/// be set on it. `$page` is the framework's response. The adapter adds how its framework calls it.
///
/// The types of [`adapter_types!`](crate::adapter_types) must be in scope.
#[macro_export]
macro_rules! adapter_layer {
    ($(#[$doc:meta])* $layer:ident, $page:ty) => {
        $(#[$doc])*
        pub struct $layer<N = Main> {
            sessions: $crate::Sessions,
            on_error: ::std::option::Option<ErrorPage>,
            name: ::std::marker::PhantomData<fn() -> N>,
        }

        /// How the application shows an error of a session.
        pub(crate) type ErrorPage = ::std::sync::Arc<dyn Fn(&$crate::Error) -> $page + Send + Sync>;

        impl $layer {
            /// Sessions in this backend, with the default settings.
            pub fn new(backend: impl Into<$crate::Backend>) -> Self {
                Named::new(backend)
            }

            /// Over sessions that are used elsewhere too, in jobs for example.
            pub fn from_sessions(sessions: $crate::Sessions) -> Self {
                Named::from_sessions(sessions)
            }
        }

        #[doc = ::std::concat!("`", ::std::stringify!($layer), "::<Admin>::new(backend)`: sessions with a name.")]
        ///
        /// Bring the trait into scope, and give each session a cookie name of its own.
        pub trait Named: Sized {
            /// Over sessions that are used elsewhere too, in jobs for example.
            fn from_sessions(sessions: $crate::Sessions) -> Self;

            /// Sessions in this backend, with the default settings.
            fn new(backend: impl Into<$crate::Backend>) -> Self {
                Self::from_sessions($crate::Sessions::from(backend.into()))
            }
        }

        impl<N> Named for $layer<N> {
            fn from_sessions(sessions: $crate::Sessions) -> Self {
                Self { sessions, on_error: None, name: ::std::marker::PhantomData }
            }
        }

        impl<N> $layer<N> {
            /// With these settings. An error where a browser would refuse the cookie.
            pub fn with_settings(
                self,
                settings: $crate::Settings,
            ) -> ::std::result::Result<Self, $crate::SettingsError> {
                Ok(Self { sessions: self.sessions.with_settings(settings)?, ..self })
            }

            /// With this name of the cookie, which the source code says. A name from elsewhere goes with
            /// [`with_settings`](Self::with_settings).
            ///
            /// # Panics
            ///
            /// Where a browser would refuse the name: the application does not start then, and the panic names the line.
            #[must_use = "this returns what has the name"]
            #[track_caller]
            pub fn cookie_name(self, name: &'static str) -> Self {
                match self.sessions.with_cookie_name(name) {
                    Ok(sessions) => Self { sessions, ..self },
                    Err(error) => panic!("{error}"),
                }
            }

            /// Shows errors of the session in the application's own way: those that a handler returns or an extractor rejects
            /// with, and those of the save after the handler. Without it they are JSON.
            #[must_use = "this returns what shows them"]
            pub fn on_error(
                mut self,
                page: impl Fn(&$crate::Error) -> $page + Send + Sync + 'static,
            ) -> Self {
                self.on_error = Some(::std::sync::Arc::new(page));
                self
            }

            /// The sessions, for use outside requests.
            pub fn sessions(&self) -> &$crate::Sessions {
                &self.sessions
            }
        }

        impl<N> ::std::clone::Clone for $layer<N> {
            fn clone(&self) -> Self {
                Self {
                    sessions: self.sessions.clone(),
                    on_error: self.on_error.clone(),
                    name: ::std::marker::PhantomData,
                }
            }
        }

        impl<N> ::std::fmt::Debug for $layer<N> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(::std::stringify!($layer)).field("sessions", &self.sessions).finish_non_exhaustive()
            }
        }
    };
}
