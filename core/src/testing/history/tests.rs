//! Histories that have an order, and histories that have none.

use super::*;

fn n() -> String {
    "n".to_owned()
}

const SECRET: &str = "first";

/// Steps of one session with scripted moments.
#[derive(Default)]
struct Script(History);

impl Script {
    /// With a session that begins at once.
    fn new() -> Self {
        let script = Self::default();
        let answer = Answer::There { read: vec![], secret: Some(Secret::of(SECRET)) };
        script.step(0, 1, [Operation::Create, Operation::Set(n(), 0)], End::Done(answer))
    }

    fn step<const N: usize>(self, invoked: u64, ended: u64, operations: [Operation; N], end: End) -> Self {
        self.with(SECRET, invoked, ended, operations, end)
    }

    fn with<const N: usize>(
        self,
        secret: &str,
        invoked: u64,
        ended: u64,
        operations: [Operation; N],
        end: End,
    ) -> Self {
        let ended = if end == End::Unknown { u64::MAX } else { ended };
        let step = Step {
            who: format!("client {}", self.0.len()),
            session: "one".to_owned(),
            secret: Some(Secret::of(secret)),
            operations: operations.into(),
            invoked,
            ended,
            end,
        };
        self.0.0.note(Line::Invoked(self.0.len() as u64, step));
        self
    }

    fn increment(self, invoked: u64, ended: u64) -> Self {
        self.step(invoked, ended, [Operation::Increment(n())], saved())
    }

    fn read(self, invoked: u64, ended: u64, value: i64) -> Self {
        self.step(invoked, ended, [Operation::Read(n())], End::Done(Answer::value(Some(value))))
    }

    fn flush(self, invoked: u64, ended: u64) -> Self {
        self.step(invoked, ended, [Operation::Flush], saved())
    }

    #[track_caller]
    fn has_order(&self) {
        self.0.check().unwrap();
    }

    #[track_caller]
    fn has_none(&self) -> String {
        self.0.check().expect_err("there is no order").to_string()
    }
}

fn saved() -> End {
    End::Done(Answer::saved())
}

fn gone() -> End {
    End::Done(Answer::Gone)
}

fn rotated(to: &str) -> End {
    End::Done(Answer::There { read: vec![], secret: Some(Secret::of(to)) })
}

#[test]
fn what_is_at_once_may_be_in_either_order() {
    Script::new().increment(2, 5).read(3, 4, 0).has_order();
    Script::new().increment(2, 5).read(3, 4, 1).has_order();
    Script::new().increment(2, 5).read(3, 4, 1).read(6, 7, 1).has_order();
}

#[test]
fn a_lost_update_has_no_order() {
    let told = Script::new().increment(2, 4).increment(3, 5).read(6, 7, 1).has_none();
    assert!(told.contains("> 7-8"), "{told}");
    assert!(told.contains("n = 2"), "what the read should have found: {told}");
}

#[test]
fn a_stale_read_has_no_order() {
    Script::new().increment(2, 3).read(4, 5, 0).has_none();
    Script::new().increment(2, 7).read(3, 4, 1).read(5, 6, 0).has_none();
}

#[test]
fn a_session_that_comes_back_has_no_order() {
    Script::new().flush(2, 3).read(4, 5, 0).has_none();
    Script::new().flush(2, 3).increment(4, 5).has_none();
    Script::new().flush(2, 5).increment(3, 4).has_order();
    Script::new().flush(2, 3).step(4, 5, [Operation::Increment(n())], gone()).has_order();
}

#[test]
fn who_is_told_that_there_is_no_session_must_be_right() {
    Script::new().step(2, 3, [Operation::Read(n())], gone()).has_none();
    Script::new().flush(2, 5).step(3, 4, [Operation::Read(n())], gone()).has_order();
}

#[test]
fn what_is_unknown_happens_at_any_later_time_or_never() {
    let unknown = || Script::new().step(2, 3, [Operation::Increment(n())], End::Unknown);
    unknown().read(4, 5, 0).read(6, 7, 0).has_order();
    unknown().read(4, 5, 0).read(6, 7, 1).has_order();
    unknown().read(4, 5, 1).read(6, 7, 0).has_none();
    unknown().read(4, 5, 2).has_none();
}

#[test]
fn what_failed_has_no_effect() {
    let failed = || Script::new().step(2, 3, [Operation::Increment(n())], End::Failed);
    failed().read(4, 5, 0).has_order();
    failed().read(4, 5, 1).has_none();
}

