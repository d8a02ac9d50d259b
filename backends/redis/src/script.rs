//! What runs in Redis: each verb that writes is one script, and so one step.
//!
//! Where a script names two keys, they are on one server; in a cluster, where they may not be, it is given one, and
//! [`Scripts::index`] runs beside it. Every script is given the time; the engine's own clock only collects what has long expired.
//!
//! Nothing here is newer than Redis 5: the scripts need no flags, no functions, and no option of a command that came later.

use std::sync::LazyLock;

use redis::Cmd;

use crate::request::Twice;

/// What every script begins with.
///
/// `form` reads the head of a record: `absent`, `other` for what is no record, `dead`, or `live`. A version is compared as bytes.
/// A moment in milliseconds fits in Lua's numbers for 285,000 years to come.
///
/// A script reads first, so that what is of the wrong type ends it before it has written. Then it writes what needs room, and only
/// then the rest: Redis looks whether there is room at a script's first write, and lets it go on after that.
const COMMON: &str = r"
local now = tonumber(ARGV[1])
local function form(key, head, now)
  if head == '' then return redis.call('EXISTS', key) == 1 and 'other' or 'absent' end
  if #head < 28 or string.sub(head, 1, 4) ~= 'ses1' then return 'other' end
  return (struct.unpack('>i8', head, 21)) > now and 'live' or 'dead'
end
local function version(head) return string.sub(head, 5, 20) end
local function account(key, head)
  local length = struct.unpack('>I4', head, 78)
  if length == 4294967295 then return false end
  if length == 0 then return '' end
  return redis.call('GETRANGE', key, 81, 80 + length)
end
local function score(key, member) return key and redis.call('ZSCORE', key, member) end
local function index(key, score, trim, member, deadline, keep)
  if not key then return end
  if not score or tonumber(score) < tonumber(deadline) then redis.call('ZADD', key, deadline, member) end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', trim)
  if redis.call('PTTL', key) < tonumber(keep) then redis.call('PEXPIRE', key, keep) end
end
";

/// Takes now, keep, the record; and for the index trim, member, deadline. 1: stored. 0: there is another.
const INSERT: &str = r"
local head = redis.call('GETRANGE', KEYS[1], 0, 27)
local form = form(KEYS[1], head, now)
local mine = form == 'live' and version(head) == version(ARGV[3])
if form == 'other' or form == 'live' and not mine then return 0 end
local score = score(KEYS[2], ARGV[5])
if not mine then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2]) end
index(KEYS[2], score, ARGV[4], ARGV[5], ARGV[6], ARGV[2])
return 1
";

/// Takes now, keep, the record, the version that was; and for the index trim, member, deadline. 1: stored, by this or by an
/// earlier try whose answer was lost. 0: there is none. A string: what is there.
const REPLACE: &str = r"
local head = redis.call('GETRANGE', KEYS[1], 0, 27)
local form = form(KEYS[1], head, now)
if form == 'absent' or form == 'dead' then return 0 end
if form == 'other' then return redis.call('GET', KEYS[1]) end
local mine = version(head) == version(ARGV[3])
if version(head) ~= ARGV[4] and not mine then return redis.call('GET', KEYS[1]) end
local score = score(KEYS[2], ARGV[6])
if not mine then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2]) end
index(KEYS[2], score, ARGV[5], ARGV[6], ARGV[7], ARGV[2])
return 1
";

