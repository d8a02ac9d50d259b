//! What nobody in his right mind would choose: names and places that mean something to a path, a query, a pattern or a protocol.

use std::num::NonZeroU32;

use super::records::{kept, next, sample};
use super::store::{NOW, key, listed, load, put};
use crate::any_store::AnyStore;
use crate::record::Record;
use crate::store::{Cursor, Filter, Inserted, Replaced, Select, SessionStore, StoreError, StoreErrorKind};

/// Far longer than any name, and than any index takes.
const LONG: usize = 10 << 10;

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        ".",
        "..",
        "/",
        "../../../../etc/passwd",
        "C:\\sessions\\x",
        "a/b",
        "\0",
        "a\0b",
        "'",
        "\"",
        "`",
        "\\",
        "'; DROP TABLE sessions; --",
        "\" OR \"\"=\"",
        "%",
        "_",
        "*",
        "a?[b-c]{d}",
        "$1",
        ":x",
        "\r\nFLUSHALL\r\n",
        "{\"a\":1}",
        "e\u{301}",
        "\u{e9}",
        "\u{202E}gnp",
        "\u{FEFF}",
        "\u{10FFFF}",
        "\u{1F600}",
    ]
    .map(str::to_owned)
    .into();
    texts.push("x".repeat(LONG));
    texts.push("\u{1F600}".repeat(LONG / 4));
    texts
}

/// It is kept, and means exactly these bytes; or it is refused, and nothing was written.
pub(super) async fn an_account_is_any_text_or_is_refused_whole(store: AnyStore) {
    if !store.capabilities().accounts {
        return;
    }
    let anonymous = sample(&store, NOW);
    let bystander = put(&store, &anonymous).await;
    for name in texts() {
        let shown: String = name.chars().take(40).collect();
        let of = |record: &Record| Record { account: Some(name.clone()), ..record.clone() };
        let (was_anonymous, new) = (put(&store, &anonymous).await, key());
        let mut kept = Vec::new();
        let signed_in = of(&next(&store, &anonymous));
        match store.replace(&was_anonymous, &was_anonymous, &signed_in, &anonymous, NOW).await {
            Ok(replaced) => {
                assert_eq!(replaced, Replaced::Done, "{shown:?}");
                assert_eq!(load(&store, &was_anonymous).await, Some(signed_in), "{shown:?}");
                kept.push(was_anonymous);
            }
            Err(error) => {
                is_told(&error, &name);
                assert_eq!(load(&store, &was_anonymous).await.as_ref(), Some(&anonymous), "{shown:?}");
            }
        }
        match store.insert(&new, &of(&anonymous), NOW).await {
            Ok(inserted) => {
                assert_eq!(inserted, Inserted::Done, "{shown:?}");
                assert_eq!(load(&store, &new).await, Some(of(&anonymous)), "{shown:?}");
                kept.push(new);
            }
            Err(error) => {
                is_told(&error, &name);
                assert_eq!(load(&store, &new).await, None, "{shown:?}");
            }
        }
        kept.sort_unstable();
        let mut found = listed(&store, Filter::Account(&name), NOW).await;
        found.sort_unstable();
        assert_eq!(found, kept, "{shown:?}");
        let all = Select::Account { account: &name, except: None };
        assert_eq!(store.remove(all, NOW).await.expect("remove"), kept.len() as u64, "{shown:?}");
        assert_eq!(listed(&store, Filter::Account(&name), NOW).await, [], "{shown:?}");
    }
    assert_eq!(load(&store, &bystander).await, Some(anonymous), "nobody else's session was touched");
}

/// The application hands a cursor back, which may have been in a URL meanwhile.
pub(super) async fn a_place_that_is_none_is_no_harm(store: AnyStore) {
    let record = sample(&store, NOW);
    let there = put(&store, &record).await;
    let limit = NonZeroU32::new(7).expect("not zero");
    for place in texts() {
        match store.page(Filter::All, Some(Cursor::new(place.as_str())), limit, NOW).await {
            Ok(page) => assert!(page.records.len() <= 7, "a limit is a bound"),
            Err(error) => is_told(&error, &place),
        }
    }
    assert_eq!(load(&store, &there).await, Some(kept(&store, record)));
}

/// The kind says that trying again is of no use, and the text does not repeat what was sent.
fn is_told(error: &StoreError, sent: &str) {
    use StoreErrorKind::{Full, Misconfigured, Unsupported};
    assert!(matches!(error.kind(), Unsupported | Full | Misconfigured), "{error:?}");
    assert!(error.to_string().len() > 20, "it says what to do: {error}");
    assert!(
        sent.len() < 10 || !format!("{error} {error:?}").contains(sent),
        "it does not repeat what was sent"
    );
}
