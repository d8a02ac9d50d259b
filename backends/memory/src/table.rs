//! A hash table that grows, and is swept, in small steps.
//!
//! An ordinary table of a million entries moves them all at once when it is full, and whoever wants its lock waits. This one is made
//! of segments, each an ordinary table of at most [`MOST`] records, which holds what begins with certain bits of the hash. One that
//! is full is parted in two by the next bit (extendible hashing: Fagin et al., 1979), so no step is longer than one segment:
//!
//! ```text
//! first bits of the hash   00  01  10  11          the directory: which segment
//!                           │   │   └─┬─┘
//!                           0   2     1            the segments: 0 and 2 were parted by the second bit, 1 was not
//! ```
//!
//! A segment's records stay together in the order of hashes however the table grows, so a walk goes from hash to hash.

use std::hash::BuildHasher;
use std::mem;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use session_core::{RecordKey, Time};

use crate::packed::Packed;

/// Records in a segment: what a table of 512 places holds before it grows. Looking at them all takes far less than a millisecond.
pub(crate) const MOST: usize = 448;

/// Bits of the hash that tell segments apart, at most: with more than a billion segments each grows.
const DEEPEST: u32 = 30;

/// A segment is first looked through for expired records when it has this many.
const FEW: usize = 16;

pub(crate) struct Table {
    hasher: DefaultHashBuilder,
    segments: Vec<Segment>,
    /// Which segment holds the hashes that begin with so many bits, as numbers.
    directory: Vec<u32>,
    depth: u32,
    len: usize,
}

struct Segment {
    records: HashTable<Packed>,
    /// How many bits of their hashes its records have in common.
    depth: u32,
    /// With how many records it is looked through for expired ones: twice as many as were left the last time. So an insert costs the
    /// same on average, and at most half of what is kept has expired.
    clean_up_at: usize,
    /// No record's deadline is before this: until then it need not be looked through.
    earliest: Time,
}

