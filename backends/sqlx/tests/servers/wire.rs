//! A way to a server that counts what goes over it, and can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// What a store connects to in the place of a server.
pub(crate) struct Wire {
    url: String,
    counts: Arc<Counts>,
    /// How often it was cut.
    cuts: watch::Sender<u64>,
}

#[derive(Default)]
struct Counts {
    trips: AtomicU64,
    begun: AtomicUsize,
    ended: AtomicUsize,
    most: AtomicUsize,
}

impl Counts {
    fn open(&self) -> usize {
        let ended = self.ended.load(Ordering::SeqCst);
        self.begun.load(Ordering::SeqCst) - ended
    }
}

impl Wire {
    pub(crate) async fn to<E: Engine>(server: &Server<E>) -> Self {
        let (front, place) = server.url.rsplit_once('@').unwrap();
        let (host, path) = place.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{front}@{}/{path}", listener.local_addr().unwrap());
        let (cuts, cut) = watch::channel(0);
        let counts = Arc::new(Counts::default());
        tokio::spawn({
            let (host, counts) = (host.to_owned(), Arc::clone(&counts));
            async move {
                while let Ok((from, _)) = listener.accept().await {
                    let (host, counts, mut cut) = (host.clone(), Arc::clone(&counts), cut.clone());
                    cut.mark_unchanged();
                    tokio::spawn(async move {
                        counts.begun.fetch_add(1, Ordering::SeqCst);
                        counts.most.fetch_max(counts.open(), Ordering::SeqCst);
                        tokio::select! {
                            _ = forward(from, host, &counts.trips) => {}
                            _ = cut.changed() => {}
                        }
                        counts.ended.fetch_add(1, Ordering::SeqCst);
                    });
                }
            }
        });
        Self { url, counts, cuts }
    }

    pub(crate) fn url(&self, parameters: &str) -> String {
        format!("{}{parameters}", self.url)
    }