/// Takes now, keep, the version that was, the deadline and the last use as bytes; and for the index trim, member, deadline.
/// 1: moved. 0: there is none of this version. -1: what is there is no record.
const TOUCH: &str = r"
local head = redis.call('GETRANGE', KEYS[1], 0, 27)
local form = form(KEYS[1], head, now)
if form == 'other' then return -1 end
if form ~= 'live' or version(head) ~= ARGV[3] then return 0 end
local score = score(KEYS[2], ARGV[6])
redis.call('SETRANGE', KEYS[1], 20, ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
index(KEYS[2], score, ARGV[5], ARGV[6], ARGV[7], ARGV[2])
return 1
";

/// Takes now, a condition, and what it is about: `secret` and a hash, `account` and a name, or `none`. A list with the account or
/// nothing: removed. 0: there is none that fits. -1: what is there is no record.
const REMOVE: &str = r"
local head = redis.call('GETRANGE', KEYS[1], 0, 80)
local form = form(KEYS[1], head, now)
if form == 'other' or form == 'live' and #head < 81 then return -1 end
if form ~= 'live' then return 0 end
if ARGV[2] == 'secret' and (string.byte(head, 45) ~= 1 or string.sub(head, 46, 77) ~= ARGV[3]) then return 0 end
local account = account(KEYS[1], head)
if ARGV[2] == 'account' and account ~= ARGV[3] then return 0 end
redis.call('DEL', KEYS[1])
return {account}
";

/// Takes now. 1: it had expired, and is removed.
const BURY: &str = r"
local head = redis.call('GETRANGE', KEYS[1], 0, 27)
if form(KEYS[1], head, now) ~= 'dead' then return 0 end
redis.call('DEL', KEYS[1])
return 1
";

/// Takes now, keep, trim, member, deadline, for the index of an account alone.
const INDEX: &str = r"
index(KEYS[1], score(KEYS[1], ARGV[4]), ARGV[3], ARGV[4], ARGV[5], ARGV[2])
return 1
";

/// Takes now, the account, and the members of its index, whose records are the further keys. Those that are not its live
/// records leave the index. In one step with the look at the records, so that a login cannot come between.
const FORGET: &str = r"
for i = 2, #KEYS do
  local head = redis.call('GETRANGE', KEYS[i], 0, 80)
  local form = form(KEYS[i], head, now)
  if form == 'absent' or form == 'live' and #head == 81 and account(KEYS[i], head) ~= ARGV[2] then
    redis.call('ZREM', KEYS[1], ARGV[i + 1])
  end
end
return 1
";

/// Takes nothing but the time. A write that changes nothing, so that waiting for it is waiting for all that came before. What is
/// absent is written and removed: a removal of nothing is not sent to replicas.
const CONFIRM: &str = r"
local left = redis.call('PTTL', KEYS[1])
if left > 0 then
  redis.call('PEXPIRE', KEYS[1], left)
elseif left == -2 then
  redis.call('SET', KEYS[1], '')
  redis.call('DEL', KEYS[1])
end
return 1
";

/// Of the cache. Takes now, keep, the copy. 1: put. 0: a tombstone or a later version is there. -1: what is there is no copy.
const PUT: &str = r"
local head = redis.call('GETRANGE', KEYS[1], 0, 31)
if head ~= '' then
  local form = string.sub(head, 1, 4)
  if #head < 12 or form ~= 'cpy1' and form ~= 'end1' then return -1 end
  if (struct.unpack('>i8', head, 5)) > now then
    if form == 'end1' then return 0 end
    if #head < 32 then return -1 end
    local there, here = struct.unpack('>I4', head, 25), struct.unpack('>I4', ARGV[3], 25)
    if there == here then there, here = struct.unpack('>I4', head, 29), struct.unpack('>I4', ARGV[3], 29) end
    if there > here then return 0 end
  end
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  return -1
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 1
";

/// A script, and the name by which Redis knows it once it has run it.
#[derive(Debug)]
pub(crate) struct Script {
    text: String,
    hash: String,
    pub(crate) twice: Twice,
}

impl Script {
    fn new(body: &str) -> Self {
        let text = format!("{COMMON}{body}");
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash, twice: Twice::Harmless }
    }

    fn not_twice(body: &str) -> Self {
        Self { twice: Twice::Never, ..Self::new(body) }
    }

    /// By its name, which Redis may not know: then [`by_text`](Self::by_text), and it knows it from then on.
    pub(crate) fn by_hash(&self) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash);
        command
    }

    pub(crate) fn by_text(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(&self.text);
        command
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) insert: Script,
    pub(crate) replace: Script,
    pub(crate) touch: Script,
    pub(crate) remove: Script,
    pub(crate) bury: Script,
    pub(crate) index: Script,
    pub(crate) forget: Script,
    pub(crate) confirm: Script,
    pub(crate) put: Script,
}

pub(crate) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    insert: Script::new(INSERT),
    replace: Script::not_twice(REPLACE),
    touch: Script::new(TOUCH),
    remove: Script::new(REMOVE),
    bury: Script::new(BURY),
    index: Script::new(INDEX),
    forget: Script::new(FORGET),
    confirm: Script::new(CONFIRM),
    put: Script::new(PUT),
});

#[cfg(test)]
mod tests {
    use crate::layout::{DEADLINE, FORM, HEAD};

    use super::*;

    /// The scripts count from one, and have the places in figures.
    #[test]
    fn the_scripts_know_where_things_stand() {
        assert!(COMMON.contains(&format!("#head < {HEAD} or string.sub(head, 1, {})", FORM.len())));
        assert!(COMMON.contains(std::str::from_utf8(FORM).unwrap()));
        assert!(COMMON.contains(&format!("head, {}))", DEADLINE + 1)));
        assert!(TOUCH.contains(&format!("'SETRANGE', KEYS[1], {DEADLINE},")));
    }
}
