//! A thread for the connection that writes.
//!
//! It belongs to no runtime of the application: a store that was made on one runtime works on any other, also when the first has
//! ended. It ends, and closes its connection, when the last clone of the store is dropped and what was asked is done.

use std::thread;

use sqlx::Sqlite;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::queue::{Jobs, Queue};

/// Starts a thread that serves a queue; `opens` connects, on the thread, and what it returns works until the queue ends.
pub(super) async fn start<T: Send + 'static, S: Future<Output = ()>>(
    opens: impl Future<Output = sqlx::Result<T>> + Send + 'static,
    serves: impl FnOnce(T, Jobs<Sqlite>) -> S + Send + 'static,
) -> sqlx::Result<Queue<Sqlite>> {
    let (queue, jobs) = Queue::new();
    let (opened, open) = oneshot::channel();
    let work = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(opened.send(Err(error.into()))),
        };
        runtime.block_on(async {
            match opens.await {
                Err(error) => drop(opened.send(Err(error))),
                Ok(connected) => {
                    if opened.send(Ok(())).is_ok() {
                        serves(connected, jobs).await;
                    }
                }
            }
        });
    };
    thread::Builder::new().name("sessions-sqlite".to_owned()).spawn(work)?;
    // It says nothing only where it has panicked.
    open.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?;
    Ok(queue)
}
