//! Removing what has expired.
//!
//! Redis does that by itself, some minutes after the deadline. This is for those who do not want to wait: it walks over the keys a
//! part at a time, and removes each record that has expired, in one step with the look at its deadline.

use std::sync::{Mutex, MutexGuard, PoisonError};

use session_core::Time;

use crate::connection::RedisConnection;
use crate::error::Error;
use crate::layout::{self, HEAD};
use crate::link::Node;
use crate::prefix::KeyPrefix;
use crate::request::{Request, integer, string};
use crate::scan::{EDGE, scan};
use crate::script::SCRIPTS;

/// Where the last call stopped, or was given up.
#[derive(Debug, Default)]
pub(crate) struct Purge(Mutex<Option<(Node, Vec<u8>)>>);

impl Purge {
    /// Removes at most `batch` expired records. Goes on where the last call stopped, up to the end of the keys; the next one then
    /// begins again.
    pub(crate) async fn run(
        &self,
        connection: &RedisConnection,
        prefix: &KeyPrefix,
        now: Time,
        batch: usize,
    ) -> Result<u64, Error> {
        let nodes = connection.nodes().await?;
        let stopped = self.lock().clone();
        let (mut node, mut place) = match stopped {
            Some((node, place)) => (nodes.iter().position(|other| *other == node).unwrap_or(0), place),
            None => (0, EDGE.to_vec()),
        };
        let mut removed = 0;
        while removed < batch {
            let (next, keys) = scan(connection, &nodes[node], prefix, &place).await?;
            let keys = keys.into_iter().filter(|key| prefix.record_key(key).is_some()).collect();
            let mut expired = expired(connection, &nodes[node], keys, now).await?;
            let more = expired.len() > batch - removed;
            expired.truncate(batch - removed);
            removed += bury(connection, &nodes[node], expired, now).await?;
            if !more {
                place = next;
                if place == EDGE {
                    node += 1;
                    if node == nodes.len() {
                        *self.lock() = None;
                        break;
                    }
                }
            }
            *self.lock() = Some((nodes[node].clone(), place.clone()));
        }
        Ok(removed as u64)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Node, Vec<u8>)>> {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of these records have expired. Only their heads are read.
async fn expired(
    connection: &RedisConnection,
    node: &Node,
    mut keys: Vec<Vec<u8>>,
    now: Time,
) -> Result<Vec<Vec<u8>>, Error> {
    let head = i64::try_from(HEAD).unwrap_or_default() - 1;
    let look = |key: &Vec<u8>| Request::command("GETRANGE", key.clone()).number(0).number(head);
    let requests: Vec<_> = keys.iter().map(look).collect();
    let mut heads = connection.ask_node(node, &requests).await?.into_iter();
    keys.retain(|_| {
        // What is no string is not ours; it is met again by who asks for it.
        let head = heads.next().and_then(|head| string(head).ok()).flatten();
        head.as_deref().and_then(layout::deadline).is_some_and(|deadline| deadline <= now)
    });
    Ok(keys)
}

async fn bury(
    connection: &RedisConnection,
    node: &Node,
    keys: Vec<Vec<u8>>,
    now: Time,
) -> Result<usize, Error> {
    let bury = |key| Request::script(&SCRIPTS.bury, key).number(now.as_millis());
    let requests: Vec<_> = keys.into_iter().map(bury).collect();
    let mut removed = 0;
    for answer in connection.ask_node(node, &requests).await? {
        removed += usize::from(integer(&answer)? == 1);
    }
    Ok(removed)
}
