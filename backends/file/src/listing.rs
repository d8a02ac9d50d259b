//! Pages of sessions, in the order of their keys. The cursor is the last key.

use session_core::store::{Cursor, Filter, Page};
use session_core::{Record, RecordKey, Time};

use crate::dir::Dir;
use crate::error::Result;
use crate::folder::{FAN_OUT, Folder, RECORDS, fan_out, is_fan_out, live, records_of};
use crate::index::AccountHash;

impl Folder {
    /// Live records after `after`, at most `limit`. Takes no lock, and opens the folders one after the other until it has enough.
    pub(crate) fn page(&self, of: Filter<'_>, after: &str, limit: usize, now: Time) -> Result<Page> {
        let root = Dir::open(&self.path)?;
        let mut page = Collected::new(limit);
        match of {
            Filter::All => collect_all(&root, after, now, &mut page)?,
            Filter::Account(account) => {
                for key in AccountHash::of(account).keys(&root)?.iter().filter(|key| key.as_str() > after) {
                    let Some(records) = records_of(&root, key)? else { continue };
                    // The index may hold more than there is: the record has the last word.
                    let is_hers = |record: &Record| record.account.as_deref() == Some(account);
                    if page.add(*key, live(&records, key, now).map(|record| record.filter(is_hers)))? {
                        break;
                    }
                }
            }
        }
        Ok(page.done())
    }
}

fn collect_all(root: &Dir, after: &str, now: Time, page: &mut Collected) -> Result<()> {
    let Some(all) = root.folder(RECORDS)? else { return Ok(()) };
    let folders = all.list(|name| is_fan_out(name).then(|| name.to_owned()))?;
    // A folder before the cursor's holds only keys before it.
    let first = after.get(..FAN_OUT).unwrap_or(after);
    for name in folders.iter().filter(|name| name.as_str() >= first) {
        let Some(records) = all.folder(name)? else { continue };
        for key in records.list(|file| key_in(file, name))?.iter().filter(|key| key.as_str() > after) {
            if page.add(*key, live(&records, key, now))? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The key that a file of this name is of, if it lies in the folder where it belongs. Everything else is left alone.
pub(crate) fn key_in(file: &str, folder: &str) -> Option<RecordKey> {
    let key: RecordKey = file.parse().ok()?;
    (fan_out(&key) == folder).then_some(key)
}

/// A page that is being filled. One record more than it may have says that there are more.
pub(crate) struct Collected {
    page: Page,
    /// The last key that is on it.
    last: Option<RecordKey>,
    limit: usize,
}

impl Collected {
    pub(crate) fn new(limit: usize) -> Self {
        Self { page: Page::default(), last: None, limit }
    }

    /// Adds what is there, if there is something, and says whether that was enough.
    pub(crate) fn add(&mut self, key: RecordKey, there: Result<Option<Record>>) -> Result<bool> {
        let there = match there {
            Err(error) if error.is_about_a_record() => None,
            Err(error) => return Err(error),
            Ok(None) => return Ok(false),
            Ok(Some(record)) => Some(record),
        };
        if self.page.records.len() == self.limit {
            self.page.next = self.last.map(|key| Cursor::new(key.as_str()));
            return Ok(true);
        }
        self.last = Some(key);
        match there {
            Some(record) => self.page.records.push((key, record)),
            None => self.page.unreadable += 1,
        }
        Ok(false)
    }

    pub(crate) fn done(self) -> Page {
        self.page
    }
}
