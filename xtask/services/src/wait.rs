//! Waiting for other processes: the one thing here that takes time.

use std::time::{Duration, Instant};

/// The longest that any server is waited for; a loaded machine needs a multiple of an idle one's second.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Asks again and again until the answer is good; after `limit` the last bad one is the error.
pub(crate) fn until<T, E>(limit: Duration, ask: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    until_or(limit, |_| false, ask)
}

/// The same, and an error that waiting does not mend is returned at once.
pub(crate) fn until_or<T, E>(
    limit: Duration,
    is_final: impl Fn(&E) -> bool,
    mut ask: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    const PAUSE: Duration = Duration::from_millis(20);
    let start = Instant::now();
    loop {
        match ask() {
            Err(error) if !is_final(&error) && start.elapsed() < limit => std::thread::sleep(PAUSE),
            answer => return answer,
        }
    }
}
