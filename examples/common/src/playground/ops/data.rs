//! Operations on the session's values.

use serde_json::{Map, Value};
use session_core::Session;

use super::arguments::Arguments;
use super::{Failure, MISSING_KEY, WRONG_TYPE, done};
use crate::playground::number::{self, Increment};

type Answer = Result<Value, Failure>;

pub(super) fn get(session: &Session, args: Arguments<'_>) -> Answer {
    let value = session.get(args.text("key")?)?;
    Ok(value.or_else(|| args.optional("default").cloned()).unwrap_or_default())
}

pub(super) fn set(session: &Session, args: Arguments<'_>) -> Answer {
    done(session.insert(args.text("key")?, args.value("value")?)?)
}

pub(super) fn delete(session: &Session, args: Arguments<'_>) -> Answer {
    if session.remove(args.text("key")?) { done(()) } else { Err(MISSING_KEY) }
}

pub(super) fn pop(session: &Session, args: Arguments<'_>) -> Answer {
    let value = session.pop(args.text("key")?)?;
    value.or_else(|| args.optional("default").cloned()).ok_or(MISSING_KEY)
}

pub(super) fn setdefault(session: &Session, args: Arguments<'_>) -> Answer {
    let (key, value) = (args.text("key")?, args.value("value")?);
    Ok(session.get_or_insert_with(key, || value.clone())?)
}

pub(super) fn update(session: &Session, args: Arguments<'_>) -> Answer {
    done(session.extend(args.object("values")?)?)
}

pub(super) fn increment(session: &Session, args: Arguments<'_>) -> Answer {
    let (key, by) = (args.text("key")?, args.number_or("by", 1)?);
    match number::increment(session, key, &by)? {
        Increment::Done(sum) => Ok(Value::Number(sum)),
        Increment::NoNumber => Err(WRONG_TYPE),
    }
}

pub(super) fn items(session: &Session) -> Answer {
    let items: Map<String, Value> = session
        .iter()
        .map(|(key, value)| value.get().map(|value| (key, value)).ok_or(WRONG_TYPE))
        .collect::<Result<_, _>>()?;
    Ok(Value::Object(items))
}
