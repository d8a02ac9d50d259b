//! A server without room. A program of its own: meanwhile nobody else could write.

mod common;

use common::{NOW, new_key, new_record, next, one_server, put};
use session_core::store::{Select, SessionStore, StoreErrorKind};

#[tokio::test]
async fn a_server_without_room_is_full_and_still_lets_go() {
    let Some((store, _, mut redis)) = one_server().await else { return };
    let (key, record) = put(&store, Some("ada")).await;
    let mut set = async |bytes: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("maxmemory").arg(bytes).query_async::<()>(&mut redis).await.unwrap();
    };
    // The default policy evicts nothing.
    set("1").await;
    let insert = store.insert(&new_key(), &new_record(&store, None), NOW).await;
    let replace = store.replace(&key, &key, &next(&record), &record, NOW).await;
    let load = store.load(&key, NOW).await;
    let remove = store.remove(Select::One(&key), NOW).await;
    set("0").await;
    for error in [insert.unwrap_err(), replace.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Full, "{error}");
        assert!(error.to_string().contains("maxmemory"), "{error}");
    }
    assert_eq!((load.unwrap(), remove.unwrap()), (Some(record), 1));
}
