//! Data made smaller where that works.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::error::{Error, Result};

/// The first byte of compressed data.
pub(super) const FORM: u8 = 1;

/// Below this nothing is gained.
const WORTH_A_TRY: usize = 128;

/// The data compressed, if it is smaller then.
pub(super) fn smaller(data: Bytes) -> Bytes {
    if data.len() < WORTH_A_TRY {
        return data;
    }
    let mut encoder = DeflateEncoder::new(vec![FORM], Compression::fast());
    match encoder.write_all(&data).and_then(|()| encoder.finish()) {
        Ok(compressed) if compressed.len() < data.len() => compressed.into(),
        _ => data,
    }
}

/// What was compressed. More than `most` bytes are not inflated: a few bytes could fill the memory (T29).
pub(super) fn inflate(data: &[u8], most: usize) -> Result<Bytes> {
    let mut json = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = DeflateDecoder::new(data.get(1..).unwrap_or_default()).take(limit).read_to_end(&mut json);
    match read {
        Ok(_) if json.len() > most => {
            Err(Error::Undecodable(format!("more than {most} bytes when inflated")))
        }
        Ok(_) if json.first() == Some(&b'{') => Ok(json.into()),
        _ => Err(Error::Undecodable("damaged compressed data".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_data_is_read_back() {
        let json = Bytes::from(format!("{{\"text\":\"{}\"}}", "abc".repeat(100)));
        let small = smaller(json.clone());
        assert!(small.len() < 50 && small[0] == FORM);
        assert_eq!(inflate(&small, json.len()).unwrap(), json);
    }

    #[test]
    fn what_does_not_get_smaller_stays() {
        let short = Bytes::from_static(b"{\"a\":1}");
        assert_eq!(smaller(short.clone()), short);
        let noise: Vec<u8> = (0..64).flat_map(|_| crate::id::random_nonce().unwrap().to_be_bytes()).collect();
        assert_eq!(smaller(noise.clone().into()), noise);
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let bomb = smaller(Bytes::from(format!("{{\"text\":\"{}\"}}", "0".repeat(50 << 20))));
        assert!(bomb.len() < 1 << 18);
        assert!(matches!(inflate(&bomb, 1 << 20), Err(Error::Undecodable(_))));
    }

    #[test]
    fn damaged_data_is_an_error() {
        for data in [&[FORM][..], &[FORM, 0xFF, 0xFF], &[FORM, 3, 0]] {
            assert!(matches!(inflate(data, 1000), Err(Error::Undecodable(_))));
        }
    }
}
