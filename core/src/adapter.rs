//! What an adapter shows its users, which is the same in every framework.

/// Defines the types that every adapter has: `Session<N = Main>`, `LazySession<N = Main>`, `Error` and `Result`.
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
            pub async fn open(&self) -> Result<Session<N>> {
                Ok(Session(self.0.open().await?, ::std::marker::PhantomData))
            }

            /// Ends the session without loading it, whatever the status of the response.
            pub async fn flush(&self) -> Result<()> {
                Ok(self.0.flush().await?)
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
