//! Operations on the sessions of an account.

use serde_json::{Value, json};
use session_core::store::SessionStore;
use session_core::{Backend, RecordKey, Sessions};

use super::arguments::Arguments;
use super::expiry::rfc3339;
use super::{Context, Failure, UNSUPPORTED};

pub(super) async fn list(context: Context<'_>, args: Arguments<'_>) -> Result<Value, Failure> {
    let Context { session, sessions, .. } = context;
    let own = session.account();
    let account = match args.optional("account") {
        None => own.as_deref(),
        Some(_) => Some(args.name("account")?),
    };
    check_accounts(sessions)?;
    let Some(account) = account else { return Ok(json!([])) };
    if session.is_modified() && own.as_deref() == Some(account) {
        // The list is of what is stored, and a login that came before in the same request is not yet.
        session.save().await?;
    }
    let current = session.session_key();
    let infos = sessions.sessions_of(account).await?;
    Ok(infos
        .into_iter()
        .map(|info| {
            json!({
                "id": info.handle.to_string(),
                "created": rfc3339(info.created),
                "last_active": rfc3339(info.last_active),
                "expires": rfc3339(info.expires),
                "current": Some(info.handle) == current,
            })
        })
        .collect())
}

pub(super) async fn revoke(context: Context<'_>, args: Arguments<'_>) -> Result<Value, Failure> {
    let id = args.text("id")?;
    check_server(context.sessions)?;
    match id.parse::<RecordKey>() {
        Ok(handle) => Ok(json!(context.session.revoke(&handle).await?)),
        Err(_) => Ok(json!(false)), // what is no handle names no session
    }
}

pub(super) async fn revoke_others(context: Context<'_>) -> Result<Value, Failure> {
    check_accounts(context.sessions)?;
    Ok(json!(context.session.revoke_others().await?))
}

/// Asked before the account is, so that the answer does not depend on who is signed in.
fn check_accounts(sessions: &Sessions) -> Result<(), Failure> {
    match sessions.backend() {
        Backend::Server(store) if store.capabilities().accounts => Ok(()),
        _ => Err(UNSUPPORTED),
    }
}

fn check_server(sessions: &Sessions) -> Result<(), Failure> {
    match sessions.backend() {
        Backend::Server(_) => Ok(()),
        Backend::Client(_) => Err(UNSUPPORTED),
    }
}
