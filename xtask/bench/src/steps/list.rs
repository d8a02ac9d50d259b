//! The steps, in the order in which a request takes them. What a step needs is made before it and not measured.

use std::hint::black_box;

use super::{Step, now};

/// An `expect` in this list is met by the fixture: a session that is there, and has one number.
const THERE: &str = "the session is there";

pub(super) const STEPS: &[Step] = &[
    ("begin", |f, m| {
        black_box(m.measure(|| f.request()));
    }),
    ("finish, untouched", |f, m| {
        let pending = f.request();
        let _ = m.measure(|| now(f.sessions.finish(pending, 200)));
    }),
    ("open, no cookie", |f, m| {
        let pending = f.sessions.begin(std::iter::empty::<&[u8]>());
        black_box(m.measure(|| now(pending.open())).expect(THERE));
    }),
    ("open: the load", |f, m| {
        let pending = f.request();
        black_box(m.measure(|| now(pending.open())).expect(THERE));
    }),
    ("get", |f, m| {
        let session = now(f.request().open()).expect(THERE);
        m.measure(|| session.get::<u64>("n")).expect(THERE);
    }),
    ("insert", |f, m| {
        let session = now(f.request().open()).expect(THERE);
        m.measure(|| session.insert("n", 2_u64)).expect(THERE);
    }),
    ("update", |f, m| {
        let session = now(f.request().open()).expect(THERE);
        m.measure(|| session.update("n", |n: &mut u64| *n += 1)).expect(THERE);
    }),
    ("finish, read", |f, m| {
        let pending = f.request();
        let session = now(pending.open()).expect(THERE);
        drop(session);
        let _ = m.measure(|| now(f.sessions.finish(pending, 200)));
    }),
    ("save", |f, m| {
        let pending = f.request();
        let session = now(pending.open()).expect(THERE);
        session.insert("n", 2_u64).expect(THERE);
        m.measure(|| now(session.save())).expect(THERE);
    }),
    ("save after a conflict: the journal replayed", |f, m| {
        let (ours, theirs) = (f.request(), f.request());
        let (session, other) = (now(ours.open()).expect(THERE), now(theirs.open()).expect(THERE));
        session.update("n", |n: &mut u64| *n += 1).expect(THERE);
        other.update("n", |n: &mut u64| *n += 1).expect(THERE);
        now(other.save()).expect(THERE);
        m.measure(|| now(session.save())).expect(THERE);
    }),
    ("finish, saved already: the cookie", |f, m| {
        let pending = f.request();
        let session = now(pending.open()).expect(THERE);
        session.insert("n", 2_u64).expect(THERE);
        now(session.save()).expect(THERE);
        drop(session);
        let _ = m.measure(|| now(f.sessions.finish(pending, 200)));
    }),
    ("finish, written: save and cookie", |f, m| {
        let pending = f.request();
        now(pending.open()).expect(THERE).insert("n", 2_u64).expect(THERE);
        let _ = m.measure(|| now(f.sessions.finish(pending, 200)));
    }),
    ("finish, new: token, save and cookie", |f, m| {
        let pending = f.sessions.begin(std::iter::empty::<&[u8]>());
        now(pending.open()).expect(THERE).insert("n", 2_u64).expect(THERE);
        let _ = m.measure(|| now(f.sessions.finish(pending, 200)));
    }),
];
