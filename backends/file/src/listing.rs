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
        let mut page = Collected { records: Vec::new(), limit };
        match of {
            Filter::All => collect_all(&root, after, now, &mut page)?,
            Filter::Account(account) => {
                for key in AccountHash::of(account).keys(&root)?.iter().filter(|key| key.as_str() > after) {
                    let record = records_of(&root, key)?
                        .map(|records| live(&records, key, now))
                        .transpose()?
                        .flatten();
                    // The index may hold more than there is: the record has the last word.
                    if let Some(record) = record.filter(|record| record.account.as_deref() == Some(account))
                        && page.add(*key, record)
                    {
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
            if let Some(record) = live(&records, key, now)?
                && page.add(*key, record)
            {
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
struct Collected {
    records: Vec<(RecordKey, Record)>,
    limit: usize,
}

impl Collected {
    /// Whether that was enough.
    fn add(&mut self, key: RecordKey, record: Record) -> bool {
        self.records.push((key, record));
        self.records.len() > self.limit
    }

    fn done(mut self) -> Page {
        let more = self.records.len() > self.limit;
        self.records.truncate(self.limit);
        let next = self.records.last().filter(|_| more).map(|(key, _)| Cursor::new(key.as_str()));
        Page { records: self.records, next }
    }
}
