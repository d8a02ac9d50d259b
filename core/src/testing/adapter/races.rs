//! The races of the kit, through adapters.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{Jar, Request, Response};
use crate::any_store::AnyStore;
use crate::sessions::Sessions;
use crate::store::SessionStore;
use crate::testing::races::{Act, End, Pair, Scene, sessions_over};
use crate::testing::rounds;

/// How often each race is run; in a soak more often ([`rounds`]).
const ROUNDS: u32 = 4;
/// Requests at once.
const MANY: usize = 8;

/// Runs every race with its requests sent to several servers, which have their sessions in this store: in processes of their own,
/// each perhaps with another adapter, with default settings but for `save_every_request`. What is no request (a revocation, a purge) is
/// done here. `send` sends a request to the server of this number, which counts from 0.
///
/// # Panics
///
/// Where a race leaves what no order of its requests would.
pub async fn races<S: SessionStore>(
    store: S,
    servers: usize,
    send: impl AsyncFn(usize, Request) -> Response,
) {
    let store = AnyStore::new(store);
    let site = Site { sessions: sessions_over(&store), store, servers, send };
    for round in 0..rounds(ROUNDS) as usize {
        for pair in Pair::all(&site.store) {
            site.pair(pair, round).await;
        }
        site.no_key_is_lost().await;
        site.no_increment_is_lost().await;
        site.one_rotation_lives().await;
    }
}

struct Site<F> {
    store: AnyStore,
    sessions: Sessions,
    servers: usize,
    send: F,
}

impl<F: AsyncFn(usize, Request) -> Response> Site<F> {
    /// A browser with this cookie has the server of this number do one thing.
    async fn ops(&self, server: usize, cookie: &str, op: Value) -> (Jar, Response, Value) {
        let mut jar = Jar(Some(cookie.to_owned()));
        let send = async |request| (self.send)(server % self.servers, request).await;
        let (response, answer) = jar.ops(&send, 200, json!([op])).await;
        (jar, response, answer)
    }

    /// The same by many browsers at once, one after the other server.
    async fn at_once(&self, cookie: &str, op: impl Fn(usize) -> Value) -> Vec<(Jar, Response, Value)> {
        join_all((0..MANY).map(|number| self.ops(number, cookie, op(number)))).await
    }

    /// The value that a browser with this cookie finds under this key, on each server.
    async fn reads(&self, cookie: &str, key: &str) -> Vec<Value> {
        let ops = (0..self.servers).map(|server| self.ops(server, cookie, json!({"op": "get", "key": key})));
        let answers = join_all(ops).await;
        answers.into_iter().map(|(_, _, answer)| answer["results"][0]["ok"].clone()).collect()
    }

    async fn pair(&self, pair: Pair, round: usize) {
        let scene = Scene::set(&self.sessions).await;
        let [first, second] = pair.sides();
        let (first, second) =
            join(self.play(first, round, &scene), self.play(second, round + 1, &scene)).await;
        if pair == Pair::LogoutAndUse && first.is_ok() {
            let seen = self.reads(&scene.cookie, "n").await;
            assert!(seen.iter().all(Value::is_null), "{pair:?}: a server shows it still: {seen:?}");
        }
        pair.judge(&self.sessions, &scene, &[first, second]).await;
    }

    async fn play(&self, act: Act, server: usize, scene: &Scene) -> End {
        let op = match act {
            Act::Write => json!({"op": "set", "key": "late", "value": 1}),
            Act::Rotate => json!({"op": "cycle_key"}),
            Act::Flush => json!({"op": "flush"}),
            Act::Login => json!({"op": "login", "account": scene.account}),
            Act::Use => json!({"op": "get", "key": "n"}),
            Act::Revoke | Act::RevokeAccount | Act::Purge => {
                return act.play(&self.sessions, &self.store, scene).await;
            }
        };
        let (jar, response, answer) = self.ops(server, &scene.cookie, op).await;
        let code = answer["error"].as_str().unwrap_or("no code");
        let done = if response.status == 200 { "ok" } else { code };
        End { done: done.to_owned(), cookie: jar.0 }
    }

    async fn no_key_is_lost(&self) {
        let scene = Scene::set(&self.sessions).await;
        let set = |number| json!({"op": "set", "key": format!("key {number}"), "value": number});
        for (_, response, answer) in self.at_once(&scene.cookie, set).await {
            assert_eq!(response.status, 200, "{answer}");
        }
        let (_, _, answer) = self.ops(0, &scene.cookie, json!({"op": "keys"})).await;
        let keys = answer["results"][0]["ok"].as_array().map(Vec::len);
        assert_eq!(keys, Some(MANY + 1), "writers of different keys lose none: {answer}");
    }

    async fn no_increment_is_lost(&self) {
        let scene = Scene::set(&self.sessions).await;
        for (_, response, answer) in
            self.at_once(&scene.cookie, |_| json!({"op": "increment", "key": "n"})).await
        {
            assert_eq!(response.status, 200, "{answer}");
        }
        assert_eq!(self.reads(&scene.cookie, "n").await, vec![json!(MANY); self.servers]);
    }

    async fn one_rotation_lives(&self) {
        let scene = Scene::set(&self.sessions).await;
        let rotated = self.at_once(&scene.cookie, |_| json!({"op": "cycle_key"})).await;
        let done = rotated.iter().filter(|(_, response, _)| response.status == 200).count();
        assert_eq!(done, 1, "of many rotations at once one is done");
        let mut alive = 0;
        for (jar, ..) in &rotated {
            let Some(cookie) = &jar.0 else { continue };
            alive += usize::from(self.reads(cookie, "n").await == vec![json!(0); self.servers]);
        }
        assert_eq!(alive, 1, "and its token alone opens the session");
    }
}
