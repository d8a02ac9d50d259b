//! Connections to a server that are a store's own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::crew::{Crew, connect};
use crate::engine::{Answer, Engine, Own};
use crate::error::Failure;
use crate::queue::Queue;
use crate::statement::Statement;

/// A crew of them, and how to get another. Clones have the same.
///
/// The crew is a task of the runtime on which the store was opened. Where that runtime has ended, the connections have
/// ended with it: the next statement begins with new ones, on the runtime that it comes from.
pub(crate) struct OwnConnections<DB: Engine>(Arc<Shared<DB>>);

struct Shared<DB: Engine> {
    options: DB::Options,
    most: u32,
    queue: Mutex<Queue<DB>>,
}

impl<DB: Engine> OwnConnections<DB> {
    /// Opens the first connection, for which a server that is starting has so long. Others are opened when they are needed, up to so
    /// many.
    pub(crate) async fn open(options: DB::Options, most: u32, patience: Duration) -> sqlx::Result<Self> {
        let first = connect::<DB>(&options, patience).await?;
        let queue = Crew::new(options.clone(), most, Some(first)).start();
        Ok(Self(Arc::new(Shared { options, most, queue: Mutex::new(queue) })))
    }

    fn queue(&self) -> Queue<DB> {
        let Shared { options, most, queue } = &*self.0;
        // Nothing that can panic runs under the lock, but to start a task where there is no runtime: then the old one stays.
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_closed() {
            *queue = Crew::new(options.clone(), *most, None).start();
        }
        queue.clone()
    }
}

impl<DB: Engine> Own<DB> for OwnConnections<DB> {
    async fn run(&self, statement: Statement) -> Result<Answer<DB>, Failure> {
        match self.queue().hand_in(statement).await {
            Ok(promise) => promise.kept().await,
            // Their runtime has ended just now.
            Err(statement) => self.queue().ask(statement).await,
        }
    }
}

impl<DB: Engine> Clone for OwnConnections<DB> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
