//! Changed copies of inputs.

/// What means something to one reader or another.
const WORDS: [&[u8]; 28] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b";",
    b"=",
    b"\n",
    b"\0",
    b"%",
    b"@",
    b"/",
    b"-",
    b"_s_created",
    b"_session_expiry",
    b"_auth_user_id",
    b"sessionid=",
    b"null",
    b"1e308",
    b"9223372036854775807",
    b"\\ud800",
    b"\xFF\xFF\xFF\xFF",
    b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
    b"\xC3\xBC",
    b"hunter2",
];

/// Draws the same numbers from the same seed.
pub(crate) struct Draw(u64);

impl From<u64> for Draw {
    fn from(seed: u64) -> Self {
        Self(seed)
    }
}

impl Draw {
    /// The generator `SplitMix64`.
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Zero where nothing is below.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % end).unwrap_or_default()
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A copy of one of the seeds, with one change or a few.
pub(crate) fn changed(seeds: &[Vec<u8>], draw: &mut Draw) -> Vec<u8> {
    let mut input = draw.one_of(seeds).clone();
    for _ in 0..=draw.below(4) {
        change(&mut input, seeds, draw);
    }
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], draw: &mut Draw) {
    let at = draw.below(input.len() + 1);
    let part = at..at + draw.below((input.len() - at).min(32) + 1);
    match draw.below(7) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << draw.below(8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = draw.number().to_le_bytes()[0];
            }
        }
        2 => input.truncate(at),
        3 => drop(input.drain(part)),
        4 => {
            let copy = input[part].to_vec();
            input.splice(at..at, copy);
        }
        5 => {
            let word = *draw.one_of(&WORDS);
            input.splice(part, word.iter().copied());
        }
        _ => {
            // The end of another one.
            let other = draw.one_of(seeds);
            let from = draw.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}
