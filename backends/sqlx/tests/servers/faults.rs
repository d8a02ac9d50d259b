//! Servers that restart, fall silent, or refuse.

use super::*;

pub(crate) async fn yields(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// A pool of four connections that all lie idle, and end: as when the server is restarted.
async fn idle_and_ended<E: Engine>(server: &Server<E>, pool: &Pool<E::Db>) {
    let mut numbers = Vec::new();
    let mut all = Vec::new();
    for _ in 0..4 {
        let mut connection = pool.acquire().await.unwrap();
        numbers.push(E::number(&mut connection).await);
        all.push(connection);
    }
    drop(all);
    while pool.num_idle() < 4 {
        tokio::task::yield_now().await;
    }
    for number in numbers {
        E::end(&mut *server.admin.lock().await, number).await;
    }
}

/// No ping before each use: so the first verb after a restart meets a dead connection. It closes the others too.
pub(crate) async fn a_restart_costs_no_verb<E: Engine>(server: &Server<E>) {
    let pool = server.pool(4).await;
    let store = E::from_pool(pool.clone(), server.name());
    E::migrate(&store).await.unwrap();
    let (key, there) = put(&store).await;
    let until = there.expires_at;

    idle_and_ended(server, &pool).await;
    assert_eq!(store.load(&key, NOW).await.unwrap().as_ref(), Some(&there));
    assert!(pool.size() <= 1, "what lay idle is closed, not met by the next");
    idle_and_ended(server, &pool).await;
    store.ping().await.unwrap();
    idle_and_ended(server, &pool).await;
    assert!(store.touch(&key, until, &there, NOW).await.unwrap());
    idle_and_ended(server, &pool).await;
    assert_eq!(store.page(Filter::All, None, 9.try_into().unwrap(), NOW).await.unwrap().records.len(), 1);
    idle_and_ended(server, &pool).await;
    assert_eq!(store.purge(NOW, 9.try_into().unwrap()).await.unwrap(), 0);
    idle_and_ended(server, &pool).await;
    assert_eq!(store.remove(Select::One(&key), NOW).await.unwrap(), 1);

    // What can be done once only is core's to repeat.
    idle_and_ended(server, &pool).await;
    let error = store.insert(&key, &there, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.insert(&key, &there, NOW).await.unwrap(), Inserted::Done);
    idle_and_ended(server, &pool).await;
    let error = store.replace(&key, &key, &next(&there), &there, NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

pub(crate) async fn a_restart_costs_no_request<E: Engine>(server: &Server<E>) {
    let pool = server.pool(4).await;
    let store = E::from_pool(pool.clone(), server.name());
    E::migrate(&store).await.unwrap();
    let sessions = Sessions::new(Backend::from(store), Settings::default()).unwrap();
    let mut visitor = Visitor::new(&sessions);
    for n in 0..3_u32 {
        idle_and_ended(server, &pool).await;
        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
        let slow = visitor.begin();
        slow.session().await.unwrap().insert("slow", n).unwrap();
        idle_and_ended(server, &pool).await;
        assert!(slow.finish(200).await.error.is_none(), "the save itself meets them");
    }
    idle_and_ended(server, &pool).await;
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(3_u32));
    idle_and_ended(server, &pool).await;
    visitor.visit(200, async |s| s.flush().await).await.unwrap();
    assert_eq!(visitor.cookie(), None);
}

/// The network swallows what is sent, as a firewall does that has forgotten a connection: nobody says that it is gone.
pub(crate) async fn silence_is_given_up<E: Engine>(server: &Server<E>) {
    let proxy = FaultProxy::start(&server.url, 1).unwrap();
    let pool = PoolOptions::new().max_connections(2).test_before_acquire(false);
    let pool = pool.connect(proxy.url()).await.unwrap();
    let store = E::from_pool(pool.clone(), server.name());
    E::migrate(&store).await.unwrap();
    let (key, there) = put(&store).await;
    let both = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(both);
    while pool.num_idle() < 2 {
        tokio::task::yield_now().await;
    }

    proxy.inject(Fault::Blackhole);
    while proxy.injected() < 2 {
        tokio::task::yield_now().await;
    }
    // Nobody has anything to do but wait: then this clock goes to the end of the wait.
    tokio::time::pause();
    let error = store.load(&key, NOW).await.unwrap_err();
    tokio::time::resume();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(pool.size(), 0, "no request more waits for what is silent");
    proxy.mend();
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(there));
}

/// A store with two connections of its own, a record in it, and loads of that.
async fn behind_a_proxy<E: Engine>(
    server: &Server<E>,
) -> (FaultProxy, Record, impl Fn() -> JoinHandle<StoreResult<Option<Record>>>) {
    let proxy = FaultProxy::start(&server.url, 1).unwrap();
    let store = E::connect(&format!("{}?connections=2", proxy.url()), server.name()).await.unwrap();
    let (key, there) = put(&store).await;
    let load = move || {
        let store = store.clone();
        tokio::spawn(async move { store.load(&key, NOW).await })
    };
    (proxy, there, load)
}

/// As many connections as there may be have fallen silent. Their time is long, because a statement may wait for a lock; but nobody
/// else waits for its end.
pub(crate) async fn own_connections_that_fall_silent_keep_nobody_waiting<E: Engine>(server: &Server<E>) {
    let (proxy, there, load) = behind_a_proxy(server).await;
    proxy.inject(Fault::Blackhole);
    let stuck = [load(), load()];
    // The one that there was, and the one that is being opened.
    while proxy.injected() < 2 {
        tokio::task::yield_now().await;
    }
    proxy.mend();
    assert_eq!(load().await.unwrap().unwrap(), Some(there));
    assert!(!stuck.iter().all(JoinHandle::is_finished), "the silent one still waits for its answer");
}

/// All that there may be have fallen silent, each with a statement for which somebody waits. The one that was opened beyond them is kept
/// for those who come next, until the others are heard of, or given up.
pub(crate) async fn a_connection_that_works_is_kept_while_the_others_are_silent<E: Engine>(
    server: &Server<E>,
) {
    let (proxy, there, load) = behind_a_proxy(server).await;
    // Both are opened for so many, and the second takes a moment.
    for one in (0..50).map(|_| load()).collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.inject(Fault::Blackhole);
    while proxy.injected() < 2 {
        tokio::task::yield_now().await;
    }
    let _stuck = [load(), load()];
    tokio::time::sleep(Duration::from_millis(50)).await;
    proxy.mend();
    assert_eq!(load().await.unwrap().unwrap(), Some(there.clone()));
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(load().await.unwrap().unwrap(), Some(there.clone()));
    }
    assert!(began.elapsed() < Duration::from_secs(2), "nobody waits for another one: {:?}", began.elapsed());
}

