//! The pages of this folder and the README, of which `cargo test --doc -p session-docs` compiles each Rust block, and runs it unless it
//! needs a server. Blocks have no hidden lines: what a reader sees is all of it.

/// A module for each page.
#[cfg(doctest)]
macro_rules! pages {
    ($($name:ident: $path:literal),+ $(,)?) => {
        $(#[doc = include_str!($path)] pub mod $name {})+
    };
}

#[cfg(doctest)]
pages! {
    readme: "../README.md",
    index: "README.md",
    start_with_axum: "start-with-axum.md",
    start_with_actix: "start-with-actix-web.md",
    start_with_rocket: "start-with-rocket.md",
    choosing_a_store: "choosing-a-store.md",
    values: "carts-and-wizards.md",
    login: "login.md",
    concurrency: "concurrency.md",
    cookies: "cookies-and-proxies.md",
    production: "production.md",
    scaling_out: "scaling-out.md",
    cleaning_up: "cleaning-up.md",
    observing: "observing.md",
    at_night: "at-night.md",
    writing_a_store: "writing-a-store.md",
    from_django: "coming-from-django.md",
    with_django: "sharing-with-django.md",
    from_tower_sessions: "moving-from-tower-sessions.md",
    from_actix_session: "moving-from-actix-session.md",
    from_axum_session: "moving-from-axum-session.md",
    security: "security.md",
    reliability: "reliability.md",
    settings: "settings.md",
    stores: "stores.md",
    benchmarks: "benchmarks.md",
}
