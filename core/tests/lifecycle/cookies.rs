//! What a browser brings, and what it is sent.

use super::*;

/// T1, D61: looking for sessions that do not exist creates none, also where every request touches its session.
#[tokio::test]
async fn ten_thousand_random_cookies_create_nothing() {
    for every in [false, true] {
        let site = site(Settings::default().with_save_every_request(every));
        for i in 0..10_000_u64 {
            let forged = format!("sessionid={:a>25}{:b>25}", i, i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let finished = respond(&site, forged.as_bytes(), 200).await;
            assert!(
                finished.headers.set_cookie().unwrap().starts_with("sessionid=;"),
                "a dead cookie is removed"
            );
        }
        assert_eq!((site.probe.calls_of(Verb::Insert), site.probe.calls_of(Verb::Load)), (0, 10_000));
    }
}

/// T33, T5, C12: what no browser sends is an empty session, and does not reach the store.
#[tokio::test]
async fn malformed_cookies_are_no_session() {
    let site = site(Settings::default());
    let big = [b"sessionid=".as_slice(), vec![b'a'; 64 * 1024].as_slice()].concat();
    let many = "sessionid=x; ".repeat(5_000);
    let headers: [&[u8]; 9] = [
        b"sessionid=",
        b"sessionid=\"\"",
        b"sessionid[]=a; sessionid",
        b"sessionid=../../../etc/passwd",
        b"sessionid=%2e%2e%2f",
        b"\xff\xfe=\x80; sessionid=\xff\xff\xff",
        b"sessionid=a\0b; ; ;;=;",
        &big,
        many.as_bytes(),
    ];
    for header in headers {
        let pending = site.sessions.begin([header]);
        let session = pending.open().await.unwrap();
        assert_eq!(session.get::<u32>("n").unwrap(), None);
        assert!(site.sessions.finish(pending, 200).await.error.is_none());
    }
    assert_eq!(site.probe.calls(), 0);
}

/// D65, T26: a browser that has the name twice (another path, another domain) is not locked out, and no number of cookies makes
/// more than three loads.
#[tokio::test]
async fn at_most_three_cookies_of_the_name_are_tried() {
    let site = site(Settings::default());
    let v = visitor(&site).await;
    let live = format!("sessionid={}", v.cookie().unwrap());
    let dead = |c: char| format!("sessionid={}", c.to_string().repeat(50));
    for (header, found) in [
        (format!("{}; theme=dark; {live}", dead('a')), true),
        (format!("{}; {}; {live}", dead('a'), dead('b')), true),
        (format!("{}; {}; {}; {live}", dead('a'), dead('b'), dead('c')), false),
    ] {
        site.probe.reset();
        let pending = site.sessions.begin([header.as_bytes()]);
        assert_eq!(pending.open().await.unwrap().get::<u32>("n").unwrap().is_some(), found, "{header}");
        assert!(site.probe.calls() <= 3);
    }
    // HTTP/2 may send each cookie in a header of its own.
    let pending = site.sessions.begin([b"theme=dark".as_slice(), live.as_bytes()]);
    assert_eq!(pending.open().await.unwrap().get::<u32>("n").unwrap(), Some(0));
}

/// Invariant 7: what the table of a leaked database holds opens nothing, and neither does half a token.
#[tokio::test]
async fn a_selector_alone_opens_and_ends_nothing() {
    let site = site(Settings::default());
    let mut v = visitor(&site).await;
    let (selector, _) = v.cookie().unwrap().split_at(25);
    let forged = format!("{selector}{}", "a".repeat(25));
    let mut thief = Visitor::with_cookie(&site.sessions, &forged);
    assert_eq!(thief.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), None);
    let lazy = Visitor::with_cookie(&site.sessions, &forged).begin();
    lazy.pending().flush().await.unwrap();
    let _ = lazy.finish(200).await;
    let mut writer = Visitor::with_cookie(&site.sessions, &forged);
    writer.visit(200, async |s| s.insert("n", 666)).await.unwrap();
    assert_ne!(&writer.cookie().unwrap()[..25], selector, "what it writes is another session");
    assert_eq!(v.visit(200, async |s| s.get::<u32>("n")).await.unwrap(), Some(0));
}

/// D2, D12: also a write of nothing has looked.
#[tokio::test]
async fn a_response_varies_where_the_session_was_looked_at() {
    let site = site(Settings::default());
    let varies = async |f: fn(&session_core::Session)| {
        let pending = site.sessions.begin([]);
        f(&pending.open().await.unwrap());
        site.sessions.finish(pending, 500).await.headers.vary()
    };
    assert!(!varies(|_| ()).await);
    assert!(varies(|s| s.extend::<&str, u8>([]).unwrap()).await);
    assert!(varies(session_core::Session::clear).await);
    assert!(varies(|s| s.insert("a", 1).unwrap()).await);
}

/// T6: also a cookie that is set or removed for a handler that did not look comes with `Vary`.
#[tokio::test]
async fn a_refreshed_cookie_varies() {
    let site = site(Settings::default().with_save_every_request(true));
    let v = visitor(&site).await;
    let headers = v.begin().finish(200).await.headers;
    assert!(headers.set_cookie().is_some_and(|cookie| cookie.contains("Max-Age=1209600")), "{headers:?}");
    assert!(headers.vary());
    let unknown = Visitor::with_cookie(&site.sessions, "a".repeat(50));
    let headers = unknown.begin().finish(200).await.headers;
    assert!(headers.set_cookie().is_some_and(|cookie| cookie.starts_with("sessionid=;")), "{headers:?}");
    assert!(headers.vary());
}

/// `axum_session` 5: what is set under a `__Host-` name is found under it.
#[tokio::test]
async fn a_cookie_with_a_host_prefix_comes_back() {
    let site = site(Settings::default().with_host_prefix());
    let visit = Visitor::new(&site.sessions).begin();
    visit.session().await.unwrap().insert("n", 1).unwrap();
    let finished = visit.finish(200).await;
    let set = finished.headers.set_cookie().unwrap();
    assert!(
        set.starts_with("__Host-sessionid=") && set.contains("Secure") && !set.contains("Domain"),
        "{set}"
    );
    let pair = set.split(';').next().unwrap();
    let pending = site.sessions.begin([pair.as_bytes()]);
    assert_eq!(pending.open().await.unwrap().get::<u32>("n").unwrap(), Some(1));
}
