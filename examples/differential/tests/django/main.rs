//! The playground answers as a Django 5.2 does that serves the same contract. Where it does not, [`allowed`] says why.

mod allowed;

use allowed::List;
use example_differential::{Audience, Contest, Difference, Exchange, Peer, count, django, playground};
use example_testing::Server;
use serde_json::{Value, json};

const SECRET_KEY: &str = "a-secret-key-that-both-sides-have-0123456789";

#[test]
fn it_answers_as_django_does_in_django_s_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let ours = format!("sqlite:{}", folder.path().join("ours.db").display());
    agrees("format", in_a_table(&folder), &["--format", "django", "--store", &ours]);
}

#[test]
fn it_answers_as_django_does_in_its_own_format() {
    let folder = tempfile::tempdir().expect("a folder");
    agrees("native", in_a_table(&folder), &["--store", "memory:"]);
}

#[test]
fn it_answers_as_django_does_in_signed_cookies() {
    let cookies = json!({"engine": "signed_cookies"});
    agrees("cookies", cookies, &["--format", "django", "--store", "cookie:"]);
}

fn in_a_table(folder: &tempfile::TempDir) -> Value {
    json!({"engine": "db", "database": folder.path().join("django.db").display().to_string()})
}

/// Compares a Django with these settings to `playground-axum` with these flags.
fn agrees(name: &'static str, mut theirs: Value, flags: &[&str]) {
    theirs["secret_key"] = json!(SECRET_KEY);
    let Some(django) = django(&theirs) else { return };
    let ours = Server::start(&playground("axum"), &[flags, &["--secret-key", SECRET_KEY]].concat());
    let contest = Contest::new(Audience::Django, vec![Peer::new("django", django), Peer::new(name, ours)]);
    let contest = if name == "cookies" { contest.with_sealed_cookies() } else { contest };
    let list = List::new();
    let judge = |exchange: &Exchange<'_>, differences: &[Difference]| list.judge(exchange, differences);
    example_testing::run(contest.run(count(200, 5_000), &judge));
    list.report();
}
