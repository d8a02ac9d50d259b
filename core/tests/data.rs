//! A whole struct as the session.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use session_core::testing::{Probe, Verb, Visitor};
use session_core::{Error, OnMisfit, SessionData, Sessions, Settings};
use session_memory::MemoryStore;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Shop {
    cart: BTreeMap<String, Vec<u64>>,
    visits: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<String>,
}
impl SessionData for Shop {}

fn site() -> (Probe, Sessions) {
    let probe = Probe::new(MemoryStore::new());
    (probe.clone(), Sessions::new(probe, Settings::default()).unwrap())
}

#[tokio::test]
async fn a_change_deep_within_is_seen_and_nothing_else_is_one() {
    let (probe, sessions) = site();
    let mut v = Visitor::new(&sessions);
    assert_eq!(v.visit(200, async |s| s.data::<Shop>()).await.unwrap(), Shop::default());
    v.visit(200, async |s| s.set_data(&Shop::default())).await.unwrap();
    v.visit(200, async |s| s.update_data(|shop: &mut Shop| shop.cart.entry("a".into()).or_default().push(7)))
        .await
        .unwrap();
    let shop = v.visit(200, async |s| s.data::<Shop>()).await.unwrap();
    assert_eq!(shop.cart["a"], [7]);
    probe.reset();
    v.visit(200, async |s| {
        s.set_data(&s.data::<Shop>()?)?;
        s.update_data(|shop: &mut Shop| shop.cart.len())
    })
    .await
    .unwrap();
    assert_eq!((probe.calls(), probe.calls_of(Verb::Load)), (1, 1), "what is the same is not saved");
}

#[tokio::test]
async fn fields_are_keys_and_others_stay() {
    let (_, sessions) = site();
    let mut v = Visitor::new(&sessions);
    v.visit(200, async |s| s.extend([("other", json!(1)), ("visits", json!(4))])).await.unwrap();
    let shop = Shop { theme: Some("dark".to_owned()), visits: 5, ..Shop::default() };
    v.visit(200, async |s| s.set_data(&shop)).await.unwrap();
    let items = v.visit(200, async |s| Ok(s.keys())).await.unwrap();
    assert_eq!(items, ["cart", "other", "theme", "visits"]);
    v.visit(200, async |s| s.set_data(&Shop::default())).await.unwrap();
    let (keys, other) = v.visit(200, async |s| Ok((s.keys(), s.get("other")?))).await.unwrap();
    assert_eq!((keys.contains(&"theme".to_owned()), other), (false, Some(1)), "what is not written goes");
}

#[tokio::test]
async fn two_writers_lose_nothing() {
    let (_, sessions) = site();
    let mut v = Visitor::new(&sessions);
    v.visit(200, async |s| s.set_data(&Shop::default())).await.unwrap();
    let slow = v.begin();
    let session = slow.session().await.unwrap();
    session.update_data(|shop: &mut Shop| shop.visits += 10).unwrap();
    let other = v.begin();
    let two = Shop { theme: Some("dark".to_owned()), ..Shop::default() };
    other.session().await.unwrap().set_data(&two).unwrap();
    v.visit(200, async |s| s.update_data(|shop: &mut Shop| shop.visits += 100)).await.unwrap();
    assert!(slow.finish(200).await.error.is_none() && other.finish(200).await.error.is_none());
    let shop = v.visit(200, async |s| s.data::<Shop>()).await.unwrap();
    assert_eq!((shop.visits, shop.theme.as_deref()), (110, Some("dark")));
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Later {
    visits: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct LaterAnyway {
    visits: Vec<String>,
}

impl SessionData for Later {}
impl SessionData for LaterAnyway {
    const ON_MISFIT: OnMisfit = OnMisfit::Discard;
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_or_is_discarded() {
    let (_, sessions) = site();
    let mut v = Visitor::new(&sessions);
    v.visit(200, async |s| s.insert("visits", 4)).await.unwrap();
    let error = v.visit(200, async |s| s.data::<Later>()).await.unwrap_err();
    assert!(matches!(error, Error::WrongType { .. }), "{error}");
    let error = v.visit(200, async |s| s.update_data(|_: &mut Later| ())).await.unwrap_err();
    assert!(matches!(error, Error::WrongType { .. }), "{error}");
    assert_eq!(v.visit(200, async |s| s.get("visits")).await.unwrap(), Some(4));
    let read = v.visit(200, async |s| s.data::<LaterAnyway>()).await.unwrap();
    assert_eq!(read, LaterAnyway::default());
    v.visit(200, async |s| s.update_data(|data: &mut LaterAnyway| data.visits.push("x".to_owned())))
        .await
        .unwrap();
    assert_eq!(v.visit(200, async |s| s.get("visits")).await.unwrap(), Some(vec!["x".to_owned()]));
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<String>,
    n: u32,
}
impl SessionData for Sparse {
    const ON_MISFIT: OnMisfit = OnMisfit::Discard;
}

/// Also where the struct does not write the field that did not fit: it is not met again with the next reading.
#[tokio::test]
async fn what_was_discarded_is_gone() {
    let (_, sessions) = site();
    let mut v = Visitor::new(&sessions);
    v.visit(200, async |s| {
        s.insert("theme", 5)?;
        s.insert("other", "mine")
    })
    .await
    .unwrap();
    v.visit(200, async |s| s.update_data(|data: &mut Sparse| data.n = 7)).await.unwrap();
    let read = v.visit(200, async |s| s.data::<Sparse>()).await.unwrap();
    assert_eq!(read, Sparse { theme: None, n: 7 });
    assert_eq!(v.visit(200, async |s| s.get::<String>("other")).await.unwrap().as_deref(), Some("mine"));
}

#[derive(Default, Serialize, Deserialize)]
struct Reserved {
    _hidden: u32,
}
impl SessionData for Reserved {}

#[derive(Default, Serialize, Deserialize)]
struct NoStruct(Vec<u32>);
impl SessionData for NoStruct {}

#[tokio::test]
async fn what_is_no_session_is_refused() {
    let sessions = Sessions::new(MemoryStore::new(), Settings::default().with_max_bytes(100)).unwrap();
    let session = sessions.create();
    assert!(matches!(session.set_data(&Reserved::default()), Err(Error::ReservedKey(_))));
    assert!(matches!(session.set_data(&NoStruct::default()), Err(Error::Unserializable { .. })));
    let large = Shop { theme: Some("x".repeat(200)), ..Shop::default() };
    assert!(matches!(session.set_data(&large), Err(Error::TooLarge { .. })));
    let grown = session.update_data(move |shop: &mut Shop| *shop = large.clone());
    assert!(matches!(grown, Err(Error::TooLarge { .. })));
    assert!(session.keys().is_empty(), "nothing was changed");
}
