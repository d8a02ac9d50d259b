//! What several requests ask at the same moment is sent at once.
//!
//! To write to a socket costs more than all else that a session does, and under load every request would do it for one small
//! command. So the first that asks leaves its command in the queue, and lets the requests that are ready run before it is sent:
//! theirs go with it. Where nobody else is ready, that takes no time; where very many are, tokio looks after at most 61 of them. Where
//! one of them takes long (a password is checked), or the runtime stands still, the next that asks does not wait for it.
//!
//! Where the connection breaks, what may be done twice is sent once more.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, Pipeline, RedisError, RedisResult, Value};
use tokio::sync::oneshot;

use crate::request::Twice;

/// Everybody in a batch waits for its last answer: who asks for more than so much at once goes alone.
const MOST: usize = 16;

/// How long a batch may wait to be sent before somebody else sends it.
const OVERDUE: Duration = Duration::from_millis(1);

/// A connection on which batches are sent.
pub(crate) trait Carrier: Clone + Send + Sync + 'static {
    /// Sends commands, once.
    fn carry(&self, sent: &Pipeline) -> impl Future<Output = RedisResult<Vec<Value>>> + Send;

    /// Whether the connection has ended, and the next try makes another.
    fn is_broken(error: &RedisError) -> bool;

    /// Whether a server has refused this command because another is in its place, which the next try finds.
    fn is_refused(answer: &Value) -> bool;
}

/// The commands that are sent next on one connection. Clones are the same queue.
#[derive(Clone)]
pub(crate) struct Queue(Option<Arc<Mutex<Waiting>>>);

impl Queue {
    pub(crate) fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// For commands that wait for something: of two of them together, the second would wait for the first.
    pub(crate) fn each_alone() -> Self {
        Self(None)
    }

    /// Has commands carried with those of others, and gives their own answers. What is in the queue is sent, also where nobody
    /// waits for its answer any more.
    pub(crate) async fn send<C: Carrier>(
        &self,
        carrier: &C,
        commands: Vec<Cmd>,
        twice: Twice,
    ) -> RedisResult<Vec<Value>> {
        let (answers, mine) = oneshot::channel();
        let asked = Asked { commands: commands.len(), twice, answers };
        let Some(waiting) = self.0.as_ref().filter(|_| commands.len() <= MOST) else {
            let mut alone = Batch::default();
            alone.add(commands, asked);
            alone.deliver(carrier).await;
            return mine.await.unwrap_or_else(|_| Err(not_answered()));
        };
        let (number, sends) = locked(waiting).add(commands, asked);
        if let Some(when) = sends {
            let departure = Departure { waiting: Arc::clone(waiting), number };
            let carrier = carrier.clone();
            // In a task of its own: who sends may be cancelled, and the others rely on it.
            tokio::spawn(async move {
                if when == When::Ready {
                    tokio::task::yield_now().await;
                }
                departure.leave(&carrier).await;
            });
        }
        mine.await.unwrap_or_else(|_| Err(not_answered()))
    }
}

/// What waits to be sent.
#[derive(Default)]
struct Waiting {
    batch: Batch,
    /// Counts those that have left.
    number: u64,
    /// When somebody was last told to send it.
    told: Option<Instant>,
}

/// When a batch is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// After the requests that are ready have run.
    Ready,
    Now,
}

impl Waiting {
    /// The batch's number, and when whoever has asked is to send it; the others have been told.
    fn add(&mut self, commands: Vec<Cmd>, asked: Asked) -> (u64, Option<When>) {
        self.batch.add(commands, asked);
        let sends = match self.told {
            None => Some(When::Ready),
            Some(told) if told.elapsed() > OVERDUE => Some(When::Now),
            Some(_) => None,
        };
        if sends.is_some() {
            self.told = Some(Instant::now());
        }
        (self.number, sends)
    }

    /// What is to be sent, unless it has left already.
    fn take(&mut self, number: u64) -> Option<Batch> {
        if self.number != number {
            return None;
        }
        let next = Self { number: number + 1, ..Self::default() };
        Some(std::mem::replace(self, next).batch)
    }
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Nothing that can panic runs under the lock, so a poisoned one holds whole data.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends a batch. A runtime that ends may drop it before: nobody waits for it in vain.
struct Departure {
    waiting: Arc<Mutex<Waiting>>,
    number: u64,
}

impl Departure {
    async fn leave<C: Carrier>(self, carrier: &C) {
        let Some(batch) = locked(&self.waiting).take(self.number) else { return };
        batch.deliver(carrier).await;
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        drop(locked(&self.waiting).take(self.number));
    }
}

/// Commands that are sent together.
#[derive(Default)]
struct Batch {
    commands: Pipeline,
    asked: Vec<Asked>,
}

/// Whose the next so many commands are.
struct Asked {
    commands: usize,
    twice: Twice,
    answers: oneshot::Sender<RedisResult<Vec<Value>>>,
}

impl Batch {
    fn add(&mut self, commands: impl IntoIterator<Item = Cmd>, asked: Asked) {
        self.asked.push(asked);
        for command in commands {
            self.commands.add_command(command);
        }
    }

