//! A whole struct as the session.

use std::sync::MutexGuard;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entries::{Entries, Name, RawJson};
use crate::error::{Error, Result};
use crate::journal::Change;
use crate::session::Session;
use crate::state::State;

/// A struct whose fields are the session's keys.
///
/// It is read and written as a whole, but saved by field: of two requests that change different fields neither loses anything, and
/// with [`update_data`](Session::update_data) not those either that change the same one. What a field holds is compared, so that a
/// change deep within it is seen. A field that a stored session does not have has the value that it has in `default()`: so a new
/// field is no migration. Keys that are not fields stay as they are.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use session_core::{Session, SessionData};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Shop {
///     cart: Vec<u64>,
///     theme: Option<String>,
/// }
/// impl SessionData for Shop {}
///
/// fn add(session: &Session, id: u64) -> session_core::Result<usize> {
///     session.update_data(move |shop: &mut Shop| {
///         shop.cart.push(id);
///         shop.cart.len()
///     })
/// }
/// ```
pub trait SessionData: Default + Serialize + DeserializeOwned {
    /// What becomes of a stored session that does not fit: a field has another type by now.
    const ON_MISFIT: OnMisfit = OnMisfit::Fail;
}

/// What becomes of data that does not fit the type that it is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it is an error, or it is not")]
pub enum OnMisfit {
    /// [`Error::WrongType`](crate::Error::WrongType); nothing is changed.
    Fail,
    /// The type's default takes its place; what was stored is replaced when the session is next written.
    Discard,
}

/// # As one struct
impl Session {
    /// The session's values as this struct.
    ///
    /// # Errors
    ///
    /// [`Error::WrongType`] where a value does not fit its field, unless the type [discards](SessionData::ON_MISFIT) such data.
    pub fn data<T: SessionData>(&self) -> Result<T> {
        read(&self.entries())
    }

    /// Sets the session's values to this struct's. Only fields that are different count as a change.
    ///
    /// # Errors
    ///
    /// [`Error::Unserializable`] where it is no struct with named fields, [`Error::ReservedKey`] where one of them begins with `_`,
    /// and those of [`insert`](Self::insert). Nothing is changed then.
    pub fn set_data<T: SessionData>(&self, data: &T) -> Result<()> {
        let after = fields(data)?;
        let (mut state, edits, ()) = self.edit(|before| Ok((edits::<T>(before, &after)?, ())))?;
        edits.into_iter().for_each(|(key, value)| {
            state.record(match value {
                Some(value) => Change::Set { key, value },
                None => Change::Remove { key },
            });
        });
        Ok(())
    }

    /// Changes the struct in place. When another request saves first, the function **runs again on the newer values**, as that of
    /// [`update`](Self::update) does; so it must do nothing but change them.
    ///
    /// # Errors
    ///
    /// Those of [`data`](Self::data) and [`set_data`](Self::set_data).
    pub fn update_data<T: SessionData, R>(
        &self,
        mut f: impl FnMut(&mut T) -> R + Send + 'static,
    ) -> Result<R> {
        let (mut state, edits, answer) = self.edit(|before| step(before, &mut f))?;
        if !edits.is_empty() {
            state.record(Change::Edit {
                step: Box::new(move |entries| {
                    let (edits, _) = step(entries, &mut f)?;
                    Ok(apply(&edits, entries.clone()))
                }),
            });
        }
        Ok(answer)
    }

    /// Makes edits of the session's values; the state stays locked for them to be recorded. They are made by the application's code,
    /// which runs while nothing is locked, and again where a clone of this session was faster.
    fn edit<R>(
        &self,
        mut make: impl FnMut(&Entries) -> Result<(Edits, R)>,
    ) -> Result<(MutexGuard<'_, State>, Edits, R)> {
        loop {
            let before = self.entries();
            let (edits, answer) = make(&before)?;
            let mut state = self.0.lock();
            if state.content.entries != before {
                continue;
            }
            if !edits.is_empty() {
                let after = apply(&edits, before);
                self.0.sessions.settings().check_limits(&after)?;
                state.content.entries = after;
            }
            return Ok((state, edits, answer));
        }
    }

    fn entries(&self) -> Entries {
        let mut state = self.0.lock();
        state.accessed = true;
        state.content.entries.clone()
    }
}

/// Which keys get which values; `None` takes one away.
type Edits = Vec<(Name, Option<RawJson>)>;

/// One run of an update's function.
fn step<T: SessionData, R>(before: &Entries, f: &mut impl FnMut(&mut T) -> R) -> Result<(Edits, R)> {
    let mut data = read::<T>(before)?;
    let answer = f(&mut data);
    Ok((edits::<T>(before, &fields(&data)?)?, answer))
}

/// What makes these fields of what is there. A field that the struct does not write (`skip_serializing_if`) is taken away.
fn edits<T: SessionData>(before: &Entries, after: &Entries) -> Result<Edits> {
    let data = parse::<T>(before)?;
    let known = fields(data.as_ref().unwrap_or(&T::default()))?;
    // A value that does not fit would be met again with every reading, also where the struct does not write its field now.
    let misfits = |key: &str, value: &RawJson| -> Result<bool> {
        let mut alone = Entries::default();
        alone.insert(key, value.clone());
        Ok(data.is_none() && parse::<T>(&alone)?.is_none())
    };
    let mut gone = Vec::new();
    for (key, value) in before.iter().filter(|(key, _)| after.get(key).is_none()) {
        if known.get(key).is_some() || misfits(key, value)? {
            gone.push(key);
        }
    }
    let set = after.iter().filter(|(key, value)| before.get(key) != Some(value));
    let gone = gone.into_iter().map(|key| (key.into(), None));
    Ok(gone.chain(set.map(|(key, value)| (key.into(), Some(value.clone())))).collect())
}

fn apply(edits: &Edits, mut to: Entries) -> Entries {
    for (key, value) in edits {
        match value {
            Some(value) => to.insert(key.clone(), value.clone()),
            None => drop(to.remove(key)),
        }
    }
    to
}

/// The session's values as a struct; `None` where they do not fit.
fn parse<T: SessionData>(entries: &Entries) -> Result<Option<T>> {
    let mut whole = fields(&T::default())?;
    for (key, value) in entries.iter() {
        whole.insert(key, value.clone());
    }
    Ok(serde_json::from_slice(&whole.to_json()).ok())
}

/// The same, with what is done where they do not fit.
fn read<T: SessionData>(entries: &Entries) -> Result<T> {
    match parse(entries)? {
        Some(data) => Ok(data),
        None if T::ON_MISFIT == OnMisfit::Discard => Ok(T::default()),
        // What serde says of a mismatch may quote the value.
        None => Err(Error::WrongType { key: "all keys".to_owned(), expected: std::any::type_name::<T>() }),
    }
}

/// A struct's fields.
fn fields<T: Serialize>(data: &T) -> Result<Entries> {
    let name = std::any::type_name::<T>();
    let unserializable = |reason: String| Error::Unserializable { key: name.to_owned(), reason };
    let json = serde_json::to_vec(data).map_err(|error| unserializable(error.to_string()))?;
    let fields = Entries::from_json(&json.into())
        .map_err(|_| unserializable("it is no struct with named fields".to_owned()))?;
    match fields.reserved() {
        Some(key) => Err(Error::ReservedKey(key.to_owned())),
        None => Ok(fields),
    }
}
