//! The operations of `POST /ops`.

mod accounts;
mod arguments;
mod data;
mod expiry;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Map, Value, json};
use session_core::store::StoreErrorKind;
use session_core::{Clock, Error, Session, Sessions, SystemClock};

use self::arguments::Arguments;
use super::error::PlaygroundError;

/// Runs the operations of a JSON array in order, and answers `{"results": […]}` with a result for each: `{"ok": VALUE}`, or
/// `{"error": CODE}` from one that failed and changed nothing.
///
/// An error where the body is no such array (nothing was run then), where the store cannot be reached, and where another request
/// ended the session: then what the operations before it did is not saved, because the answer has the error's status.
pub async fn run(session: &Session, sessions: &Sessions, body: &[u8]) -> Result<Value, PlaygroundError> {
    run_at(&SystemClock, session, sessions, body).await
}

async fn run_at(
    clock: &dyn Clock,
    session: &Session,
    sessions: &Sessions,
    body: &[u8],
) -> Result<Value, PlaygroundError> {
    let context = Context { session, sessions, clock };
    let mut results = Vec::new();
    for Operation { name, arguments } in &parse(body)? {
        results.push(match context.run(name, Arguments(arguments)).await {
            Ok(value) => json!({ "ok": value }),
            Err(Failure::Operation(code)) => json!({ "error": code }),
            Err(Failure::Request(error)) => return Err(error.into()),
        });
    }
    Ok(json!({ "results": results }))
}

struct Operation {
    name: String,
    arguments: Map<String, Value>,
}

fn parse(body: &[u8]) -> Result<Vec<Operation>, PlaygroundError> {
    let malformed =
        |reason: String| PlaygroundError::Malformed(format!("the body is no array of operations: {reason}"));
    let array: Vec<Map<String, Value>> =
        serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    array
        .into_iter()
        .map(|arguments| match arguments.get("op") {
            Some(Value::String(name)) => Ok(Operation { name: name.clone(), arguments }),
            _ => Err(malformed("each needs a text `op`".to_owned())),
        })
        .collect()
}

/// Why an operation has no result.
enum Failure {
    /// This one failed; the next ones still run.
    Operation(&'static str),
    /// The whole request fails.
    Request(Error),
}

const BAD_ARGUMENT: Failure = Failure::Operation("bad_argument");
const MISSING_KEY: Failure = Failure::Operation("missing_key");
const UNSUPPORTED: Failure = Failure::Operation("unsupported");
const WRONG_TYPE: Failure = Failure::Operation("wrong_type");

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted | Error::Conflict => Self::Request(error),
            Error::Store(ref store) if store.kind() == StoreErrorKind::Unavailable => Self::Request(error),
            error => Self::Operation(error.code()),
        }
    }
}

/// What operations work on.
#[derive(Clone, Copy)]
struct Context<'a> {
    session: &'a Session,
    sessions: &'a Sessions,
    clock: &'a dyn Clock,
}

/// Longer waits would only hold a worker.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

impl Context<'_> {
    async fn run(self, op: &str, args: Arguments<'_>) -> Result<Value, Failure> {
        let session = self.session;
        match op {
            "get" => data::get(session, args),
            "set" => data::set(session, args),
            "delete" => data::delete(session, args),
            "pop" => data::pop(session, args),
            "setdefault" => data::setdefault(session, args),
            "update" => data::update(session, args),
            "increment" => data::increment(session, args),
            "contains" => Ok(json!(session.contains_key(args.text("key")?))),
            "keys" => Ok(json!(session.keys())),
            "items" => data::items(session),
            "clear" => {
                session.clear();
                done(())
            }
            "flush" | "logout" => done(session.flush().await?),
            "cycle_key" => done(session.rotate()?),
            "is_empty" => Ok(json!(session.is_empty())),
            "session_key" => Ok(json!(session.session_key().map(|key| key.to_string()))),
            "modified" => Ok(json!(session.is_modified())),
            "set_modified" => {
                session.mark_modified();
                done(())
            }
            "set_expiry" => done(session.set_expiry(expiry::parse(args, self.clock.now())?)?),
            "get_expiry_age" => Ok(json!(session.expiry_age().as_secs())),
            "get_expiry_date" => Ok(json!(expiry::rfc3339(session.expiry_date().into()))),
            "get_expire_at_browser_close" => Ok(json!(session.expires_at_browser_close())),
            "set_test_cookie" => done(session.set_test_cookie()?),
            "test_cookie_worked" => Ok(json!(session.test_cookie_worked())),
            "delete_test_cookie" if session.delete_test_cookie() => done(()),
            "delete_test_cookie" => Err(MISSING_KEY),
            "save" => done(session.save().await?),
            "sleep_ms" => done(sleep(args).await?),
            "login" => done(session.login(args.name("account")?).await?),
            "account" => Ok(json!(session.account())),
            "account_sessions" => accounts::list(self, args).await,
            "revoke" => accounts::revoke(self, args).await,
            "revoke_others" => accounts::revoke_others(self).await,
            _ => Err(Failure::Operation("unknown_op")),
        }
    }
}

/// The result of what only does something.
#[expect(clippy::unnecessary_wraps, reason = "it is the result of an operation")]
fn done((): ()) -> Result<Value, Failure> {
    Ok(Value::Null)
}

async fn sleep(args: Arguments<'_>) -> Result<(), Failure> {
    let time = Duration::from_millis(args.value("ms")?.as_u64().ok_or(BAD_ARGUMENT)?);
    if time > LONGEST_SLEEP {
        return Err(BAD_ARGUMENT);
    }
    tokio::time::sleep(time).await;
    Ok(())
}
