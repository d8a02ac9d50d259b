//! The search for a serial order.
//!
//! From the beginning on, each step that may be the next is tried: none may pass over one that had ended before it began. Where
//! steps were placed and what the session is then has been tried once and is not tried again. Two things keep that small even
//! where 64 clients are at work: a step that only looks, and sees what is there, is placed at once, because it is in nobody's way;
//! and of steps that do the same and had the same answer the one that ended first is placed first, because they could change places.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::disorder::Disorder;
use super::specification::Session;
use super::step::{Answer, End, Operation, Secret, Step};

/// A session of at most so many steps is judged as a whole, a larger one key by key, and its life by itself.
const WHOLE: usize = 300;

/// How much is tried before it is given up: seconds, and some hundred megabytes.
const PATIENCE: usize = 500_000;

/// Judges one session's steps, which are in the order in which they were invoked.
pub(super) fn check(steps: &[Step]) -> Result<(), Disorder> {
    if steps.len() <= WHOLE {
        return judge(steps);
    }
    let keys: BTreeSet<_> =
        steps.iter().flat_map(|step| &step.operations).filter_map(Operation::key).collect();
    judge(&of_life(steps))?;
    keys.into_iter().try_for_each(|key| judge(&of_key(steps, key)))
}

/// What was done under one key. An order of everything is one of this too, so where there is none of this there is none at all.
fn of_key(steps: &[Step], key: &str) -> Vec<Step> {
    let touches =
        |step: &&Step| step.operations.iter().any(|operation| operation.key().is_none_or(|is| is == key));
    let steps = steps.iter().filter(touches);
    steps.map(|step| part(step, |operation| operation.key().is_none_or(|is| is == key))).collect()
}

/// What became of the session, whatever is in it.
fn of_life(steps: &[Step]) -> Vec<Step> {
    steps.iter().map(|step| part(step, |operation| operation.key().is_none())).collect()
}

/// The step with some of its operations, and what these have read.
fn part(step: &Step, keeps: impl Fn(&Operation) -> bool) -> Step {
    let mut part = step.clone();
    part.operations.retain(&keeps);
    if let End::Done(Answer::There { read, .. }) = &mut part.end {
        let reads = step.operations.iter().filter(|operation| matches!(operation, Operation::Read(_)));
        let mut kept = reads.map(keeps);
        read.retain(|_| kept.next().unwrap_or(false));
    }
    part
}

fn judge(steps: &[Step]) -> Result<(), Disorder> {
    match find_order(steps) {
        Found::Order => Ok(()),
        Found::None(_) => Err(smallest(steps)),
        Found::TooMuch => Err(Disorder::too_large(steps)),
    }
}

/// The shortest beginning that has no order, without the looks that it has none without.
fn smallest(steps: &[Step]) -> Disorder {
    let mut ends: Vec<_> = steps.iter().map(|step| step.ended).collect();
    ends.sort_unstable();
    let has_order = |end: &u64| matches!(find_order(&until(steps, *end)), Found::Order);
    let at = ends.partition_point(has_order).min(ends.len().saturating_sub(1));
    let mut left = until(steps, ends[at]);
    for at in (0..left.len()).rev() {
        if left.len() > WHOLE || !left[at].only_looks() {
            continue;
        }
        let looked = left.remove(at);
        if !matches!(find_order(&left), Found::None(_)) {
            left.insert(at, looked);
        }
    }
    match find_order(&left) {
        Found::None(furthest) => Disorder::stuck(&left, &furthest.placed(&left), &furthest.session),
        Found::Order | Found::TooMuch => Disorder::too_large(steps),
    }
}

/// What was known of the history at a moment.
fn until(steps: &[Step], moment: u64) -> Vec<Step> {
    steps.iter().filter(|step| step.invoked <= moment).map(|step| step.as_of(moment)).collect()
}

enum Found {
    Order,
    /// None; and as far as any order came.
    None(Rc<Place>),
    TooMuch,
}

fn find_order(steps: &[Step]) -> Found {
    let search = Search::new(steps);
    let mut tried = HashSet::new();
    let start = Rc::new(search.look(Place::default()));
    let mut furthest = Rc::clone(&start);
    let mut open = vec![start];
    while let Some(place) = open.pop() {
        if search.is_all(&place) {
            return Found::Order;
        }
        if tried.len() > PATIENCE {
            return Found::TooMuch;
        }
        if !tried.insert(Rc::clone(&place)) {
            continue;
        }
        if place.count() > furthest.count() {
            furthest = Rc::clone(&place);
        }
        // The last is tried first: of what has ended the first.
        open.extend(search.next(&place).into_iter().map(Rc::new));
    }
    Found::None(furthest)
}

