//! The headers of a response, as a handler left them: a line each, `V`, `C` or `S` for `Vary`, `Cache-Control` and `Set-Cookie`, then
//! the value. A session's are merged with them.

use std::borrow::Cow;
use std::sync::OnceLock;

use session_backends::memory::MemoryStore;
use session_core::{HeaderName, ResponseHeaders, SessionHeaders, Sessions, carry_over};

use crate::visits::{settings, wait};

pub(crate) fn run(input: &[u8]) {
    let theirs = Headers::read(input);
    let mut merged = theirs.clone();
    session_headers().apply(&mut merged);
    assert!(merged.list(HeaderName::Vary).iter().any(|name| name == "*" || name == "cookie"));
    let control = merged.list(HeaderName::CacheControl);
    assert!(control.iter().any(|directive| directive == "private"));
    assert_eq!(merged.count(HeaderName::SetCookie), theirs.count(HeaderName::SetCookie) + 1);

    // Where a string is begun and not ended, nobody can say what is a directive.
    if !input.contains(&b'"') {
        let shared = |directive: &String| {
            let name = directive.split('=').next().unwrap_or_default().trim();
            name == "public" || name == "s-maxage"
        };
        assert!(!control.iter().any(shared), "{control:?}");
        let mut again = merged.clone();
        session_headers().apply(&mut again);
        for name in [HeaderName::Vary, HeaderName::CacheControl] {
            assert_eq!(again.list(name), merged.list(name), "what is there is not added again");
        }
    }

    // An error takes the place of the response.
    let mut error = Headers::default();
    carry_over(&merged, &mut error);
    assert_eq!(error.count(HeaderName::SetCookie), merged.count(HeaderName::SetCookie));
    assert!(error.list(HeaderName::Vary).iter().any(|name| name == "*" || name == "cookie"));
    carry_over(&merged, &mut merged.clone());
}

/// Those of a response that sets the session's cookie.
fn session_headers() -> SessionHeaders {
    static HEADERS: OnceLock<SessionHeaders> = OnceLock::new();
    let make = || {
        let sessions = Sessions::new(MemoryStore::new(), settings()).expect("the default settings");
        wait(async {
            let pending = sessions.begin([]);
            pending.open().await.and_then(|session| session.insert("n", 1)).expect("a new session");
            sessions.finish(pending, 200).await.headers
        })
    };
    HEADERS.get_or_init(make).clone()
}

#[derive(Clone, Debug, Default)]
struct Headers(Vec<(HeaderName, Vec<u8>)>);

impl Headers {
    fn read(input: &[u8]) -> Self {
        let header = |line: &[u8]| {
            let (name, value) = line.split_first()?;
            let name = match name {
                b'V' => HeaderName::Vary,
                b'C' => HeaderName::CacheControl,
                b'S' => HeaderName::SetCookie,
                _ => return None,
            };
            Some((name, value.to_vec()))
        };
        Self(input.split(|byte| *byte == b'\n').filter_map(header).collect())
    }

    fn count(&self, name: HeaderName) -> usize {
        self.0.iter().filter(|(there, _)| *there == name).count()
    }

    /// As a reader splits them who knows no quotes, in lower case.
    fn list(&self, name: HeaderName) -> Vec<String> {
        let of_name = self.0.iter().filter(|(there, _)| *there == name);
        let texts = of_name.map(|(_, value)| String::from_utf8_lossy(value).to_lowercase());
        texts
            .flat_map(|text| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>())
            .collect()
    }
}

impl ResponseHeaders for Headers {
    fn each(&self, name: HeaderName, each: &mut dyn FnMut(&[u8])) {
        self.0.iter().filter(|(there, _)| *there == name).for_each(|(_, value)| each(value));
    }

    fn set_new(&mut self, name: HeaderName, value: &'static str) -> bool {
        let is_new = self.count(name) == 0;
        if is_new {
            self.append(name, value.into());
        }
        is_new
    }

    fn set(&mut self, name: HeaderName, value: Cow<'static, str>) {
        self.0.retain(|(there, _)| *there != name);
        self.append(name, value);
    }

    fn append(&mut self, name: HeaderName, value: Cow<'static, str>) {
        self.0.push((name, value.into_owned().into()));
    }
}

pub(crate) fn hostile() -> Vec<Vec<u8>> {
    vec![
        format!("C{}", "public,".repeat(50_000)).into(),
        format!("V{}", ",".repeat(1 << 20)).into(),
        format!("C{}", "\\\"".repeat(1 << 19)).into(),
        (0..3_000).flat_map(|n| format!("Vx{n}\n").into_bytes()).collect(),
    ]
}