impl Table {
    /// An empty one, of records whose keys this hashes.
    pub(crate) fn new(hasher: DefaultHashBuilder) -> Self {
        Self { hasher, segments: vec![Segment::default()], directory: vec![0], depth: 0, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many steps a walk has.
    pub(crate) fn segments(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn hash(&self, key: &RecordKey) -> u64 {
        hash(&self.hasher, key)
    }

    pub(crate) fn find(&self, hash: u64, key: &[u8]) -> Option<&Packed> {
        self.segments[self.place(hash)].records.find(mixed(hash), |record| record.key() == key)
    }

    /// Puts a record in, and hands back the one of the same key that was there. [`Table::make_place`] comes before a new one.
    pub(crate) fn put(&mut self, hash: u64, record: Packed) -> Option<Packed> {
        let (place, hasher) = (self.place(hash), &self.hasher);
        let Segment { records, earliest, .. } = &mut self.segments[place];
        *earliest = record.expires_at().min(*earliest);
        match records.entry(mixed(hash), |there| there.key() == record.key(), |r| mixed(hash_of(hasher, r))) {
            Entry::Occupied(mut there) => Some(mem::replace(there.get_mut(), record)),
            Entry::Vacant(free) => {
                free.insert(record);
                self.len += 1;
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Packed> {
        let place = self.place(hash);
        let there =
            self.segments[place].records.find_entry(mixed(hash), |record| record.key() == key).ok()?;
        self.len -= 1;
        Some(there.remove().0)
    }

    /// Before a record of this hash is put in: lets expired ones go where there may be many, and parts a full segment. Hands back
    /// what went.
    pub(crate) fn make_place(&mut self, hash: u64, now: Time) -> Vec<Packed> {
        let place = self.place(hash);
        let segment = &self.segments[place];
        if segment.records.len() < segment.clean_up_at {
            return Vec::new();
        }
        let gone = self.purge(hash, usize::MAX, now);
        let segment = &self.segments[place];
        // One that is emptied to somewhat below is looked through too often.
        if segment.records.len() > MOST / 4 * 3 && segment.depth < DEEPEST {
            self.part(place, hash);
        }
        gone
    }

    /// Removes at most so many expired records from the segment of this hash.
    pub(crate) fn purge(&mut self, hash: u64, most: usize, now: Time) -> Vec<Packed> {
        let place = self.place(hash);
        let segment = &mut self.segments[place];
        let gone = segment.purge(most, now);
        self.len -= gone.len();
        segment.expect_as_many_again();
        if !gone.is_empty() && segment.records.len() < segment.records.capacity() / 4 {
            let (hasher, twice) = (&self.hasher, segment.records.len() * 2);
            segment.records.shrink_to(twice, |record| mixed(hash_of(hasher, record)));
        }
        gone
    }

    /// The records of the segment of this hash, with their own hashes.
    pub(crate) fn segment(&self, hash: u64) -> impl Iterator<Item = (u64, &Packed)> {
        let records = self.segments[self.place(hash)].records.iter();
        records.map(|record| (hash_of(&self.hasher, record), record))
    }

    /// The least hash of the next segment.
    pub(crate) fn after(&self, hash: u64) -> Option<u64> {
        let beyond = u64::MAX.checked_shr(self.segments[self.place(hash)].depth).unwrap_or(0);
        (hash | beyond).checked_add(1)
    }

    fn place(&self, hash: u64) -> usize {
        self.directory[first_bits(hash, self.depth)] as usize
    }

    /// Parts a segment, that of this hash, by the next bit.
    fn part(&mut self, place: usize, hash: u64) {
        let depth = self.segments[place].depth;
        if depth == self.depth {
            self.directory = self.directory.iter().flat_map(|place| [*place; 2]).collect();
            self.depth += 1;
        }
        let records = mem::take(&mut self.segments[place].records);
        let mut halves = [(); 2].map(|()| Segment::part_of(depth + 1));
        for record in records {
            let hash = hash_of(&self.hasher, &record);
            let half = &mut halves[first_bits(hash, depth + 1) & 1];
            half.earliest = record.expires_at().min(half.earliest);
            half.records.insert_unique(mixed(hash), record, |r| mixed(hash_of(&self.hasher, r)));
        }
        halves.iter_mut().for_each(Segment::expect_as_many_again);
        // There are fewer segments than 2^DEEPEST for each bit that tells them apart.
        let new = u32::try_from(self.segments.len()).unwrap_or_default();
        let of_both = 1 << (self.depth - depth);
        let from = (first_bits(hash, depth)) * of_both;
        self.directory[from + of_both / 2..from + of_both].fill(new);
        let [zero, one] = halves;
        self.segments[place] = zero;
        self.segments.push(one);
    }
}

impl Default for Segment {
    fn default() -> Self {
        Self { records: HashTable::new(), depth: 0, clean_up_at: FEW, earliest: Time::MAX }
    }
}

impl Segment {
    /// Room for all: most halves have more than the next smaller table holds.
    fn part_of(depth: u32) -> Self {
        Self { records: HashTable::with_capacity(MOST), depth, ..Self::default() }
    }

    fn purge(&mut self, most: usize, now: Time) -> Vec<Packed> {
        if self.earliest > now {
            return Vec::new();
        }
        let mut earliest = Time::MAX;
        let has_expired = |record: &mut Packed| {
            let expires_at = record.expires_at();
            if expires_at > now {
                earliest = expires_at.min(earliest);
            }
            expires_at <= now
        };
        let gone: Vec<_> = self.records.extract_if(has_expired).take(most).collect();
        if gone.len() < most {
            self.earliest = earliest;
        }
        gone
    }

    fn expect_as_many_again(&mut self) {
        let len = self.records.len();
        let most = if self.depth < DEEPEST { MOST } else { usize::MAX };
        self.clean_up_at = (2 * len + FEW).min(most).max(len + 1);
    }
}

fn hash_of(hasher: &DefaultHashBuilder, record: &Packed) -> u64 {
    hasher.hash_one(record.key())
}

/// The same as that of its record.
pub(crate) fn hash(hasher: &DefaultHashBuilder, key: &RecordKey) -> u64 {
    hasher.hash_one(key.as_bytes())
}

/// The hash within a segment, where all begin with the same bits: a table tells its entries apart by the first seven.
fn mixed(hash: u64) -> u64 {
    hash.rotate_left(u64::BITS / 2)
}

/// As a number; of no bits, zero.
fn first_bits(hash: u64, bits: u32) -> usize {
    // At most DEEPEST bits, which fit.
    hash.checked_shr(u64::BITS - bits).map_or(0, |first| usize::try_from(first).unwrap_or_default())
}
