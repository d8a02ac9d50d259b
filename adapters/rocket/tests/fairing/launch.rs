//! What is found before anything is served: a missing fairing, a bad configuration; and what a good one does.

use rocket::error::ErrorKind;
use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use rocket::{Build, Rocket, get, routes};
use session_rocket::backends::memory::MemoryStore;
use session_rocket::{LazySession, Named, Session, SessionFairing, Settings};

use crate::{build, config, count, serve};

struct Admin;

async fn failure(rocket: Rocket<Build>) -> String {
    let error = rocket.ignite().await.unwrap_err();
    match error.kind() {
        ErrorKind::SentinelAborts(missing) => format!("{} sentinels", missing.len()),
        ErrorKind::FailedFairings(failed) => format!("{} fairings", failed.len()),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn a_missing_fairing_does_not_launch() {
    #[get("/lazy")]
    fn lazy(_session: LazySession) {}
    #[get("/maybe")]
    fn maybe(_session: Result<Session, session_rocket::Error>) {}
    #[get("/admin")]
    fn admin(_session: Session<Admin>) {}
    assert_eq!(failure(build().mount("/", routes![count])).await, "1 sentinels");
    assert_eq!(failure(build().mount("/", routes![lazy])).await, "1 sentinels");
    assert_eq!(failure(build().mount("/", routes![maybe])).await, "1 sentinels");
    let other = SessionFairing::<Admin>::new(MemoryStore::new());
    assert_eq!(failure(build().attach(other).mount("/", routes![count])).await, "1 sentinels");
    let other = SessionFairing::new(MemoryStore::new());
    assert_eq!(failure(build().attach(other).mount("/", routes![admin])).await, "1 sentinels");
}

fn with(toml: &str) -> Figment {
    config().merge(Toml::string(toml).nested())
}

#[tokio::test]
async fn what_is_wrong_does_not_launch() {
    let connect = |url: &str| SessionFairing::connect(url);
    assert_eq!(failure(build().attach(connect("nosuch:thing"))).await, "1 fairings");
    assert_eq!(failure(build().attach(connect("memory:").cookie_name("a b"))).await, "1 fairings");
    let settings = Settings::default().with_cookie_path("nowhere");
    assert_eq!(failure(build().attach(connect("memory:").with_settings(settings))).await, "1 fairings");
    #[cfg(feature = "encrypt")]
    {
        let short = session_rocket::SecretKeys::new("short");
        let fairing =
            connect("memory:").try_change_settings(move |settings| settings.with_encryption(&short));
        assert_eq!(failure(build().attach(fairing)).await, "1 fairings");
    }
    for toml in [
        "",
        "[default.session]\ncookie_name = 'shop'",
        "[default.session]\nurl = 1",
        "[default.session]\nurl = 'memory:'\ncookie_nam = 'shop'",
        "[default.session]\nurl = 'memory:'\ncookie_name = 'a b'",
        "[default.session]\nurl = 'memory:'\nsecret_keys = []",
        "[default.session]\nurl = 'memory:'\nformat = 'pickle'",
    ] {
        let rocket = rocket::custom(with(toml)).attach(SessionFairing::from_config());
        assert_eq!(failure(rocket).await, "1 fairings", "{toml}");
    }
}

/// The store, the cookie and the deadlines, for each profile.
#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_says_it_all() {
    #[get("/admin")]
    fn admin(session: Session<Admin>) -> session_rocket::Result<String> {
        session.insert("n", 1)?;
        Ok(session.expiry_age().as_secs().to_string())
    }
    let toml = "
        [default.session]
        url = 'nosuch:'
        cookie_name = 'shop'
        cookie_age = 60
        [debug.session]
        url = 'memory:'
        cookie_secure = false
        [default.office]
        url = 'memory:'
        secret_keys = ['the new secret, of 32 bytes or more', 'the old secret, of 32 bytes or more']
        cookie_name = 'office'
        cookie_path = '/admin'
        idle_timeout = 30
        cookie_same_site = 'strict'
    ";
    let rocket = rocket::custom(with(toml).select("debug"))
        .attach(
            SessionFairing::from_config().change_settings(|settings| settings.with_cookie_http_only(false)),
        )
        .attach(SessionFairing::<Admin>::from_config().section("office"))
        .mount("/", routes![count, admin]);
    let site = serve(rocket).await;
    let shop = site.get("/", None).await.cookies();
    assert!(shop[0].starts_with("shop=") && shop[0].contains("Max-Age=60"), "{shop:?}");
    assert!(!shop[0].contains("Secure") && !shop[0].contains("HttpOnly"), "{shop:?}");
    let office = site.get("/admin", None).await;
    assert!(
        office.cookies()[0].starts_with("office=") && office.cookies()[0].contains("Secure"),
        "{office:?}"
    );
    assert!(
        office.cookies()[0].contains("Path=/admin") && office.cookies()[0].contains("Strict"),
        "{office:?}"
    );
    assert_eq!(office.text, "30");
}

/// Rocket's rule for what may be there once.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_fairings_of_one_name_the_last_counts() {
    let rocket = build()
        .attach(SessionFairing::connect("nosuch:"))
        .attach(SessionFairing::connect("memory:").cookie_name("last"))
        .mount("/", routes![count]);
    let first = serve(rocket).await.get("/", None).await;
    assert_eq!(first.cookies().len(), 1);
    assert!(first.cookies()[0].starts_with("last="));
}

/// For jobs that begin when the application does.
#[tokio::test]
async fn an_application_has_its_sessions() {
    let rocket = build().attach(SessionFairing::connect("memory:").cookie_name("shop"));
    assert!(SessionFairing::sessions(&rocket).is_none());
    let rocket = rocket.ignite().await.unwrap();
    assert_eq!(SessionFairing::sessions(&rocket).unwrap().settings().cookie_name(), "shop");
    assert!(SessionFairing::<Admin>::sessions(&rocket).is_none());
}
