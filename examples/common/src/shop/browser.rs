//! A browser's name for people, out of what it calls itself.

/// The first that is found counts: browsers name others behind themselves, to be served what those are.
const BROWSERS: [(&str, &str); 4] =
    [("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];

/// In the same order.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// As in "Firefox on Linux"; of a browser that is not known, what it calls itself.
pub fn name(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ => user_agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn browsers_are_known_though_they_name_each_other() {
        for (text, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Linux; Android 10; K) Chrome/147.0 Mobile Safari/537.36", "Chrome on Android"),
            ("Mozilla/5.0 (Windows NT 10.0; x64) Chrome/147.0 Safari/537.36 Edg/147.0", "Edge on Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Safari/604.1", "Safari on iPhone"),
            ("curl/8.14.1", "curl/8.14.1"),
        ] {
            assert_eq!(name(text), expected);
        }
    }
}
