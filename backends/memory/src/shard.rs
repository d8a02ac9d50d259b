//! One lock's worth of sessions. Each function here is one step under that lock, and looks at a few records or at one segment's.

use hashbrown::DefaultHashBuilder;
use session_core::store::Inserted;
use session_core::{RecordKey, SecretHash, Time, Version};

use crate::accounts::Accounts;
use crate::packed::Packed;
use crate::table::{MOST, Table};

/// The records whose keys fall here, and which of them belong to whom.
pub(crate) struct Shard {
    records: Table,
    accounts: Accounts,
    /// Where room is made next.
    hand: u64,
    gone: Vec<Packed>,
}

/// A key, and its hash in this store.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) hash: u64,
    pub(crate) key: &'a RecordKey,
}

/// What a compare-and-set did.
pub(crate) enum Replaced {
    Done,
    Conflict(Packed),
    Gone,
}

impl Shard {
    pub(crate) fn new(hasher: DefaultHashBuilder) -> Self {
        Self { records: Table::new(hasher), accounts: Accounts::default(), hand: 0, gone: Vec::new() }
    }

    /// Puts a new record in; `None` where there is no room for it.
    pub(crate) fn insert(
        &mut self,
        at: Place<'_>,
        record: &Packed,
        limit: Option<usize>,
        now: Time,
    ) -> Option<Inserted> {
        match self.find(at) {
            Some(there) if there.is_live(now) => return Some(Inserted::Taken),
            // It makes room for this one, which may have another account.
            Some(_) => self.drop_record(at),
            None => {}
        }
        if limit.is_some_and(|limit| self.len() >= limit) {
            return None;
        }
        let gone = self.records.make_place(at.hash, now);
        self.let_go(gone);
        if let Some(account) = record.account() {
            self.accounts.add(account, *at.key);
        }
        self.records.put(at.hash, record.clone());
        Some(Inserted::Done)
    }

    pub(crate) fn live(&self, at: Place<'_>, now: Time) -> Option<&Packed> {
        self.find(at).filter(|record| record.is_live(now))
    }

    pub(crate) fn replace(&mut self, at: Place<'_>, record: &Packed, was: Version, now: Time) -> Replaced {
        let Some(there) = self.live(at, now) else { return Replaced::Gone };
        if there.version() != was {
            return Replaced::Conflict(there.clone());
        }
        self.put(at, record);
        Replaced::Done
    }

    /// Puts a record in the place of this one, if it is still there.
    pub(crate) fn exchange(&mut self, at: Place<'_>, was: &Packed, to: &Packed) -> bool {
        let still = self.find(at).is_some_and(|there| there.is(was));
        if still {
            self.put(at, to);
        }
        still
    }

    /// Removes a live record, if its secret has this hash where one is given.
    pub(crate) fn remove(&mut self, at: Place<'_>, secret: Option<&SecretHash>, now: Time) -> u64 {
        match self.live(at, now) {
            Some(record) if secret.is_none_or(|secret| record.secret() == Some(*secret)) => {
                self.drop_record(at);
                1
            }
            _ => 0,
        }
    }

    /// Removes a live record, if it is this account's.
    pub(crate) fn remove_of(&mut self, account: &str, at: Place<'_>, now: Time) -> u64 {
        let is_theirs = self.live(at, now).is_some_and(|record| record.account() == Some(account));
        if is_theirs {
            self.drop_record(at);
        }
        u64::from(is_theirs)
    }

    /// Keys among which all of an account's are.
    pub(crate) fn keys_of(&self, account: &str) -> Vec<RecordKey> {
        self.accounts.keys(account, None).collect()
    }

