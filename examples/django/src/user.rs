//! Who is signed in, by the users whom Django has.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use session_axum::django::{Auth, Standing};
use session_axum::{Error, Session};
use sqlx::SqlitePool;

/// Where Django has its users, and what it signs their logins with.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    pub(crate) pool: SqlitePool,
    pub(crate) auth: Auth,
}

/// The name of who is signed in, for a handler: what `request.user` is in Django.
#[derive(Debug)]
pub(crate) struct User(pub(crate) Option<String>);

impl FromRequestParts<Users> for User {
    type Rejection = NotKnown;

    async fn from_request_parts(parts: &mut Parts, users: &Users) -> Result<Self, NotKnown> {
        let session: Session = Session::from_request_parts(parts, users).await?;
        let Some(id) = session.account().and_then(|id| id.parse().ok()) else { return Ok(Self(None)) };
        let Some((name, password)) = users.find(id).await? else { return Ok(Self(None)) };
        // Whose password has changed since is signed out, as in Django.
        let standing = users.auth.check(&session, &password).await.map_err(Error::from)?;
        Ok(Self((standing == Standing::SignedIn).then_some(name)))
    }
}

impl Users {
    /// Name and password hash of a user who may sign in.
    async fn find(&self, id: i64) -> sqlx::Result<Option<(String, String)>> {
        let user = sqlx::query_as("SELECT username, password FROM auth_user WHERE id = $1 AND is_active");
        user.bind(id).fetch_optional(&self.pool).await
    }
}

/// It could not be asked who is signed in.
#[derive(Debug)]
pub(crate) enum NotKnown {
    Session(Error),
    Users(sqlx::Error),
}

impl From<Error> for NotKnown {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl From<sqlx::Error> for NotKnown {
    fn from(error: sqlx::Error) -> Self {
        Self::Users(error)
    }
}

impl IntoResponse for NotKnown {
    fn into_response(self) -> Response {
        match self {
            Self::Session(error) => error.into_response(),
            Self::Users(error) => {
                eprintln!("the users cannot be read: {error}");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }
}
