//! Counts, in this crate's tests, how many records are looked at while a lock is held.

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    thread_local! {
        /// None while no lock is held.
        static NOW: Cell<Option<usize>> = const { Cell::new(None) };
        static MOST: Cell<usize> = const { Cell::new(0) };
    }

    /// A lock is taken.
    pub(crate) fn begin() {
        NOW.set(Some(0));
    }

    /// It is free again.
    pub(crate) fn end() {
        NOW.set(None);
    }

    /// A record is looked at.
    pub(crate) fn note() {
        if let Some(looks) = NOW.get() {
            NOW.set(Some(looks + 1));
            MOST.set(MOST.get().max(looks + 1));
        }
    }

    /// The most under one lock, by this thread, since the last time.
    pub(crate) fn take_most() -> usize {
        MOST.replace(0)
    }
}

#[cfg(test)]
pub(crate) use counted::{begin, end, note};

#[cfg(not(test))]
pub(crate) fn begin() {}

#[cfg(not(test))]
pub(crate) fn end() {}

#[cfg(not(test))]
pub(crate) fn note() {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use session_core::store::{Filter, Inserted, SessionStore};
    use session_core::testing::store::sample;
    use session_core::{AnyStore, Record, RecordKey, Time};

    use super::counted::take_most;
    use crate::MemoryStore;
    use crate::table::MOST;

    const NOW: Time = Time::from_millis(1_700_000_000_000);
    const LATER: Time = Time::from_millis(1_700_000_060_000);
    const SESSIONS: usize = 20_000;
    /// A step looks at each record of its segment at most so often: for its deadline, its key, its account.
    const LOOKS: usize = 4;

    /// However many sessions one lock guards, no step under it looks at more than a segment's.
    #[tokio::test]
    async fn no_lock_is_held_for_more_than_a_segment() {
        let store = MemoryStore::with_shards(1, None);
        let plain = Record { expires_at: LATER, ..sample(&AnyStore::new(MemoryStore::new()), NOW) };
        let kinds = [
            plain.clone(),
            Record { expires_at: LATER + Duration::from_secs(1), ..plain.clone() },
            Record { account: Some("everybody".to_owned()), ..plain.clone() },
            Record {
                account: Some("everybody".to_owned()),
                expires_at: LATER + Duration::from_secs(1),
                ..plain
            },
        ];
        let mut seen = Vec::new();
        for record in kinds.iter().cycle().take(SESSIONS) {
            let key = RecordKey::random().unwrap();
            assert_eq!(store.insert(&key, record, NOW).await.unwrap(), Inserted::Done);
        }
        seen.push(("insert", take_most()));
        let limit = 1000.try_into().unwrap();
        for (name, of) in [("page", Filter::All), ("page of an account", Filter::Account("everybody"))] {
            let mut after = None;
            loop {
                let page = store.page(of, after, limit, NOW).await.unwrap();
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            seen.push((name, take_most()));
        }
        let mut purged = 0;
        loop {
            let more = store.purge(LATER, limit).await.unwrap();
            purged += more;
            if more < 1000 {
                break;
            }
        }
        assert_eq!(purged, SESSIONS as u64 / 2);
        assert_eq!(store.len(), SESSIONS / 2);
        seen.push(("purge", take_most()));
        assert!(seen.iter().all(|(_, most)| (1..=LOOKS * MOST).contains(most)), "{seen:?}");
    }

    /// The same of a store that is full: of anonymous sessions, of which some go for each new one; and of others, where none does.
    #[tokio::test]
    async fn a_full_store_makes_room_by_the_segment() {
        let plain = sample(&AnyStore::new(MemoryStore::new()), NOW);
        for account in [None, Some("ada".to_owned())] {
            let full = account.is_some();
            let store = MemoryStore::with_shards(1, Some(SESSIONS / 2));
            let record = Record { account, ..plain.clone() };
            for n in 0..SESSIONS / 2 + 100 {
                let inserted = store.insert(&RecordKey::random().unwrap(), &record, NOW).await;
                assert_eq!(inserted.is_err(), full && n >= SESSIONS / 2);
            }
            let most = take_most();
            assert!((1..=LOOKS * MOST).contains(&most), "{most}");
        }
    }
}
