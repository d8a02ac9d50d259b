//! A running Django and the service, on one table: what either does to a session holds at the other.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use example_testing::Server;
use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::{Client, StatusCode};
use session_core::testing::server;
use tempfile::TempDir;

/// One site for all of it: to start a Django takes seconds.
#[test]
fn django_and_the_service_share_their_sessions() {
    let Some(site) = Site::start() else { return };
    example_testing::run(async {
        who_signs_in_at_django_is_signed_in_at_the_service(&site).await;
        what_either_puts_into_the_cart_is_in_it_at_both(&site).await;
        who_signs_out_at_either_is_signed_out_at_both(&site).await;
        who_gets_a_new_password_at_django_is_signed_out_at_the_service(&site).await;
    });
}

async fn who_signs_in_at_django_is_signed_in_at_the_service(site: &Site) {
    let visitor = Visitor::new();
    visitor.post(&site.django, "/cart/add/pencil").await;
    let page = visitor.sign_in(&site.django).await;
    assert!(page.contains("ada's cart") && page.contains("pencil: 1"), "{page}");
    let page = visitor.get(&site.service, "/cart").await;
    assert!(page.contains("ada's cart") && page.contains("pencil: 1"), "{page}");
}

async fn what_either_puts_into_the_cart_is_in_it_at_both(site: &Site) {
    let visitor = Visitor::new();
    visitor.post(&site.service, "/cart/add/lamp").await;
    visitor.sign_in(&site.django).await;
    visitor.post(&site.django, "/cart/add/lamp").await;
    visitor.post(&site.service, "/cart/add/notebook").await;
    for place in [&site.django, &site.service] {
        let page = visitor.get(place, "/cart").await;
        assert!(page.contains("lamp: 2") && page.contains("notebook: 1"), "{page}");
    }
}

async fn who_signs_out_at_either_is_signed_out_at_both(site: &Site) {
    for place in [&site.django, &site.service] {
        let visitor = Visitor::new();
        visitor.sign_in(&site.django).await;
        let before = visitor.cookie("sessionid", place).unwrap();
        visitor.post(place, "/sign-out").await;
        // Nor does the cookie of before open anything: who has copied it is signed out as well.
        let copy = format!("sessionid={before}; Path=/");
        visitor.jar.add_cookie_str(&copy, &place.url("/").parse().unwrap());
        for place in [&site.django, &site.service] {
            let page = visitor.get(place, "/cart").await;
            assert!(page.contains("Your cart"), "{page}");
        }
    }
}

async fn who_gets_a_new_password_at_django_is_signed_out_at_the_service(site: &Site) {
    let visitor = Visitor::new();
    visitor.sign_in(&site.django).await;
    assert!(visitor.get(&site.service, "/cart").await.contains("ada's cart"));
    let change = "from django.contrib.auth.models import User; ada = User.objects.get(); \
                  ada.set_password('engine'); ada.save()";
    site.project.manage(&["shell", "-c", change]);
    assert!(visitor.get(&site.service, "/cart").await.contains("Your cart"));
}

/// Django with its project, and the service beside it.
struct Site {
    django: Server,
    service: Server,
    project: Project,
}

impl Site {
    /// `None` where there is no Django.
    fn start() -> Option<Self> {
        let project = Project::new(&server("django")?);
        project.manage(&["migrate"]);
        project.manage(&["loaddata", "ada"]);
        let runs = project.command(&["runserver", "--noreload", "127.0.0.1:0"]);
        let database = project.database();
        Some(Self {
            django: Server::run_until(runs, "Starting development server at "),
            service: Server::start(
                env!("CARGO_BIN_EXE_example-django"),
                &["--database", database.to_str().unwrap()],
            ),
            project,
        })
    }
}

/// The project, on a database of its own.
struct Project {
    python: String,
    folder: TempDir,
}

impl Project {
    fn new(python: &str) -> Self {
        Self { python: python.to_owned(), folder: tempfile::tempdir().unwrap() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    /// Of its `manage.py`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        // What it says is wanted at once, and no compiled files beside the source.
        command.args(["-u", "-B", "manage.py"]).args(arguments).env("DATABASE", self.database());
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("project"));
        command
    }

    fn manage(&self, arguments: &[&str]) {
        let status = self.command(arguments).arg("--verbosity=0").status().unwrap();
        assert!(status.success(), "manage.py {arguments:?}: {status}");
    }
}

/// Somebody with a browser, for which both are one host.
struct Visitor {
    http: Client,
    jar: Arc<Jar>,
}

impl Visitor {
    fn new() -> Self {
        let jar = Arc::new(Jar::default());
        Self { http: Client::builder().cookie_provider(Arc::clone(&jar)).build().unwrap(), jar }
    }

    /// As ada; the page that Django leads to.
    async fn sign_in(&self, django: &Server) -> String {
        self.send(django, "/sign-in", &[("username", "ada"), ("password", "analytical")]).await
    }

    async fn get(&self, server: &Server, path: &str) -> String {
        let response = self.http.get(server.url(path)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    async fn post(&self, server: &Server, path: &str) -> String {
        self.send(server, path, &[]).await
    }

    /// Sends a form, with the token against forgery that Django asks for, and gives the page to which that leads.
    async fn send(&self, server: &Server, path: &str, fields: &[(&str, &str)]) -> String {
        if self.cookie("csrftoken", server).is_none() {
            self.get(server, "/cart").await;
        }
        let token = self.cookie("csrftoken", server).unwrap_or_default();
        let fields = [fields, &[("csrfmiddlewaretoken", &*token)]].concat();
        let response = self.http.post(server.url(path)).form(&fields).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}, after its redirect");
        response.text().await.unwrap()
    }

    /// The value of a cookie that it would send.
    fn cookie(&self, name: &str, server: &Server) -> Option<String> {
        let cookies = self.jar.cookies(&server.url("/").parse().unwrap())?;
        let mut pairs = cookies.to_str().unwrap().split("; ").filter_map(|pair| pair.split_once('='));
        pairs.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
    }
}
