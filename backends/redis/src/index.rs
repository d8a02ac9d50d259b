//! Which sessions an account has.
//!
//! A sorted set for each account: the keys of its sessions, scored by when they end. It may hold more than the truth, never less
//! for a session that was acknowledged: its entry is written with the record, and a login is acknowledged when both are there.
//! So what is listed is checked against the records, and what has no record of this account is passed over.
//!
//! An entry leaves the index when its score has passed, when its record is removed, or when a reader finds it without a record.
//! The last only where one script sees both: in a cluster a login may be between its two writes.

use futures_util::future::try_join_all;
use redis::Value;
use session_core::store::{Cursor, Page};
use session_core::{RecordKey, Time};

use crate::connection::{RedisConnection, Replicas};
use crate::error::Error;
use crate::prefix::KeyPrefix;
use crate::request::{Request, list, string};
use crate::script::SCRIPTS;
use crate::store::{SLACK, check, keep, read};

/// What the index is to hold of a session.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) account: &'a str,
    pub(crate) key: &'a RecordKey,
    pub(crate) deadline: Time,
    pub(crate) now: Time,
}

impl Entry<'_> {
    /// Alone, for a cluster.
    pub(crate) fn write(&self, prefix: &KeyPrefix) -> Request {
        let index = Request::script(&SCRIPTS.index, prefix.account(self.account))
            .number(self.now.as_millis())
            .number(keep(self.deadline, self.now));
        self.add_arguments(index)
    }

    /// To the script that writes the record.
    pub(crate) fn add_to(&self, script: Request, prefix: &KeyPrefix) -> Request {
        self.add_arguments(script.key(prefix.account(self.account)))
    }

    fn add_arguments(&self, script: Request) -> Request {
        // A clock that is ahead must not take from the index what lives for the others.
        let trim = self.now - SLACK;
        script.number(trim.as_millis()).bytes(self.key.as_str()).number(self.deadline.as_millis())
    }
}

/// The indexes of a store.
#[derive(Clone, Copy)]
pub(crate) struct Index<'a> {
    pub(crate) connection: &'a RedisConnection,
    pub(crate) prefix: &'a KeyPrefix,
    pub(crate) replicas: Option<&'a Replicas>,
}

