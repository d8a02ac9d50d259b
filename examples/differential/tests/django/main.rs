//! The playground answers as a Django 5.2 does that serves the same contract. Where it does not, [`allowed`] says why.

mod allowed;

use allowed::List;
use example_differential::{Audience, Contest, Difference, Exchange, Peer, count, django, playground};
use example_testing::Server;
use serde_json::{Value, json};

const SECRET_KEY: &str = "a-secret-key-that-both-sides-have-0123456789";

#[test]
fn it_answers_as_django_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let database = |name: &str| json!({"engine": "db", "database": file(name)});
    let list = List::new();
    let ours = format!("sqlite:{}", file("ours.db"));
    agrees(&list, "format", database("1.db"), &["--format", "django", "--store", &ours]);
    agrees(&list, "native", database("2.db"), &["--store", "memory:"]);
    let cookies = json!({"engine": "signed_cookies"});
    agrees(&list, "cookies", cookies, &["--format", "django", "--store", "cookie:"]);
    list.report();
}

/// Compares a Django with these settings to `playground-axum` with these flags.
fn agrees(list: &List, name: &'static str, mut theirs: Value, flags: &[&str]) {
    theirs["secret_key"] = json!(SECRET_KEY);
    let Some(django) = django(&theirs) else { return };
    let ours = Server::start(&playground("axum"), &[flags, &["--secret-key", SECRET_KEY]].concat());
    let contest = Contest::new(Audience::Django, vec![Peer::new("django", django), Peer::new(name, ours)]);
    let contest = if name == "cookies" { contest.with_sealed_cookies() } else { contest };
    let judge = |exchange: &Exchange<'_>, differences: &[Difference]| list.judge(exchange, differences);
    example_testing::run(contest.run(count(200, 5_000), &judge));
}
