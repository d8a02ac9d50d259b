//! `session revoke`: ends live sessions at once.

use clap::ArgGroup;
use serde_json::json;
use session_core::store::{Select, SessionStore as _};
use session_core::{Clock as _, SystemClock};

use crate::args::StoreArgs;
use crate::error::{Done, Failure};
use crate::human;
use crate::output::Output;
use crate::store::Store;

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true).args(["handle", "account"]))]
pub(crate) struct Args {
    /// The session's handle, as `session list` shows it
    #[arg(value_name = "HANDLE")]
    handle: Option<String>,
    /// All sessions of this account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// But this one
    #[arg(long, value_name = "HANDLE", requires = "account")]
    except: Option<String>,
}

pub(crate) async fn run(args: &Args, store: &StoreArgs, output: &Output) -> Result<Done, Failure> {
    let store = store.open_to_end().await?;
    let revoked = match (&args.handle, &args.account) {
        (Some(handle), _) => {
            let (key, _) = store.find(handle).await?;
            u64::from(store.sessions.revoke(&key).await?)
        }
        (None, Some(account)) => of_account(&store, account, args.except.as_deref()).await?,
        (None, None) => 0,
    };
    output.say(&json!({ "revoked": revoked }), || format!("{} ended", human::sessions(revoked)))?;
    Ok(Done::All)
}

async fn of_account(store: &Store, account: &str, except: Option<&str>) -> Result<u64, Failure> {
    let except = match except {
        Some(handle) => Some(store.find(handle).await?.0),
        None => None,
    };
    if store.any.capabilities().accounts {
        let now = SystemClock.now();
        let what = Select::Account { account, except: except.as_ref() };
        return Ok(store.any.remove(what, now).await?);
    }
    // Django's format has no index of accounts: all sessions are looked at.
    let others = store.sessions.cleanup().of_account(account);
    Ok(others.matching(|session| Some(session.handle()) != except).run().await?.removed)
}