#[test]
fn a_secret_opens_until_the_next() {
    let rotated = || Script::new().step(2, 4, [Operation::Rotate], rotated("second"));
    rotated().read(3, 5, 0).has_order();
    rotated().read(5, 6, 0).has_none();
    rotated().with("second", 5, 6, [Operation::Read(n())], End::Done(Answer::value(Some(0)))).has_order();
    rotated().with("second", 5, 6, [Operation::Read(n())], gone()).has_none();
    // Of two rotations from one secret one is too late.
    rotated().step(2, 4, [Operation::Rotate], super::tests::rotated("third")).has_none();
    rotated().step(2, 4, [Operation::Rotate], gone()).has_order();
}

#[test]
fn one_save_is_one_step() {
    let both = || {
        let set = [Operation::Set(n(), 7), Operation::Set("m".to_owned(), 7)];
        Script::new().step(2, 5, set, saved())
    };
    let read = |script: Script, n_is, m_is| {
        let answer = Answer::There { read: vec![n_is, m_is], secret: None };
        script.step(3, 4, [Operation::Read(n()), Operation::Read("m".to_owned())], End::Done(answer))
    };
    read(both(), Some(7), Some(7)).has_order();
    read(both(), Some(0), None).has_order();
    read(both(), Some(7), None).has_none();
}

#[test]
fn only_its_account_s_sessions_are_revoked() {
    let of_ada = || Script::new().step(2, 3, [Operation::Login("ada".to_owned())], rotated("second"));
    let revoke =
        |script: Script, of: &str| script.step(4, 5, [Operation::RevokeAccount(of.to_owned())], saved());
    let read = |script: Script, end| script.with("second", 6, 7, [Operation::Read(n())], end);
    let there = || End::Done(Answer::value(Some(0)));
    read(revoke(of_ada(), "ada"), gone()).has_order();
    read(revoke(of_ada(), "ada"), there()).has_none();
    read(revoke(of_ada(), "eve"), there()).has_order();
    read(revoke(of_ada(), "eve"), gone()).has_none();
}

/// Each of 64 clients 20 times: judged at once where there is an order, and where there is none.
#[test]
fn many_clients_are_judged() {
    let many = |lost: u64| {
        let mut script = Script::new();
        for round in 0..20_u64 {
            let at = 10 + 100 * round;
            for client in 0..64 {
                script = script.increment(at + client % 7, at + 70 + client % 5);
            }
            let least = i64::try_from(64 * round).unwrap();
            script = script.read(at + 20, at + 30, least + 9).read(at + 80, at + 81, least + 64);
        }
        script.read(20_000, 20_001, 64 * 20 - i64::try_from(lost).unwrap())
    };
    many(0).has_order();
    many(0).0.judge_counters();
    let told = many(1).has_none();
    assert!(told.lines().count() < 80, "{told}");
}

#[test]
#[should_panic(expected = "1 is read of n, of which 2 were acknowledged before, and 2 begun by then")]
fn a_counter_that_lost_is_told_without_a_search() {
    Script::new().increment(2, 4).increment(3, 5).read(6, 7, 1).0.judge_counters();
}

#[test]
#[should_panic(expected = "0 is read of n after 1 was")]
fn a_counter_that_goes_back_is_told_without_a_search() {
    Script::new().increment(2, 9).read(3, 4, 1).read(5, 6, 0).0.judge_counters();
}

#[test]
#[should_panic(expected = "it was opened after its end")]
fn a_session_that_comes_back_is_told_without_a_search() {
    Script::new().flush(2, 3).increment(4, 5).0.judge_counters();
}

#[test]
fn another_process_s_history_is_heard() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    let there = History::telling(move |line| told.lock().unwrap().push(line.to_owned()));
    let secret = Some(Secret::of(SECRET));
    let begun = there.invoke("they", "one", None, [Operation::Create]);
    begun.done(Answer::There { read: vec![], secret });
    drop(there.invoke("they", "one", secret, [Operation::Increment(n())]));

    let here = History::new();
    let lines = lines.lock().unwrap();
    assert!(lines.iter().all(|line| here.hear(line)));
    assert_eq!((lines.len(), here.len()), (3, 2));
    assert!(!here.hear("ready"));
    assert!(!here.hear(&lines[0][..lines[0].len() / 2]), "a line that was cut off by a kill");
    here.invoke("we", "one", secret, [Operation::Read(n())]).done(Answer::value(Some(1)));
    here.judge();
}
