//! Time, and where it comes from.
//!
//! A deadline is judged by one clock, the application's: stores never look at a clock of their own, every verb is told the
//! time. So a test moves time by hand, and a database in another time zone changes nothing.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Negative before it.
///
/// ```
/// use session_core::Time;
/// use std::time::Duration;
///
/// let t = Time::from_millis(1_700_000_000_000);
/// assert_eq!((t + Duration::from_secs(60)).since(t), Duration::from_secs(60));
/// assert_eq!(t.since(t + Duration::from_secs(60)), Duration::ZERO, "never negative");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Time(i64);

impl Time {
    /// The last moment that a date with a four-digit year can name: 9999-12-31T23:59:59.999Z.
    pub const MAX: Time = Time(253_402_300_799_999);

    /// This many milliseconds after (or, where negative, before) the epoch. Later than [`Time::MAX`] becomes that.
    pub const fn from_millis(millis: i64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As a date of the `time` crate, in UTC. What lies before the year -9999 becomes the epoch.
    pub fn to_datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    /// Saturates at [`Time::MAX`], so that "for ever" is a large number and not an overflow.
    fn add(self, by: Duration) -> Time {
        Time::from_millis(self.0.saturating_add(in_millis(by)))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, by: Duration) -> Time {
        Time(self.0.saturating_sub(in_millis(by)))
    }
}

/// As much as there is of it.
fn in_millis(duration: Duration) -> i64 {
    // In 64 bits: a request asks for the time more than once.
    let seconds = i64::try_from(duration.as_secs()).ok().and_then(|seconds| seconds.checked_mul(1000));
    seconds.map_or(i64::MAX, |millis| millis.saturating_add(i64::from(duration.subsec_millis())))
}

impl From<SystemTime> for Time {
    fn from(at: SystemTime) -> Self {
        match at.duration_since(UNIX_EPOCH) {
            Ok(after) => Time(0) + after,
            Err(before) => Time(0) - before.duration(),
        }
    }
}

impl From<Time> for SystemTime {
    fn from(at: Time) -> Self {
        let millis = Duration::from_millis(at.0.unsigned_abs());
        if at.0 >= 0 { UNIX_EPOCH + millis } else { UNIX_EPOCH - millis }
    }
}

impl From<OffsetDateTime> for Time {
    fn from(at: OffsetDateTime) -> Self {
        let millis = at.unix_timestamp_nanos().div_euclid(1_000_000);
        Time::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

impl<'de> Deserialize<'de> for Time {
    /// As [`Time::from_millis`]: what was stored by somebody else is no later than there are dates.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        i64::deserialize(from).map(Self::from_millis)
    }
}

impl fmt::Display for Time {
    /// RFC 3339, in UTC; before the year 0, which that cannot say, the milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_datetime().format(&time::format_description::well_known::Rfc3339);
        match text {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Says what time it is.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Time;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        SystemTime::now().into()
    }
}

/// A clock that moves only when told to, for tests. Clones are the same clock.
///
/// ```
/// use session_core::{Clock, ManualClock, Time};
/// use std::time::Duration;
///
/// let clock = ManualClock::at(Time::from_millis(0));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), Time::from_millis(60_000));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at this moment.
    pub fn at(now: Time) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// Moves the clock (and every clone of it) forward.
    pub fn advance(&self, by: Duration) {
        let by = in_millis(by);
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the clock, also back: the clocks of real machines do that.
    pub fn set(&self, now: Time) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// Stands at 2023-11-14T22:13:20Z, a round number of seconds.
    fn default() -> Self {
        Self::at(Time::from_millis(1_700_000_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back_also_before_the_epoch() {
        for millis in [-1_234_567, -1, 0, 1, 1_700_000_000_123] {
            let t = Time::from_millis(millis);
            assert_eq!(Time::from(t.to_datetime()), t);
            assert_eq!(Time::from(SystemTime::from(t)), t);
        }
    }

    /// A stored deadline beyond the calendar made the date in `Set-Cookie` panic.
    #[test]
    fn a_time_that_is_read_is_a_date() {
        let read = |text: &str| serde_json::from_str::<Time>(text).unwrap();
        assert_eq!(read("9223372036854775807"), Time::MAX);
        assert_eq!(read("-1"), Time::from_millis(-1));
    }

    #[test]
    fn every_time_can_be_shown() {
        assert_eq!(Time::from_millis(-62_167_219_200_001).to_string(), "-62167219200001 ms");
        assert_eq!(Time::from_millis(-62_167_219_200_000).to_string(), "0000-01-01T00:00:00Z");
        assert!(!Time::from_millis(i64::MIN).to_string().is_empty());
    }

    #[test]
    fn adding_for_ever_stays_a_date() {
        assert_eq!(Time::from_millis(0) + Duration::MAX, Time::MAX);
        assert_eq!(Time::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    }
}
