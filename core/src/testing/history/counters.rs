//! What can be judged without a search: bounds that every serial order keeps.

use std::collections::BTreeSet;

use super::disorder::Disorder;
use super::step::{Answer, End, Operation, Step};

/// Judges one session's steps, which are in the order in which they were invoked.
pub(super) fn check(steps: &[Step]) -> Result<(), Disorder> {
    the_ended_stay_ended(steps)?;
    let is_counted = |operation: &&Operation| matches!(operation, Operation::Increment(_));
    let is_written = |operation: &&Operation| matches!(operation, Operation::Set(..) | Operation::Remove(_));
    let of_all = steps.iter().flat_map(|step| &step.operations);
    let counted: BTreeSet<_> = of_all.filter(is_counted).filter_map(Operation::key).collect();
    // A session may begin with a 0.
    let later = steps.iter().filter(|step| !step.operations.contains(&Operation::Create));
    let written = later.flat_map(|step| &step.operations).filter(is_written).filter_map(Operation::key);
    let otherwise: BTreeSet<_> = written.collect();
    counted.difference(&otherwise).try_for_each(|key| counts(steps, key))
}

fn the_ended_stay_ended(steps: &[Step]) -> Result<(), Disorder> {
    let ends = |step: &&Step| {
        matches!(step.operations.as_slice(), [Operation::Flush | Operation::Revoke | Operation::Expire])
            && matches!(step.end, End::Done(Answer::There { .. }))
    };
    let Some(end) = steps.iter().filter(ends).min_by_key(|step| step.ended) else { return Ok(()) };
    let opens = |step: &&Step| {
        let is_there = matches!(step.end, End::Done(Answer::There { .. }));
        is_there && step.invoked > end.ended && step.operations.iter().all(|it| it.key().is_some())
    };
    match steps.iter().find(opens) {
        Some(late) => Err(Disorder::between(steps, "it was opened after its end", &[end, late])),
        None => Ok(()),
    }
}

/// A counter that is only incremented.
fn counts(steps: &[Step], key: &str) -> Result<(), Disorder> {
    let times = |step: &Step| {
        let mine = step.operations.iter().filter(|it| matches!(it, Operation::Increment(of) if of == key));
        mine.count()
    };
    let counted: Vec<_> =
        steps.iter().filter(|step| step.answer().is_some_and(|is| is != Answer::Gone)).collect();
    let mut begun: Vec<_> = counted.iter().flat_map(|step| vec![step.invoked; times(step)]).collect();
    let known = counted.iter().filter(|step| !step.is_unknown());
    let mut done: Vec<_> = known.flat_map(|step| vec![step.ended; times(step)]).collect();
    begun.sort_unstable();
    done.sort_unstable();

    let mut reads: Vec<_> = steps.iter().filter_map(|step| Some((step, found(step, key)?))).collect();
    reads.sort_by_key(|(step, _)| step.ended);
    for (step, found) in &reads {
        let least = done.partition_point(|ended| *ended < step.invoked);
        let most = begun.partition_point(|invoked| *invoked <= step.ended);
        if !(least..=most).contains(found) {
            let says = format!(
                "{found} is read of {key}, of which {least} were acknowledged before, and {most} begun by then"
            );
            return Err(Disorder::between(steps, &says, &[step]));
        }
    }
    never_less(steps, key, &reads)
}

/// What a reader found, a later one finds too. The reads are in the order in which they ended.
fn never_less(steps: &[Step], key: &str, reads: &[(&Step, usize)]) -> Result<(), Disorder> {
    let mut by_begin = reads.to_vec();
    by_begin.sort_by_key(|(step, _)| step.invoked);
    let mut ended = reads.iter().peekable();
    let mut most: Option<(&Step, usize)> = None;
    for (step, found) in by_begin {
        while let Some((earlier, more)) = ended.next_if(|(earlier, _)| earlier.ended < step.invoked) {
            if most.is_none_or(|(_, most)| *more > most) {
                most = Some((earlier, *more));
            }
        }
        if let Some((earlier, more)) = most.filter(|(_, more)| *more > found) {
            let says = format!("{found} is read of {key} after {more} was");
            return Err(Disorder::between(steps, &says, &[earlier, step]));
        }
    }
    Ok(())
}

/// What the step's read of the key found; nothing is 0. `None` where it has no such read, or one after a change of its own.
fn found(step: &Step, key: &str) -> Option<usize> {
    let End::Done(Answer::There { read, .. }) = &step.end else { return None };
    let only_reads = step.operations.iter().all(|operation| matches!(operation, Operation::Read(_)));
    let at = step.operations.iter().position(|it| matches!(it, Operation::Read(of) if of == key));
    let value = (*read.get(at.filter(|_| only_reads)?)?).unwrap_or_default();
    usize::try_from(value).ok()
}