/// Which steps are placed, and what the session is after them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Place {
    /// All known ones before this one are placed,
    first: usize,
    /// and these after it.
    beyond: BTreeSet<usize>,
    /// Of those whose outcome is not known, these.
    guessed: BTreeSet<usize>,
    session: Session,
}

impl Place {
    fn count(&self) -> usize {
        self.first + self.beyond.len()
    }

    fn has(&self, known: usize) -> bool {
        known < self.first || self.beyond.contains(&known)
    }

    fn put(&mut self, known: usize) {
        self.beyond.insert(known);
        while self.beyond.remove(&self.first) {
            self.first += 1;
        }
    }

    /// Which of the steps are placed.
    fn placed(&self, steps: &[Step]) -> Vec<bool> {
        let search = Search::new(steps);
        let mut placed = vec![false; steps.len()];
        for (number, entry) in search.known.iter().enumerate() {
            placed[entry.at] = self.has(number);
        }
        for (number, entry) in search.unknown.iter().enumerate() {
            placed[entry.at] = self.guessed.contains(&number);
        }
        placed
    }
}

struct Search<'a> {
    /// By the moment at which they were invoked.
    known: Vec<Entry<'a>>,
    unknown: Vec<Entry<'a>>,
}

struct Entry<'a> {
    step: &'a Step,
    /// Its place among the steps.
    at: usize,
    answer: Answer,
    /// Those of one kind do the same and have the same answer.
    kind: usize,
}

impl<'a> Search<'a> {
    fn new(steps: &'a [Step]) -> Self {
        let mut kinds: HashMap<(&[Operation], Option<Secret>, Answer), usize> = HashMap::new();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (at, step) in steps.iter().enumerate() {
            let Some(answer) = step.answer() else { continue };
            let count = kinds.len();
            let kind =
                *kinds.entry((step.operations.as_slice(), step.secret, answer.clone())).or_insert(count);
            let entry = Entry { step, at, answer, kind };
            if !step.is_unknown() {
                known.push(entry);
            } else if !step.only_looks() {
                unknown.push(entry);
            }
        }
        Self { known, unknown }
    }

    fn is_all(&self, place: &Place) -> bool {
        place.first == self.known.len()
    }

    /// The known steps of which each may be the next, and the first moment at which one of them ended.
    fn candidates(&self, place: &Place) -> (Vec<usize>, u64) {
        let (mut candidates, mut first_end) = (Vec::new(), u64::MAX);
        for number in place.first..self.known.len() {
            let step = self.known[number].step;
            if step.invoked > first_end {
                break;
            }
            if !place.has(number) {
                first_end = first_end.min(step.ended);
                candidates.push(number);
            }
        }
        (candidates, first_end)
    }

    /// Places all that only looks and sees what is there.
    fn look(&self, mut place: Place) -> Place {
        loop {
            let (candidates, _) = self.candidates(&place);
            let before = place.count();
            for number in candidates {
                let Entry { step, answer, .. } = &self.known[number];
                if step.only_looks() && !place.session.after(step, answer).is_empty() {
                    place.put(number);
                }
            }
            if place.count() == before {
                return place;
            }
        }
    }

    /// All that may come next, the likeliest last.
    fn next(&self, place: &Place) -> Vec<Place> {
        let (mut known, first_end) = self.candidates(place);
        known.retain(|number| !self.known[*number].step.only_looks());
        known.sort_by_key(|number| self.known[*number].step.ended);
        let mut kinds = HashSet::new();
        known.retain(|number| kinds.insert(self.known[*number].kind));
        let mut unknown: Vec<_> = (0..self.unknown.len())
            .take_while(|number| self.unknown[*number].step.invoked <= first_end)
            .filter(|number| !place.guessed.contains(number))
            .collect();
        unknown.retain(|number| kinds.insert(self.unknown[*number].kind));
        let mut next = Vec::new();
        for number in unknown.into_iter().rev() {
            for session in self.unknown[number].after(&place.session) {
                // What makes no difference need not be guessed.
                if session != place.session {
                    let mut guessed = place.guessed.clone();
                    guessed.insert(number);
                    next.push(self.look(Place { guessed, session, ..place.clone() }));
                }
            }
        }
        for number in known.into_iter().rev() {
            for session in self.known[number].after(&place.session) {
                let mut place = Place { session, ..place.clone() };
                place.put(number);
                next.push(self.look(place));
            }
        }
        next
    }
}

impl Entry<'_> {
    fn after(&self, session: &Session) -> Vec<Session> {
        session.after(self.step, &self.answer)
    }
}
