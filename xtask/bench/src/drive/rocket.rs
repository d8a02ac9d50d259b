//! Rocket, by its local client.

use ::rocket::figment::Figment;
use ::rocket::http::{Cookie, Header};
use ::rocket::local::asynchronous::Client;

use super::{Args, cookie_of};
use crate::{Outcome, servers};

pub(super) fn run(args: &Args) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let rocket = servers::rocket::rocket(args.stack, &args.store, Figment::new()).await?;
        let client = Client::untracked(rocket).await.map_err(|error| error.to_string())?;
        let first = client.get("/write").dispatch().await;
        let cookie = cookie_of(first.headers().get_one("set-cookie"));
        drop(first);
        for (n, case) in args.requests() {
            let mut request = client.get(case.path());
            if case.has_cookie() {
                request.add_header(Header::new("cookie", cookie.clone()));
                // A server does this as it reads the header; the client leaves it to its user.
                request = request.cookie(Cookie::parse_encoded(cookie.clone())?);
            }
            let response = request.dispatch().await;
            if response.status().code != 200 {
                return Err(format!("{}: {}", case.path(), response.status()).into());
            }
            drop(response);
            args.answered(n);
        }
        Ok(())
    })
}