    /// How often somebody has asked, and waited for the answer.
    pub(crate) fn trips(&self) -> u64 {
        self.counts.trips.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> usize {
        self.counts.open()
    }

    /// How many there were at most.
    pub(crate) fn most(&self) -> usize {
        self.counts.most.load(Ordering::SeqCst)
    }

    /// Ends all connections that there are: as when the server is restarted.
    pub(crate) async fn cut(&self) {
        let begun = self.counts.begun.load(Ordering::SeqCst);
        self.cuts.send_modify(|cuts| *cuts += 1);
        // One that was being opened may be opened again by then.
        while self.counts.ended.load(Ordering::SeqCst) < begun {
            tokio::task::yield_now().await;
        }
    }
}

/// A trip is whatever is sent until something comes back.
async fn forward(mut from: TcpStream, host: String, trips: &AtomicU64) -> std::io::Result<()> {
    let mut to = TcpStream::connect(host).await?;
    let (mut asked, mut answer) = ([0; 16384], [0; 16384]);
    let mut answered = true;
    loop {
        tokio::select! {
            read = from.read(&mut asked) => match read? {
                0 => return Ok(()),
                count => {
                    if std::mem::take(&mut answered) {
                        trips.fetch_add(1, Ordering::SeqCst);
                    }
                    to.write_all(&asked[..count]).await?;
                }
            },
            read = to.read(&mut answer) => match read? {
                0 => return Ok(()),
                count => {
                    answered = true;
                    from.write_all(&answer[..count]).await?;
                }
            },
        }
    }
}

/// What each kind of request costs, counted on the network: no ping surrounds it.
pub(crate) async fn round_trips_are_counted_on_the_wire<E: Engine>(server: &Server<E>) {
    let wire = Wire::to(server).await;
    let store = E::connect(&wire.url(""), server.name()).await.unwrap();
    round_trips_are_as_promised::<E, _>(store, async || wire.trips()).await;

    // A ping would be seen: a pool's is.
    let wire = Wire::to(server).await;
    let pool = PoolOptions::new().max_connections(1).test_before_acquire(false);
    let store = E::from_pool(pool.connect(&wire.url("")).await.unwrap(), server.name());
    E::migrate(&store).await.unwrap();
    store.load(&new_key(), NOW).await.unwrap();
    let before = wire.trips();
    for _ in 0..5 {
        store.load(&new_key(), NOW).await.unwrap();
    }
    assert!(wire.trips() - before >= 9, "{}", wire.trips() - before);
}

pub(crate) async fn own_connections_that_end_cost_no_request<E: Engine>(server: &Server<E>) {
    let wire = Wire::to(server).await;
    let store = E::connect(&wire.url("?connections=4"), server.name()).await.unwrap();
    let all_open = async || {
        while wire.open() < 4 {
            let loads: JoinSet<_> = (0..16)
                .map(|_| {
                    let store = store.clone();
                    async move { store.load(&new_key(), NOW).await.unwrap() }
                })
                .collect();
            loads.join_all().await;
        }
    };
    let sessions = Sessions::new(Backend::from(store.clone()), Settings::default()).unwrap();
    let mut visitor = Visitor::new(&sessions);
    for n in 0..3_u32 {
        all_open().await;
        wire.cut().await;
        visitor.visit(200, async |s| s.update("n", |n: &mut u32| *n += 1)).await.unwrap();
        let slow = visitor.begin();
        slow.session().await.unwrap().insert("slow", n).unwrap();
        all_open().await;
        wire.cut().await;
        assert!(slow.finish(200).await.error.is_none(), "the save itself meets them");
    }
    all_open().await;
    wire.cut().await;
    assert_eq!(visitor.visit(200, async |s| s.get("n")).await.unwrap(), Some(3_u32));

    // One that meets them closes the others.
    all_open().await;
    wire.cut().await;
    let error = store.insert(&new_key(), &record(&store), NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    put(&store).await;
}

pub(crate) async fn own_connections_are_as_many_as_the_address_says<E: Engine>(server: &Server<E>) {
    let wire = Wire::to(server).await;
    let store = E::connect(&wire.url("?connections=2"), server.name()).await.unwrap();
    assert_eq!(wire.open(), 1, "others are opened when they are needed");
    let puts: JoinSet<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            async move { put(&store).await }
        })
        .collect();
    puts.join_all().await;
    assert_eq!(wire.most(), 2);
    let clone = store.clone();
    drop(store);
    put(&clone).await;
    drop(clone);
    while wire.open() > 0 {
        tokio::task::yield_now().await;
    }
    for wrong in ["0", "all"] {
        let url = wire.url(&format!("?connections={wrong}"));
        let error = E::connect(&url, TableName::default()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{wrong}");
    }
}

pub(crate) async fn a_store_outlives_the_runtime_it_was_made_on<E: Engine>(server: &Server<E>) {
    let (url, name) = (server.url.clone(), server.name());
    let elsewhere = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let store = E::connect(&url, name).await.unwrap();
            put(&store).await;
            store
        })
    });
    let store = tokio::task::spawn_blocking(|| elsewhere.join().unwrap()).await.unwrap();
    let (key, there) = put(&store).await;
    assert_eq!(store.load(&key, NOW).await.unwrap(), Some(there));
}

/// A visitor who goes away in the middle of a statement leaves the only connection to the others.
pub(crate) async fn a_cancelled_verb_leaves_an_own_connection_usable<E: Engine>(server: &Server<E>) {
    let name = server.name();
    let store = E::connect(&format!("{}?connections=1", server.url), name.clone()).await.unwrap();
    let (key, there) = put(&store).await;
    let mut other = server.another().await;
    for polls in 0..20 {
        E::run(&mut other, "BEGIN".to_owned()).await.unwrap();
        E::run(&mut other, format!("UPDATE {} SET seq = 1", quoted(&name))).await.unwrap();
        let second = next(&there);
        tokio::select! {
            biased;
            answer = store.replace(&key, &key, &second, &there, NOW) => panic!("the row is locked: {answer:?}"),
            () = yields(polls * 100) => {}
        }
        E::run(&mut other, "ROLLBACK".to_owned()).await.unwrap();
        let found = store.load(&key, NOW).await.unwrap().unwrap();
        assert!(found == there || found == second);
        if found == second {
            assert_eq!(store.replace(&key, &key, &there, &second, NOW).await.unwrap(), Replaced::Done);
        }
    }
}
