//! Random operations of several clients, judged by what they were told: against a reference where they come one after the other,
//! and by a [`History`](super::history::History) where they are at once. What fails is shrunk to the fewest moves.
//!
//! | case | who decides what is next | what is judged |
//! | --- | --- | --- |
//! | `one_after_the_other_is_as_the_reference_says` | the moves | every answer, cookie and deadline, by the reference |
//! | `steps_of_several_have_an_order` | the moves: which request goes on to its next call of the store, fails or dies there | the history |
//! | `a_crowd_leaves_what_some_order_would` | chance: all clients are tasks | the history |

mod book;
mod client;
mod crowd;
mod reference;
mod serial;
mod stepped;
mod steps;

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{rounds, run_cases};
use crate::any_store::AnyStore;
use crate::clock::{Clock as _, SystemClock};
use crate::store::SessionStore;

use crowd::a_crowd_leaves_what_some_order_would;
pub(super) use crowd::{First, crowd_of_a_process};
use serial::one_after_the_other_is_as_the_reference_says;
use steps::steps_of_several_have_an_order;

/// Runs every part, each on a store of its own.
///
/// # Panics
///
/// With the shortest moves that were found, where an answer is not as the reference says or a history has no serial order.
pub async fn conformance<S: SessionStore>(make: &impl AsyncFn() -> S) {
    run_cases!(make;
        one_after_the_other_is_as_the_reference_says,
        steps_of_several_have_an_order,
        a_crowd_leaves_what_some_order_would,
    );
}

/// How often moves are drawn: for a store that waits for nothing there is time for more.
fn cases(store: &AnyStore) -> u32 {
    rounds(if store.is_at_once() { 200 } else { 15 })
}

/// Draws moves and plays them, as often as the store allows; what fails is shrunk.
fn try_all<M: fmt::Debug>(
    store: &AnyStore,
    moves: impl Strategy<Value = M>,
    play: impl Fn(M) -> LocalBoxFuture<'static, Result<(), String>>,
) {
    let config = Config {
        cases: cases(store),
        failure_persistence: None,
        max_shrink_iters: 1000,
        ..Config::default()
    };
    let runtime = tokio::runtime::Handle::current();
    let outcome = TestRunner::new(config).run(&moves, |moves| {
        let game = async {
            play(moves).await?;
            clear(store).await
        };
        tokio::task::block_in_place(|| runtime.block_on(game)).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// What one game leaves would be in the way of the next in a store with a bound.
async fn clear(store: &AnyStore) -> Result<(), String> {
    const BATCH: NonZeroU32 = NonZeroU32::new(1000).unwrap();
    let late = SystemClock.now() + Duration::from_secs(100 * 24 * 3600);
    while store.purge(late, BATCH).await.map_err(|error| error.to_string())? == u64::from(BATCH.get()) {}
    Ok(())
}
