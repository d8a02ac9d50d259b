//! actix-web. Each middleware is a type of its own, and so is an application with it: hence a macro, which does the same with any.

pub(crate) mod ours;
#[cfg(feature = "peers")]
pub(crate) mod peer;

use actix_web::web::{self, ServiceConfig};

/// Evaluates `$body` with `$app`, a function that makes the application of a stack.
macro_rules! with_app {
    ($stack:expr, $store:expr, |$app:ident| $body:expr) => {{
        use $crate::servers::actix as servers;
        match $stack {
            $crate::stack::Stack::ActixOurs => {
                let sessions = servers::ours::sessions($store).await?;
                let $app =
                    move || actix_web::App::new().wrap(sessions.clone()).configure(servers::ours::routes);
                $body
            }
            #[cfg(feature = "peer-stores")]
            $crate::stack::Stack::ActixSession if $store.starts_with("redis:") => {
                let store = actix_session::storage::RedisSessionStore::new($store).await?;
                let $app = move || {
                    let sessions = servers::peer::sessions(store.clone());
                    actix_web::App::new().wrap(sessions).configure(servers::peer::routes)
                };
                $body
            }
            #[cfg(feature = "peers")]
            $crate::stack::Stack::ActixSession => {
                let $app = || {
                    let store = actix_session::storage::CookieSessionStore::default();
                    let sessions = servers::peer::sessions(store);
                    actix_web::App::new().wrap(sessions).configure(servers::peer::routes)
                };
                $body
            }
            $crate::stack::Stack::ActixNoop => {
                let $app = || {
                    use actix_web::dev::Service as _;
                    let app = actix_web::App::new().configure(servers::bare);
                    app.wrap_fn(|request, next| next.call(request))
                };
                $body
            }
            _ => {
                let $app = || actix_web::App::new().configure(servers::bare);
                $body
            }
        }
    }};
}
pub(crate) use with_app;

fn untouched(config: &mut ServiceConfig) -> &mut ServiceConfig {
    config.route("/untouched", web::get().to(async || "ok"))
}

pub(crate) fn bare(config: &mut ServiceConfig) {
    untouched(config)
        .route("/read", web::get().to(async || "0"))
        .route("/write", web::get().to(async || "1"))
        .route("/login", web::get().to(async || "ok"))
        .route("/logout", web::get().to(async || "ok"));
}