    /// Of an account's live records after this key the first few, in the order of their keys, and where to go on if that may not be
    /// all.
    pub(crate) fn of_account(
        &self,
        account: &str,
        after: Option<RecordKey>,
        now: Time,
    ) -> (Vec<(RecordKey, Packed)>, Option<RecordKey>) {
        let keys: Vec<_> = self.accounts.keys(account, after).take(MOST).collect();
        let next = keys.last().filter(|_| keys.len() == MOST).copied();
        let theirs = keys.into_iter().filter_map(|key| {
            let record = self.live(Place { hash: self.records.hash(&key), key: &key }, now)?;
            (record.account() == Some(account)).then(|| (key, record.clone()))
        });
        (theirs.collect(), next)
    }

    /// The live records of one segment, with their hashes, and where the next begins.
    pub(crate) fn segment(&self, hash: u64, now: Time) -> (Vec<(u64, Packed)>, Option<u64>) {
        let live = self.records.segment(hash).filter(|(_, record)| record.is_live(now));
        (live.map(|(hash, record)| (hash, record.clone())).collect(), self.records.after(hash))
    }

    /// What has gone from here under this lock.
    pub(crate) fn gone(&mut self) -> &mut Vec<Packed> {
        &mut self.gone
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn segments(&self) -> usize {
        self.records.segments()
    }

    /// Removes at most so many expired records of one segment. How many, and where the next begins.
    pub(crate) fn purge(&mut self, hash: u64, most: usize, now: Time) -> (usize, Option<u64>) {
        let gone = self.records.purge(hash, most, now);
        let removed = gone.len();
        self.let_go(gone);
        (removed, self.records.after(hash))
    }

    /// Looks for room in the next segment: drops what has expired there; else, of its anonymous sessions, those that would end first.
    /// A session that somebody is signed in to is never dropped for a stranger's.
    pub(crate) fn make_room(&mut self, now: Time) {
        let hash = self.hand;
        let (expired, next) = self.purge(hash, MOST, now);
        self.hand = next.unwrap_or(0);
        if expired > 0 {
            return;
        }
        let anonymous = self.records.segment(hash).filter(|(_, record)| !record.has_account());
        let mut anonymous: Vec<_> =
            anonymous.map(|(hash, record)| (record.expires_at(), hash, record.clone())).collect();
        // A few at once, so that not each insert has to look: of a full segment 28, of a small one the first.
        let few = anonymous.len().div_ceil(FEW);
        if few < anonymous.len() {
            anonymous.select_nth_unstable_by_key(few, |(expires_at, ..)| *expires_at);
        }
        for (_, hash, record) in anonymous.drain(..few) {
            self.gone.extend(self.records.remove(hash, record.key()));
        }
    }

    fn find(&self, at: Place<'_>) -> Option<&Packed> {
        self.records.find(at.hash, at.key.as_bytes())
    }

    /// Puts a record in the place of one that is there.
    fn put(&mut self, at: Place<'_>, record: &Packed) {
        let Some(old) = self.records.put(at.hash, record.clone()) else { return };
        if old.account() != record.account() {
            self.forget(&old, at.key);
            if let Some(account) = record.account() {
                self.accounts.add(account, *at.key);
            }
        }
        self.let_one_go(old);
    }

    fn drop_record(&mut self, at: Place<'_>) {
        if let Some(gone) = self.records.remove(at.hash, at.key.as_bytes()) {
            self.forget(&gone, at.key);
            self.let_one_go(gone);
        }
    }

    /// A small one is freed at once.
    fn let_one_go(&mut self, record: Packed) {
        if record.is_large() {
            self.gone.push(record);
        }
    }

    fn let_go(&mut self, gone: Vec<Packed>) {
        for record in gone.iter().filter(|record| record.has_account()) {
            if let Some(key) = record.record_key() {
                self.forget(record, &key);
            }
        }
        self.gone.extend(gone);
    }

    fn forget(&mut self, record: &Packed, key: &RecordKey) {
        if let Some(account) = record.account() {
            self.accounts.forget(account, *key);
        }
    }
}

/// Of so many anonymous sessions one goes when there is no room.
const FEW: usize = 16;