    /// Everybody is answered; some of them after a second try.
    async fn deliver<C: Carrier>(self, carrier: &C) {
        let answers = carrier.carry(&self.commands).await;
        let again = self.hand_out(answers, |twice, answers| match (answers, twice) {
            (Ok(answers), Twice::Harmless) => answers.iter().any(C::is_refused),
            // What comes after it only waits for it.
            (Ok(answers), Twice::Never) => answers.first().is_some_and(C::is_refused),
            (Err(error), Twice::Harmless) => C::is_broken(error),
            (Err(_), Twice::Never) => false,
        });
        if !again.asked.is_empty() {
            let answers = carrier.carry(&again.commands).await;
            again.hand_out(answers, |_, _| false);
        }
    }

    /// Gives each its own answers, but for those who are to ask once more.
    fn hand_out(
        self,
        answers: RedisResult<Vec<Value>>,
        asks_again: impl Fn(Twice, &RedisResult<Vec<Value>>) -> bool,
    ) -> Self {
        let mut answers = answers.map(Vec::into_iter);
        let mut again = Self::default();
        let mut done = 0;
        for asked in self.asked {
            let mine = match &mut answers {
                Ok(answers) => Ok(answers.by_ref().take(asked.commands).collect()),
                Err(error) => Err(error.clone()),
            };
            let place = done..done + asked.commands;
            done = place.end;
            if asks_again(asked.twice, &mine) {
                let commands = self.commands.cmd_iter().skip(place.start).take(place.len()).cloned();
                again.add(commands, asked);
            } else {
                // Who has been cancelled does not wait.
                let _ = asked.answers.send(mine);
            }
        }
        again
    }
}

fn not_answered() -> RedisError {
    io::Error::new(io::ErrorKind::Interrupted, "the runtime that had the command has ended").into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use redis::Arg;

    use super::*;

    /// A connection that answers each command with its own last part.
    #[derive(Clone, Default)]
    struct Echo {
        carried: Arc<AtomicUsize>,
        breaks: Breaks,
    }

    #[derive(Clone, Copy, Default, PartialEq)]
    enum Breaks {
        #[default]
        Never,
        /// When it has done what it was told.
        Once,
        Always,
    }

    impl Echo {
        fn breaking(breaks: Breaks) -> Self {
            Self { breaks, ..Self::default() }
        }

        fn carried(&self) -> usize {
            self.carried.load(Ordering::Relaxed)
        }
    }

    impl Carrier for Echo {
        async fn carry(&self, sent: &Pipeline) -> RedisResult<Vec<Value>> {
            let before = self.carried.fetch_add(1, Ordering::Relaxed);
            if self.breaks == Breaks::Always || self.breaks == Breaks::Once && before == 0 {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
            }
            let last = |command: &Cmd| match command.args_iter().last() {
                Some(Arg::Simple(bytes)) => Some(bytes.to_vec()),
                _ => None,
            };
            let answer = |bytes| match bytes {
                bytes if bytes == b"refused" && before == 0 => Value::Nil,
                bytes => Value::BulkString(bytes),
            };
            Ok(sent.cmd_iter().filter_map(last).map(answer).collect())
        }

        fn is_broken(error: &RedisError) -> bool {
            error.is_connection_dropped()
        }

        fn is_refused(answer: &Value) -> bool {
            *answer == Value::Nil
        }
    }

    /// Asks what may be asked twice.
    async fn ask(queue: Queue, echo: Echo, commands: Vec<Cmd>) -> RedisResult<Vec<Value>> {
        queue.send(&echo, commands, Twice::Harmless).await
    }

    fn said(words: &[&str]) -> Vec<Cmd> {
        words.iter().map(|word| redis::cmd("ECHO").arg(*word).take()).collect()
    }

    fn heard(words: &[&str]) -> Vec<Value> {
        words.iter().map(|word| Value::BulkString(word.as_bytes().to_vec())).collect()
    }

    fn commands(of: usize, count: usize) -> Vec<Cmd> {
        (0..count).map(|i| redis::cmd("ECHO").arg(format!("{of}.{i}")).take()).collect()
    }

    fn expected(of: usize, count: usize) -> Vec<Value> {
        (0..count).map(|i| Value::BulkString(format!("{of}.{i}").into_bytes())).collect()
    }

    #[tokio::test]
    async fn who_asks_together_is_answered_together_each_with_its_own() {
        let (queue, echo) = (Queue::new(), Echo::default());
        let ask = |of| ask(queue.clone(), echo.clone(), commands(of, of % 3 + 1));
        for (of, answers) in join_all((0..20).map(ask)).await.into_iter().enumerate() {
            assert_eq!(answers.expect("an answer"), expected(of, of % 3 + 1));
        }
        assert_eq!(echo.carried(), 1);
        assert_eq!(ask(20).await.expect("an answer"), expected(20, 3));
        assert_eq!(echo.carried(), 2, "the queue is as new");
    }

    #[tokio::test]
    async fn an_error_is_everybodys() {
        let (queue, echo) = (Queue::new(), Echo::breaking(Breaks::Always));
        let ask = |of| ask(queue.clone(), echo.clone(), commands(of, 1));
        assert!(join_all((0..3).map(ask)).await.iter().all(Result::is_err));
        assert_eq!(echo.carried(), 2, "everybody's second try is one");
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_sent_again_where_that_does_no_harm() {
        let (queue, echo) = (Queue::new(), Echo::breaking(Breaks::Once));
        let send = |word, twice| queue.send(&echo, said(&[word]), twice);
        let (a, b, c) =
            tokio::join!(send("a", Twice::Harmless), send("b", Twice::Never), send("c", Twice::Harmless));
        assert_eq!(a.expect("an answer"), heard(&["a"]));
        b.expect_err("it may have been done");
        assert_eq!(c.expect("an answer"), heard(&["c"]));
        assert_eq!(echo.carried(), 2);
    }

    #[tokio::test]
    async fn so_is_what_goes_alone() {
        for (twice, tries) in [(Twice::Harmless, 2), (Twice::Never, 1)] {
            let echo = Echo::breaking(Breaks::Once);
            let answers = Queue::each_alone().send(&echo, said(&["a"]), twice).await;
            assert_eq!((answers.is_ok(), echo.carried()), (tries == 2, tries));
        }
    }

    /// A server that is no primary has not done it. Where it has, and ceases to be one while it waits for its replicas, it has.
    #[tokio::test]
    async fn what_was_refused_is_sent_again() {
        for (words, again) in [(["refused", "wait"], true), (["done", "refused"], false)] {
            let (queue, echo) = (Queue::new(), Echo::default());
            let answers = queue.send(&echo, said(&words), Twice::Never).await.expect("answers");
            assert_eq!(echo.carried(), 1 + usize::from(again), "{words:?}");
            assert_eq!(answers == heard(&words), again, "{words:?}");
        }
    }

    #[tokio::test]
    async fn those_behind_a_cancelled_request_are_answered() {
        let (queue, echo) = (Queue::new(), Echo::default());
        let ask = |of| ask(queue.clone(), echo.clone(), commands(of, 1));
        let mut first = Box::pin(ask(0));
        assert!(futures_util::poll!(&mut first).is_pending());
        let second = ask(1);
        drop(first);
        assert_eq!(second.await.expect("an answer"), expected(1, 1));
        assert_eq!(echo.carried(), 1);
    }

    #[tokio::test]
    async fn who_asks_for_much_goes_alone() {
        let (queue, echo) = (Queue::new(), Echo::default());
        let ask = |count| ask(queue.clone(), echo.clone(), commands(0, count));
        let counts = [1, MOST + 1, 2];
        for (count, answers) in counts.into_iter().zip(join_all(counts.map(ask)).await) {
            assert_eq!(answers.expect("an answer"), expected(0, count));
        }
        assert_eq!(echo.carried(), 2);
    }

    /// A handler that checks a password holds its thread for long, with the batch that it was to send next.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_waits_for_a_thread_that_is_busy() {
        let (queue, echo) = (Queue::new(), Echo::default());
        let ask = move |of| ask(queue.clone(), echo.clone(), commands(of, 1));
        let busy = tokio::spawn({
            let ask = ask.clone();
            async move {
                let mut first = Box::pin(ask(0));
                assert!(futures_util::poll!(&mut first).is_pending());
                std::thread::sleep(Duration::from_millis(500));
                first.await
            }
        });
        std::thread::sleep(Duration::from_millis(50));
        let asked = Instant::now();
        assert_eq!(ask(1).await.expect("an answer"), expected(1, 1));
        assert!(asked.elapsed() < Duration::from_millis(200), "{:?}", asked.elapsed());
        assert_eq!(busy.await.expect("no panic").expect("an answer"), expected(0, 1));
    }

    /// The application goes on with another runtime, and keeps this one.
    #[test]
    fn a_runtime_that_stands_still_holds_nobody_up() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (queue, echo) = (Queue::new(), Echo::default());
        let ask = |of| ask(queue.clone(), echo.clone(), commands(of, 1));
        let still = runtime();
        let mut first = Box::pin(ask(0));
        still.block_on(async { assert!(futures_util::poll!(&mut first).is_pending()) });
        std::thread::sleep(2 * OVERDUE);
        runtime().block_on(async {
            assert_eq!(ask(1).await.expect("an answer"), expected(1, 1));
            assert_eq!(first.await.expect("an answer"), expected(0, 1));
        });
        still.block_on(tokio::task::yield_now());
        assert_eq!(echo.carried(), 1);
    }

    #[test]
    fn a_runtime_that_ends_leaves_nobody_waiting() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (queue, echo) = (Queue::new(), Echo::default());
        let ask = |of| ask(queue.clone(), echo.clone(), commands(of, 1));
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
