//! Load by wrk: one thread, connections that always wait for an answer before they ask again, and the sessions in turn.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// What a run of wrk has seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) requests: u32,
    pub(crate) seconds: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Answers that were no success, and connections that broke.
    pub(crate) errors: u32,
}

/// Sends requests for so long, and no more than so many.
pub(crate) fn run(
    address: SocketAddr,
    path: &str,
    cookies: &[String],
    time: Duration,
) -> Result<Seen, Box<dyn std::error::Error>> {
    const CONNECTIONS: &str = "32";
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("requests.lua");
    std::fs::write(&file, script(path, cookies))?;
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", CONNECTIONS, "--timeout", "10s"])
        .args(["--duration", &format!("{}s", time.as_secs().max(1))])
        .arg("--script")
        .arg(&file)
        .arg(format!("http://{address}"))
        .output()
        .map_err(|error| format!("wrk cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("seen "));
    let line = line.ok_or_else(|| format!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    let numbers: Vec<u32> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, micros, p50, p99, errors] = numbers[..] else { return Err("wrk says less".into()) };
    let micro = |n: u32| Duration::from_micros(u64::from(n));
    let seconds = f64::from(micros) / 1e6;
    Ok(Seen { requests, seconds, p50: micro(p50), p99: micro(p99), errors })
}

/// The requests are made once, before the first is sent.
fn script(path: &str, cookies: &[String]) -> String {
    const MOST: u32 = 500_000;
    let mut script = String::from("local cookies = {\n");
    for cookie in cookies {
        let _ = writeln!(script, "  [[{cookie}]],");
    }
    let _ = write!(
        script,
        r#"}}
local requests, n = {{}}, 0
function init(args)
  for i, cookie in ipairs(cookies) do
    local headers = {{}}
    if cookie ~= "" then headers["Cookie"] = cookie end
    requests[i] = wrk.format("GET", "{path}", headers)
  end
end
function request()
  n = n + 1
  if n > {MOST} then wrk.thread:stop() end
  return requests[n % #requests + 1]
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("seen %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"#
    );
    script
}
