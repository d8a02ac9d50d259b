//! What several requests ask at the same moment is sent at once.
//!
//! To write to a socket costs more than all else that a session does, and under load every request would do it for one small
//! command. So the first that asks leaves its command in the queue, and lets the requests that are ready run before it is sent:
//! theirs go with it. Where nobody else is ready, that takes no time; where very many are, tokio looks after at most 61 of them.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Cmd, Pipeline, RedisResult, Value};
use tokio::sync::oneshot;

/// The commands that are sent next on one connection. Clones are the same queue.
#[derive(Clone, Default)]
pub(crate) struct Queue(Arc<Mutex<Batch>>);

#[derive(Default)]
struct Batch {
    commands: Pipeline,
    asked: Vec<Asked>,
}

/// Whose the next so many answers are.
struct Asked {
    commands: usize,
    answers: oneshot::Sender<RedisResult<Vec<Value>>>,
}

impl Queue {
    /// Has commands carried with those of others, and gives their own answers. What is in the queue is sent, also where nobody
    /// waits for its answer any more.
    pub(crate) async fn send<C, F>(&self, commands: Vec<Cmd>, carry: C) -> RedisResult<Vec<Value>>
    where
        C: FnOnce(Pipeline) -> F + Send + 'static,
        F: Future<Output = RedisResult<Vec<Value>>> + Send + 'static,
    {
        let (answers, mine) = oneshot::channel();
        if self.batch().add(commands, answers) {
            let departure = Departure(Some(self.clone()));
            // In a task of its own: whoever is first may be cancelled, and the others rely on it.
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                departure.leave(carry).await;
            });
        }
        mine.await.unwrap_or_else(|_| Err(never_sent()))
    }

    fn batch(&self) -> MutexGuard<'_, Batch> {
        // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// Whether these are the first.
    fn add(&mut self, commands: Vec<Cmd>, answers: oneshot::Sender<RedisResult<Vec<Value>>>) -> bool {
        self.asked.push(Asked { commands: commands.len(), answers });
        for command in commands {
            self.commands.add_command(command);
        }
        self.asked.len() == 1
    }
}

/// Takes what is in the queue by then. A runtime that ends may drop it before: nobody waits for it in vain.
struct Departure(Option<Queue>);

impl Departure {
    /// What is in the queue; once, for what comes later is another's.
    fn take(&mut self) -> Batch {
        self.0.take().map(|queue| std::mem::take(&mut *queue.batch())).unwrap_or_default()
    }

    async fn leave<C, F>(mut self, carry: C)
    where
        C: FnOnce(Pipeline) -> F,
        F: Future<Output = RedisResult<Vec<Value>>>,
    {
        let Batch { commands, asked } = self.take();
        match carry(commands).await {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for Asked { commands, answers: to } in asked {
                    // Who has been cancelled does not wait.
                    let _ = to.send(Ok(answers.by_ref().take(commands).collect()));
                }
            }
            Err(error) => asked.into_iter().for_each(|Asked { answers: to, .. }| {
                let _ = to.send(Err(error.clone()));
            }),
        }
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        drop(self.take());
    }
}

fn never_sent() -> redis::RedisError {
    io::Error::new(io::ErrorKind::Interrupted, "the runtime ended before the command was sent").into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use redis::Arg;

    use super::*;

    /// Answers each command with its own last part, and counts how often something was carried.
    #[expect(clippy::unused_async, reason = "a server would take its time")]
    async fn echo(sent: Pipeline, carried: Arc<AtomicUsize>) -> RedisResult<Vec<Value>> {
        carried.fetch_add(1, Ordering::Relaxed);
        let last = |command: &Cmd| match command.args_iter().last() {
            Some(Arg::Simple(bytes)) => Some(bytes.to_vec()),
            _ => None,
        };
        Ok(sent.cmd_iter().filter_map(last).map(Value::BulkString).collect())
    }

    fn commands(of: usize, count: usize) -> Vec<Cmd> {
        (0..count).map(|i| redis::cmd("ECHO").arg(format!("{of}.{i}")).take()).collect()
    }

    fn expected(of: usize, count: usize) -> Vec<Value> {
        (0..count).map(|i| Value::BulkString(format!("{of}.{i}").into_bytes())).collect()
    }

    #[tokio::test]
    async fn who_asks_together_is_answered_together_each_with_its_own() {
        let (queue, carried) = (Queue::default(), Arc::new(AtomicUsize::new(0)));
        let ask = async |of: usize| {
            let carried = carried.clone();
            queue.send(commands(of, of % 3 + 1), |sent| echo(sent, carried)).await
        };
        for (of, answers) in join_all((0..20).map(ask)).await.into_iter().enumerate() {
            assert_eq!(answers.expect("an answer"), expected(of, of % 3 + 1));
        }
        assert_eq!(carried.load(Ordering::Relaxed), 1);
        assert_eq!(ask(20).await.expect("an answer"), expected(20, 3));
        assert_eq!(carried.load(Ordering::Relaxed), 2, "the queue is as new");
    }

    #[tokio::test]
    async fn an_error_is_everybodys() {
        let queue = Queue::default();
        let ask = |of| queue.send(commands(of, 1), async |_| Err(never_sent()));
        assert!(join_all((0..3).map(ask)).await.iter().all(Result::is_err));
    }

    #[tokio::test]
    async fn those_behind_a_cancelled_request_are_answered() {
        let (queue, carried) = (Queue::default(), Arc::new(AtomicUsize::new(0)));
        let ask = |of| {
            let carried = carried.clone();
            queue.send(commands(of, 1), |sent| echo(sent, carried))
        };
        let mut first = Box::pin(ask(0));
        assert!(futures_util::poll!(&mut first).is_pending());
        let second = ask(1);
        drop(first);
        assert_eq!(second.await.expect("an answer"), expected(1, 1));
        assert_eq!(carried.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_runtime_that_ends_leaves_nobody_waiting() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (queue, carried) = (Queue::default(), Arc::new(AtomicUsize::new(0)));
        let ask = |of| {
            let carried = carried.clone();
            queue.send(commands(of, 1), |sent| echo(sent, carried))
        };
        let ending = runtime();
        let mut first = Box::pin(ask(0));
        ending.block_on(async { assert!(futures_util::poll!(&mut first).is_pending()) });
        drop(ending);
        runtime().block_on(async {
            first.await.expect_err("nobody sent it");
            assert_eq!(ask(1).await.expect("an answer"), expected(1, 1));
        });
    }
}
