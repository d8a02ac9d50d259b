//! Several writers of one table.

use super::*;

/// A touch or a retry that finds everything as it wants it has found the row all the same.
pub(crate) async fn a_row_that_is_not_changed_counts<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    let (key, there) = put(&store).await;
    for _ in 0..2 {
        assert!(store.touch(&key, there.expires_at, &there, NOW).await.unwrap());
    }
    assert_eq!(store.replace(&key, &key, &there, &there, NOW).await.unwrap(), Replaced::Done);
}

/// A conflict shows what the other writer has just committed, not what was there when the statement began.
pub(crate) async fn a_writer_waits_for_another_and_sees_its_record<E: Engine>(server: &Server<E>) {
    let (store, name) = server.store_with_name().await;
    let table = quoted(&name);
    let (key, there) = put(&store).await;
    let mut other = server.another().await;
    E::run(&mut other, "BEGIN".to_owned()).await.unwrap();
    E::run(&mut other, format!("UPDATE {table} SET seq = 7")).await.unwrap();
    let waiting = tokio::spawn({
        let (store, there) = (store.clone(), there.clone());
        async move { store.replace(&key, &key, &next(&there), &there, NOW).await }
    });
    assert_eq!(store.load(&key, NOW).await.unwrap().unwrap().version.seq, 1, "before the commit");
    E::run(&mut other, "COMMIT".to_owned()).await.unwrap();
    let answer = waiting.await.unwrap().unwrap();
    assert!(matches!(answer, Replaced::Conflict(record) if record.version.seq == 7));
}

/// Somebody else has locked the row of one session, and does not let it go. Its saves wait for that, but do not take every connection.
pub(crate) async fn a_locked_session_keeps_no_other_waiting<E: Engine>(server: &Server<E>) {
    let name = server.name();
    let store = E::connect(&format!("{}?connections=5", server.url), name.clone()).await.unwrap();
    let settings = Settings::default().with_store_timeout(Some(Duration::from_secs(2)));
    let sessions = Sessions::new(Backend::Server(AnyStore::new(store)), settings).unwrap();
    let (mut locked, mut other) = (Visitor::new(&sessions), Visitor::new(&sessions));
    for visitor in [&mut locked, &mut other] {
        visitor.visit(200, async |s| s.insert("n", 0)).await.unwrap();
    }
    let key = locked.cookie().unwrap()[..25].to_owned();
    let mut thief = server.another().await;
    E::run(&mut thief, "BEGIN".to_owned()).await.unwrap();
    let lock = format!("UPDATE {} SET seq = seq WHERE session_key = '{key}'", quoted(&name));
    E::run(&mut thief, lock).await.unwrap();

    let (began, mut writes, mut n) = (Instant::now(), JoinSet::new(), 0);
    while n == 0 || !writes.is_empty() {
        // They keep coming for longer than one of them waits.
        if began.elapsed() < Duration::from_secs(3) {
            n += 1;
            let visit = locked.begin();
            writes.spawn(async move {
                visit.session().await.unwrap().insert("n", n).unwrap();
                visit.finish(200).await.error
            });
        }
        while let Some(error) = writes.try_join_next() {
            let error = error.unwrap().expect("the row is locked");
            assert!(matches!(&error, Error::Store(e) if e.kind() == StoreErrorKind::Unavailable), "{error}");
        }
        let began = Instant::now();
        other.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(n > 20, "{n}");
    E::run(&mut thief, "COMMIT".to_owned()).await.unwrap();
    locked.visit(200, async |s| s.insert("n", -1)).await.unwrap();
    assert_eq!(locked.visit(200, async |s| s.get("n")).await.unwrap(), Some(-1));
}

/// Many insert over one expired record while it is purged: one of them has it, and no purge takes that.
pub(crate) async fn an_expired_key_has_one_heir<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    for _ in 0..8 {
        let (key, dead) = put(&store).await;
        let late = dead.expires_at;
        let mut racing = JoinSet::new();
        for nonce in 0..16 {
            let (heir, version) = (store.clone(), Version { seq: 1, nonce });
            let reborn = Record { version, expires_at: late + Duration::from_secs(60), ..dead.clone() };
            racing.spawn(async move {
                let inserted = heir.insert(&key, &reborn, late).await.unwrap();
                (inserted == Inserted::Done).then_some(version)
            });
            if nonce % 4 == 0 {
                let store = store.clone();
                racing.spawn(async move {
                    store.purge(late, 9.try_into().unwrap()).await.unwrap();
                    None
                });
            }
        }
        let heirs: Vec<_> = racing.join_all().await.into_iter().flatten().collect();
        let there = store.load(&key, late).await.unwrap().map(|record| record.version);
        // Where a purge came between, all may have been told that the key is taken; more than one has it never.
        assert!(heirs.len() <= 1, "{heirs:?}");
        assert_eq!(there, heirs.first().copied());
        store.remove(Select::One(&key), late).await.unwrap();
    }
}

/// Whole accounts are ended, listed and purged while their sessions are written: nothing is locked against each other.
pub(crate) async fn verbs_of_many_rows_do_not_lock_each_other<E: Engine>(server: &Server<E>) {
    let store = server.store().await;
    let mut racing = JoinSet::new();
    for i in 0..24_u32 {
        let store = store.clone();
        racing.spawn(async move {
            for j in 0..8_u32 {
                let (key, there) = put(&store).await;
                let late = NOW + Duration::from_secs(u64::from(i + j));
                match (i + j) % 4 {
                    0 => drop(store.purge(there.expires_at, 5.try_into().unwrap()).await.unwrap()),
                    1 => {
                        let hers = Select::Account { account: "ada", except: Some(&key) };
                        store.remove(hers, late).await.unwrap();
                    }
                    _ => drop(store.replace(&key, &key, &next(&there), &there, late).await.unwrap()),
                }
            }
        });
    }
    racing.join_all().await;
}

/// A visitor who goes away drops the request's future in the middle of a statement.
pub(crate) async fn a_cancelled_verb_leaves_its_connection_usable<E: Engine>(server: &Server<E>) {
    let name = server.name();
    let store = E::from_pool(server.pool(1).await, name.clone());
    E::migrate(&store).await.unwrap();
    let (key, there) = put(&store).await;
    let mut other = server.another().await;
    for polls in 0..20 {
        E::run(&mut other, "BEGIN".to_owned()).await.unwrap();
        E::run(&mut other, format!("UPDATE {} SET seq = 1", quoted(&name))).await.unwrap();
        let second = next(&there);
        let replace = store.replace(&key, &key, &second, &there, NOW);
        tokio::select! {
            biased;
            answer = replace => panic!("the row is locked: {answer:?}"),
            () = yields(polls) => {}
        }
        E::run(&mut other, "ROLLBACK".to_owned()).await.unwrap();
        // The pool has this one connection. What was cancelled was done, or not, and whole.
        let found = store.load(&key, NOW).await.unwrap().unwrap();
        assert!(found == there || found == second);
        if found == second {
            assert_eq!(store.replace(&key, &key, &there, &second, NOW).await.unwrap(), Replaced::Done);
        }
    }
}
