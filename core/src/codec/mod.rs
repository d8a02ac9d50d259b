//! Between a session's content and the bytes of its record.
//!
//! In this project's own format data is the text of a JSON object, so it begins with `{`. Another form (compressed, encrypted)
//! begins with another byte, and a reader that does not know it says so; it never takes it for an empty session.

#![cfg_attr(
    not(all(feature = "compress", feature = "encrypt")),
    allow(
        unused_variables,
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "what is left out uses them"
    )
)]

#[cfg(feature = "compress")]
mod compress;
#[cfg(feature = "encrypt")]
mod encrypt;

use bytes::Bytes;

#[cfg(feature = "encrypt")]
pub(crate) use encrypt::Encryption;

#[cfg(feature = "django")]
pub(crate) use crate::django::Django;
use crate::entries::Entries;
use crate::error::{Error, Result};
use crate::id::RecordKey;
use crate::journal::Content;
use crate::record::Record;
use crate::store::{StoreError, StoreErrorKind};

/// How sessions are written in their store.
#[derive(Clone, Debug)]
pub(crate) enum Codec {
    Native(Native),
    #[cfg(feature = "django")]
    Django(Django),
    /// Of sessions that move from Django's format to this project's own.
    #[cfg(feature = "django")]
    FromDjango(Django, Native),
    /// Of a store whose format nobody has named: an error for every session, rather than a panic when the application starts.
    Unnamed,
}

/// This project's own form: JSON, made smaller or unreadable where that is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Native {
    #[cfg(feature = "compress")]
    pub(crate) compress: bool,
    #[cfg(feature = "encrypt")]
    pub(crate) encryption: Option<Encryption>,
}

/// Where Django's format is not compiled in, nothing asks for it.
#[cfg(not(feature = "django"))]
#[derive(Clone, Debug)]
pub(crate) enum Django {}

impl Codec {
    /// What a record contains, as its store gave it. What only the codec can know of the record is filled in.
    pub(crate) fn read(&self, key: &RecordKey, record: &mut Record, most: usize) -> Result<Content> {
        match self {
            Self::Native(native) => native.read(key, record, most),
            #[cfg(feature = "django")]
            Self::Django(django) => django.read(record, most),
            #[cfg(feature = "django")]
            Self::FromDjango(django, _) if record.secret.is_none() => django.read(record, most),
            #[cfg(feature = "django")]
            Self::FromDjango(_, native) => native.read(key, record, most),
            Self::Unnamed => Err(unnamed()),
        }
    }

    /// Finishes a record whose data is still JSON for its store. Nothing is written that [`read`](Self::read) would not take.
    #[cfg_attr(
        not(feature = "django"),
        expect(unused_variables, reason = "only what makes data longer can make it too long")
    )]
    pub(crate) fn write(&self, key: &RecordKey, record: &mut Record, most: usize) -> Result<()> {
        match self {
            Self::Native(native) => native.write(key, record),
            #[cfg(feature = "django")]
            Self::Django(django) => django.write(record, most),
            #[cfg(feature = "django")]
            Self::FromDjango(_, native) => native.write(key, record),
            Self::Unnamed => Err(unnamed()),
        }
    }
}

impl Native {
    /// Whether it is JSON and nothing else.
    #[cfg(feature = "django")]
    pub(crate) fn is_plain(&self) -> bool {
        #[cfg(feature = "compress")]
        if self.compress {
            return false;
        }
        #[cfg(feature = "encrypt")]
        if self.encryption.is_some() {
            return false;
        }
        true
    }

    fn read(&self, key: &RecordKey, record: &Record, most: usize) -> Result<Content> {
        let json = self.open(key, &record.data, most)?;
        Ok(Content::of(record, Entries::from_json(&json)?))
    }

    fn write(&self, key: &RecordKey, record: &mut Record) -> Result<()> {
        record.data = self.close(key, std::mem::take(&mut record.data))?;
        Ok(())
    }

    fn close(&self, key: &RecordKey, json: Bytes) -> Result<Bytes> {
        let data = json;
        #[cfg(feature = "compress")]
        let data = if self.compress { compress::smaller(data) } else { data };
        #[cfg(feature = "encrypt")]
        if let Some(encryption) = &self.encryption {
            return encryption.encrypt(key, &data);
        }
        Ok(data)
    }

    /// The JSON in stored data, of at most so many bytes.
    #[cfg_attr(
        not(all(feature = "compress", feature = "encrypt")),
        expect(
            unused_variables,
            reason = "encryption is bound to the key, and compressed data could be a bomb"
        )
    )]
    fn open(&self, key: &RecordKey, data: &Bytes, most: usize) -> Result<Bytes> {
        let data = data.clone();
        #[cfg(feature = "encrypt")]
        let data = match &self.encryption {
            Some(encryption) => encryption.decrypt(key, data)?,
            None => data,
        };
        match data.first() {
            Some(b'{') => Ok(data),
            #[cfg(feature = "compress")]
            Some(&compress::FORM) => compress::inflate(&data, most),
            Some(&form) => {
                Err(Error::Undecodable(format!("{}, which this application cannot read", name(form))))
            }
            None => Err(Error::Undecodable("no data at all".to_owned())),
        }
    }
}

fn unnamed() -> Error {
    const WHAT: &str = "the store and its format do not go together: a store of Django's tables or files, and no other, is used \
                        with `AnyStore::with_django_format`";
    StoreError::new(StoreErrorKind::Misconfigured, WHAT).into()
}

/// What a form's first byte says, also where the form is not compiled in.
fn name(form: u8) -> String {
    match form {
        1 => "compressed (feature `compress`)".to_owned(),
        2 => "encrypted (feature `encrypt`, and the key)".to_owned(),
        other => format!("of unknown form {other:#04x}"),
    }
}
