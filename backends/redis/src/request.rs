//! What is asked of Redis.

use redis::{Cmd, ServerErrorKind, Value};

use crate::error::Error;
use crate::script::Script;

/// One command: a script, or one of Redis's own.
#[derive(Debug)]
pub(crate) struct Request {
    what: What,
    /// The first one decides where in a cluster it is sent.
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum What {
    Command(&'static str),
    Script(&'static Script),
}

/// What is to be done where a connection breaks before the answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// To do it twice is to do it once: it is sent again. A removal counts as none the second time.
    Harmless,
    /// Others may have written since, and a second one would answer that it was never done.
    Never,
}

impl Request {
    pub(crate) fn command(name: &'static str, key: Vec<u8>) -> Self {
        Self { what: What::Command(name), keys: vec![key], arguments: Vec::new() }
    }

    pub(crate) fn script(script: &'static Script, key: Vec<u8>) -> Self {
        Self { what: What::Script(script), keys: vec![key], arguments: Vec::new() }
    }

    /// A further key of a script. In a cluster there must be none.
    pub(crate) fn key(mut self, key: Vec<u8>) -> Self {
        self.keys.push(key);
        self
    }

    pub(crate) fn bytes(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn number(self, argument: i64) -> Self {
        self.bytes(argument.to_string())
    }

    /// Whether it may be sent again where its answer was lost.
    pub(crate) fn twice(&self) -> Twice {
        match self.what {
            What::Command(_) => Twice::Harmless,
            What::Script(script) => script.twice,
        }
    }

    /// Where it belongs.
    pub(crate) fn place(&self) -> &[u8] {
        &self.keys[0]
    }

    /// As it is sent first: a script by its name.
    pub(crate) fn to_command(&self) -> Cmd {
        match self.what {
            What::Command(name) => self.complete(redis::cmd(name)),
            What::Script(script) => self.complete_script(script.by_hash()),
        }
    }

    /// As it is sent when Redis did not know the script: after a restart, a failover, or the first time.
    pub(crate) fn to_command_in_full(&self) -> Cmd {
        match self.what {
            What::Command(_) => self.to_command(),
            What::Script(script) => self.complete_script(script.by_text()),
        }
    }

    fn complete_script(&self, mut command: Cmd) -> Cmd {
        command.arg(self.keys.len());
        self.complete(command)
    }

    fn complete(&self, mut command: Cmd) -> Cmd {
        self.keys.iter().chain(&self.arguments).for_each(|part| {
            command.arg(part.as_slice());
        });
        command
    }
}

/// Whether the server does not know a script by its name.
pub(crate) fn is_unknown_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// An answer, unless it is an error.
pub(crate) fn answer(value: Value) -> Result<Value, Error> {
    value.extract_error().map_err(Error::from)
}

/// The answers that the verbs expect. Values of other kinds are not shown in errors: they may be anybody's data.
pub(crate) fn integer(answer: &Value) -> Result<i64, Error> {
    match answer {
        Value::Int(number) => Ok(*number),
        _ => Err(Error::Answer),
    }
}

pub(crate) fn list(answer: Value) -> Result<Vec<Value>, Error> {
    match answer {
        Value::Array(items) | Value::Set(items) => Ok(items),
        Value::Nil => Ok(Vec::new()),
        _ => Err(Error::Answer),
    }
}

pub(crate) fn string(answer: Value) -> Result<Option<Vec<u8>>, Error> {
    match answer {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::SimpleString(text) => Ok(Some(text.into_bytes())),
        Value::Nil => Ok(None),
        _ => Err(Error::Answer),
    }
}
