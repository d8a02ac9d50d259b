//! A history that has no serial order, so that a person can read why.

use std::fmt;

use super::specification::Session;
use super::step::{End, Step};

/// At most so many steps are shown.
const SHOWN: usize = 60;

/// What is wrong with a history.
#[derive(Clone, PartialEq, Eq)]
pub struct Disorder(String);

impl Disorder {
    /// The steps have no order: one that places as many as any leaves this session, and nothing else can be next.
    pub(super) fn stuck(steps: &[Step], placed: &[bool], session: &Session) -> Self {
        let says = format!(
            "they have no serial order. One that comes as far as any leaves the session `{session}`, and then none of the steps that \
             are marked with > can be next"
        );
        let is_open = |at: usize| !placed[at] && !steps[at].is_unknown();
        let from = (0..steps.len()).filter(|at| is_open(*at)).map(|at| steps[at].invoked).min().unwrap_or(0);
        Self::of(steps, &says, |at| steps[at].ended >= from, |at| !placed[at])
    }

    pub(super) fn too_large(steps: &[Step]) -> Self {
        const SAYS: &str = "they are too many at once to be judged: let fewer clients share a session and its keys, or \
                            judge their bounds alone (`judge_counters`)";
        Self::of(steps, SAYS, |_| true, |_| false)
    }

    /// These two cannot both be.
    pub(super) fn between(steps: &[Step], says: &str, wrong: &[&Step]) -> Self {
        let is_wrong = |at: usize| wrong.iter().any(|wrong| std::ptr::eq(*wrong, &raw const steps[at]));
        Self::of(steps, says, is_wrong, is_wrong)
    }

    fn of(steps: &[Step], says: &str, shown: impl Fn(usize) -> bool, marked: impl Fn(usize) -> bool) -> Self {
        let session = steps.first().map_or("", |step| &step.session);
        let moments = Moments::of(steps);
        let all: Vec<_> = (0..steps.len()).filter(|at| shown(*at)).collect();
        let mut lines = vec![format!("of session {session}: {says}")];
        if all.len() < steps.len() {
            lines.push(format!("  ... {} steps that are in nobody's way", steps.len() - all.len()));
        }
        for at in all.iter().take(SHOWN) {
            let mark = if marked(*at) { '>' } else { ' ' };
            lines.push(format!("{mark} {}", moments.line(&steps[*at])));
        }
        if all.len() > SHOWN {
            lines.push(format!("  ... {} more", all.len() - SHOWN));
        }
        Self(lines.join("\n"))
    }
}

impl fmt::Display for Disorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As a test that unwraps it shows it.
impl fmt::Debug for Disorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Disorder {}

/// The moments at which something began or ended, which are shown as their numbers.
struct Moments(Vec<u64>);

impl Moments {
    fn of(steps: &[Step]) -> Self {
        let mut moments: Vec<_> = steps.iter().flat_map(|step| [step.invoked, step.ended]).collect();
        moments.sort_unstable();
        moments.dedup();
        Self(moments)
    }

    fn number(&self, moment: u64) -> String {
        let number = self.0.partition_point(|known| *known < moment) + 1;
        if moment == u64::MAX { String::new() } else { number.to_string() }
    }

    /// `  3-5    ada (secret 12ab)    increment n: done`
    fn line(&self, step: &Step) -> String {
        let when = format!("{}-{}", self.number(step.invoked), self.number(step.ended));
        let who = step.secret.map_or_else(|| step.who.clone(), |secret| format!("{} ({secret})", step.who));
        let what: Vec<_> = step.operations.iter().map(ToString::to_string).collect();
        let end = match &step.end {
            End::Done(answer) => answer.to_string(),
            End::Failed => "failed".to_owned(),
            End::Unknown => "unknown".to_owned(),
        };
        format!("{when:<9} {who:<24} {}: {end}", what.join(", "))
    }
}
