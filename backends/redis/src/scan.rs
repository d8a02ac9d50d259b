//! Walking over all keys of a server.

use redis::Value;

use crate::connection::RedisConnection;
use crate::error::Error;
use crate::link::Node;
use crate::prefix::KeyPrefix;
use crate::request::{Request, list, string};

/// How many keys Redis looks at in one step; it serves nobody else meanwhile, for about a third of a millisecond.
const STEP: i64 = 1000;

/// Looks at the next keys of a node. They may have been seen before; what was there all the time is seen once at least. Ends with
/// the place `0`, which is also where it begins.
pub(crate) async fn scan(
    connection: &RedisConnection,
    node: &Node,
    prefix: &KeyPrefix,
    place: &[u8],
) -> Result<(Vec<u8>, Vec<Vec<u8>>), Error> {
    let scan = Request::command("SCAN", place.to_vec());
    let scan = scan.bytes("MATCH").bytes(prefix.pattern()).bytes("COUNT").number(STEP);
    let answer = connection.ask_node(node, &[scan]).await?.pop().unwrap_or(Value::Nil);
    let (Some(keys), Some(next)) = ({
        let mut answer = list(answer)?;
        (answer.pop(), answer.pop())
    }) else {
        return Err(Error::Answer);
    };
    let next = string(next)?.ok_or(Error::Answer)?;
    let keys = list(keys)?.into_iter().filter_map(|key| string(key).transpose());
    Ok((next, keys.collect::<Result<_, _>>()?))
}

/// Where a walk begins and ends.
pub(crate) const EDGE: &[u8] = b"0";