/// What each kind of request costs, as the server has counted it.
pub(crate) async fn round_trips_are_as_promised<E: Engine, C: AsyncFn() -> u64>(store: E::Store, count: C) {
    let sessions = Sessions::new(Backend::Server(AnyStore::new(store)), Settings::default()).unwrap();
    // The first pass teaches the connection its statements.
    for pass in 0..2 {
        let mut visitor = Visitor::new(&sessions);
        let cost = async |what: &str, expected: u64, before: u64| {
            let cost = count().await - before;
            assert!(pass == 0 || cost == expected, "{what} costs {cost}");
        };
        let before = count().await;
        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        cost("a new session", 1, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.get::<u32>("n")).await.unwrap();
        cost("a read", 1, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.insert("n", 2)).await.unwrap();
        cost("a write", 2, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.login("ada").await).await.unwrap();
        cost("a login", 2, before).await;
        let before = count().await;
        visitor.visit(200, async |s| s.flush().await).await.unwrap();
        cost("a logout", 2, before).await;

        visitor.visit(200, async |s| s.insert("n", 1)).await.unwrap();
        let before = count().await;
        let visit = visitor.begin();
        visit.pending().flush().await.unwrap();
        assert!(visit.finish(200).await.error.is_none());
        cost("a logout that loads nothing", 1, before).await;
    }
}

pub(crate) async fn who_is_not_let_in_is_told_so<E: Engine>(server: &Server<E>) {
    let (scheme, rest) = server.url.split_once("://").unwrap();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let (host, _) = place.split_once('/').unwrap_or((place, ""));
    let credentials = rest.rsplit_once('@').map_or("", |(credentials, _)| credentials);
    let of = |url: String| async move { E::connect(&url, TableName::default()).await.unwrap_err() };
    let nobody = of(format!("{scheme}://nobody:hunter2@{place}")).await;
    let nowhere = of(format!("{scheme}://{credentials}@{host}/no_such_database")).await;
    let other_engine = of("redis://me:hunter2@localhost".to_owned()).await;
    let no_port = of(format!("{scheme}://me:hunter2@localhost:port/shop")).await;
    for (error, remedy) in
        [(&nobody, "password"), (&nowhere, "create it"), (&other_engine, "begins with"), (&no_port, "port")]
    {
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error:?}");
        assert!(error.to_string().contains(remedy), "{error}");
        assert!(!everything(error).contains("hunter2"), "{error:?}");
    }
}

pub(crate) async fn a_server_that_does_not_answer_is_unavailable<E: Engine>(server: &Server<E>) {
    // A port that somebody had, and nobody listens at.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (scheme, _) = server.url.split_once("://").unwrap();
    let url = format!("{scheme}://me:hunter2@127.0.0.1:{port}/shop");
    let pool = PoolOptions::new().acquire_timeout(Duration::from_millis(50)).connect_lazy(&url).unwrap();
    let store = E::from_pool(pool, TableName::default());
    let errors: [StoreError; 2] =
        [store.ping().await.unwrap_err(), store.load(&new_key(), NOW).await.unwrap_err()];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        assert!(!everything(&error).contains("hunter2"), "{error:?}");
    }
}

/// What each code of the server's comes to, said by the server itself.
pub(crate) async fn codes_are_read<E: Engine>(server: &Server<E>, codes: &[(&str, StoreErrorKind, &str)]) {
    let name = server.name();
    let store = E::from_pool(server.pool(1).await, name.clone());
    E::migrate(&store).await.unwrap();
    for (code, kind, says) in codes {
        // More often than a statement that was undone is tried again.
        for sql in E::fail_with(&name, &[*code; 11]) {
            server.run(sql).await;
        }
        let error = store.insert(&new_key(), &record(&store), NOW).await.unwrap_err();
        assert_eq!(error.kind(), *kind, "{code} {error:?}");
        assert!(error.to_string().contains(says), "{code}: {error}");
    }
}

/// A statement that was undone is as if it had never been: it is sent again.
pub(crate) async fn what_was_undone_is_tried_again<E: Engine>(server: &Server<E>, codes: &[&str]) {
    let name = server.name();
    let store = E::from_pool(server.pool(1).await, name.clone());
    E::migrate(&store).await.unwrap();
    for sql in E::fail_with(&name, codes) {
        server.run(sql).await;
    }
    let (key, there) = put(&store).await;
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(there));
}