impl Index<'_> {
    /// An account's sessions: one command for its index, and one more trip for the records of this page.
    ///
    /// In the order of their keys, which never change. By their scores a session that is used meanwhile would be listed again.
    pub(crate) async fn page(
        self,
        account: &str,
        after: Option<&Cursor>,
        limit: usize,
        now: Time,
    ) -> Result<Page, Error> {
        let mut keys = self.keys(account, None).await?;
        if let Some(after) = after {
            keys.retain(|key| key.as_str() > after.as_str());
        }
        let more = keys.len() > limit;
        keys.truncate(limit);
        let next = keys.last().filter(|_| more).map(|key| Cursor::new(key.as_str()));
        let (mut records, unreadable) = records(self.connection, self.prefix, &keys, now).await?;
        records.retain(|(_, record)| record.account.as_deref() == Some(account));
        if records.len() < keys.len() {
            keys.retain(|key| !records.iter().any(|(listed, _)| listed == key));
            self.forget(account, &keys, now);
        }
        Ok(Page { records, unreadable, next })
    }

    /// Removes an account's records, which [`keys`](Self::keys) has told. A record is removed only if it still is this account's.
    /// What was acknowledged before is in the index when it is read; a login that is acknowledged later may stand.
    pub(crate) async fn end_account(
        self,
        account: &str,
        keys: &[RecordKey],
        now: Time,
    ) -> Result<u64, Error> {
        let remove = |key| {
            Request::script(&SCRIPTS.remove, self.prefix.record(key))
                .number(now.as_millis())
                .bytes("account")
                .bytes(account)
        };
        let requests: Vec<_> = keys.iter().map(remove).collect();
        let answers = if let Some(replicas) = self.replicas {
            let asked = requests.iter().map(|request| self.connection.ask_and_wait(request, Some(replicas)));
            let answered = try_join_all(asked).await?;
            answered.iter().try_for_each(|(_, acknowledged)| check(self.replicas, *acknowledged))?;
            answered.into_iter().map(|(answer, _)| answer).collect()
        } else {
            self.connection.ask_all(&requests).await?
        };
        let mut removed = Vec::new();
        let mut damaged = None;
        for (key, answer) in keys.iter().zip(answers) {
            match answer {
                Value::Array(_) => removed.push(*key),
                Value::Int(-1) => damaged = Some(Error::NotOurs(*key)),
                _ => {}
            }
        }
        self.drop_entries(account, &removed);
        // The others are removed all the same: one record that cannot be read is no reason to leave an account signed in.
        damaged.map_or(Ok(removed.len() as u64), Err)
    }

    /// Reads the answer of a removal: whether there was a record. Its entry leaves the index, which nobody waits for. A key that
    /// was removed is never used again, so that this can come as late as it likes.
    pub(crate) fn was_removed(self, key: &RecordKey, answer: Value) -> Result<bool, Error> {
        match answer {
            Value::Int(0) => Ok(false),
            Value::Int(-1) => Err(Error::NotOurs(*key)),
            answer => {
                let account = list(answer)?.into_iter().next().map_or(Ok(None), string)?;
                if let Some(account) = account.and_then(|account| String::from_utf8(account).ok()) {
                    self.drop_entries(&account, &[*key]);
                }
                Ok(true)
            }
        }
    }

    /// What the index has, but one.
    pub(crate) async fn keys(
        self,
        account: &str,
        except: Option<&RecordKey>,
    ) -> Result<Vec<RecordKey>, Error> {
        let range = Request::command("ZRANGE", self.prefix.account(account)).number(0).number(-1);
        let members = list(self.connection.ask(&range).await?)?;
        let mut keys = Vec::with_capacity(members.len());
        for member in members {
            let member = string(member)?.and_then(|member| String::from_utf8(member).ok());
            // What is no key was put there by somebody else, and names no session.
            keys.extend(member.and_then(|member| member.parse::<RecordKey>().ok()));
        }
        keys.retain(|key| Some(key) != except);
        keys.sort_unstable();
        Ok(keys)
    }

    fn drop_entries(self, account: &str, keys: &[RecordKey]) {
        if keys.is_empty() {
            return;
        }
        let remove = Request::command("ZREM", self.prefix.account(account));
        self.later(keys.iter().fold(remove, |remove, key| remove.bytes(key.as_str())));
    }

    /// Looks at these entries once more, in one step with their records, and removes those without.
    fn forget(self, account: &str, keys: &[RecordKey], now: Time) {
        if keys.is_empty() || self.connection.is_cluster() {
            return;
        }
        let forget = Request::script(&SCRIPTS.forget, self.prefix.account(account));
        let forget = keys.iter().fold(forget, |forget, key| forget.key(self.prefix.record(key)));
        let forget = forget.number(now.as_millis()).bytes(account);
        self.later(keys.iter().fold(forget, |forget, key| forget.bytes(key.as_str())));
    }

    /// Asks without waiting. Where it fails the index holds more than the truth, which it may.
    fn later(self, request: Request) {
        let connection = self.connection.clone();
        tokio::spawn(async move { connection.ask(&request).await });
    }
}

/// The live records of these keys, in one wait, and how many cannot be read.
pub(crate) async fn records(
    connection: &RedisConnection,
    prefix: &KeyPrefix,
    keys: &[RecordKey],
    now: Time,
) -> Result<(Vec<(RecordKey, session_core::Record)>, u64), Error> {
    let requests: Vec<_> = keys.iter().map(|key| Request::command("GET", prefix.record(key))).collect();
    let (mut records, mut unreadable) = (Vec::with_capacity(keys.len()), 0);
    for (key, stored) in keys.iter().zip(connection.ask_all(&requests).await?) {
        match read(key, stored, now) {
            Ok(record) => records.extend(record.map(|record| (*key, record))),
            Err(Error::Undecodable { .. } | Error::NotOurs(_)) => unreadable += 1,
            Err(error) => return Err(error),
        }
    }
    Ok((records, unreadable))
}
