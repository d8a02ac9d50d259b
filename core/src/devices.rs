//! All the sessions of an account: its devices.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::RecordKey;
use crate::record::Record;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::settings::OnSessionLimit;
use crate::store::{Cursor, Filter, Select};
use crate::watched::Watched;

/// How many sessions a listing asks for at a time.
pub(crate) const PAGE: NonZeroU32 = NonZeroU32::new(500).unwrap();

/// A session in a list of an account's devices.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its public handle, for [`Session::revoke`].
    pub handle: RecordKey,
    /// When it began.
    pub created: Time,
    /// When it was last written, or used where use counts.
    pub last_active: Time,
    /// When it ends if it is not used again.
    pub expires: Time,
    /// Whether it is the session that asks.
    pub current: bool,
    /// What the application noted about it.
    pub meta: BTreeMap<String, String>,
}

impl SessionInfo {
    fn new(handle: RecordKey, record: Record) -> Self {
        Self {
            handle,
            created: record.created_at,
            last_active: record.last_active,
            expires: record.expires_at,
            current: false,
            meta: record.details.meta.into(),
        }
    }
}

/// # Other sessions of the same account
impl Session {
    /// The live sessions of this session's account, the latest used first; none where nobody is signed in. This one is among them
    /// once it is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the store does not know accounts ([`Capabilities`](crate::store::Capabilities)), as a cookie
    /// or Django's table; [`Error::Store`].
    ///
    /// ```
    /// # async fn f(session: session_core::Session) -> session_core::Result<()> {
    /// for device in session.sessions().await? {
    ///     let name = device.meta.get("device").map_or("unknown", String::as_str);
    ///     println!("{name}, {}{}", device.last_active.to_datetime(), if device.current { " (this one)" } else { "" });
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>> {
        let Some(account) = self.account() else { return Ok(Vec::new()) };
        let mut infos = self.0.sessions.sessions_of(&account).await?;
        let own = self.session_key();
        infos.iter_mut().for_each(|info| info.current = Some(info.handle) == own);
        Ok(infos)
    }

    /// Ends one session of this session's account; whether it was there. A handle of somebody else's session is `false`: handles are
    /// public, so they give no right. Its own handle is a [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where sessions live in cookies; [`Error::Store`].
    pub async fn revoke(&self, handle: &RecordKey) -> Result<bool> {
        if self.session_key() == Some(*handle) {
            let was_stored = self.0.lock().base.is_some();
            self.flush().await?;
            return Ok(was_stored);
        }
        let sessions = &self.0.sessions;
        let store = sessions.store("revoke a session")?;
        let Some(account) = self.account() else { return Ok(false) };
        let now = self.0.now();
        // A copy may be of before the login.
        match store.reload(handle, now).await? {
            Some(record) if record.account.as_ref() == Some(&account) => sessions.revoke(handle).await,
            _ => Ok(false),
        }
    }

    /// Ends all other sessions of this session's account, and says how many: "log out my other devices". 0 where nobody is signed in.
    /// Their next request has no session, and a request of theirs that is on its way cannot save.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the store does not know accounts; [`Error::Store`].
    ///
    /// ```
    /// # async fn f(session: session_core::Session) -> session_core::Result<()> {
    /// let ended = session.revoke_others().await?;
    /// println!("signed out on {ended} other devices");
    /// # Ok(()) }
    /// ```
    pub async fn revoke_others(&self) -> Result<u64> {
        let Some(account) = self.account() else { return Ok(0) };
        self.0.sessions.remove_of(&account, self.session_key().as_ref()).await
    }
}

impl Sessions {
    /// The live sessions of an account, the latest used first; an empty list where it has none, or where there is no such account.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the store does not know accounts; [`Error::Store`].
    pub async fn sessions_of(&self, account: &str) -> Result<Vec<SessionInfo>> {
        let found = all_of(self.account_store()?, account, self.settings().clock.now()).await?;
        let mut infos: Vec<_> =
            found.into_iter().map(|(handle, record)| SessionInfo::new(handle, record)).collect();
        infos.sort_by_key(|info| Reverse((info.last_active, info.created)));
        Ok(infos)
    }

    /// Whether one more session of this account is allowed, where a login over the limit is refused.
    pub(crate) async fn check_room_for(&self, account: &str, own: Option<&RecordKey>) -> Result<()> {
        let Some(limit) = self.refuses_over() else { return Ok(()) };
        let others = all_of(self.account_store()?, account, self.settings().clock.now()).await?;
        let others = others.iter().filter(|(key, _)| Some(key) != own).count();
        if others >= limit.get() as usize { Err(Error::SessionLimit { limit: limit.get() }) } else { Ok(()) }
    }

    fn refuses_over(&self) -> Option<NonZeroU32> {
        let settings = self.settings();
        settings.max_sessions.filter(|_| settings.on_session_limit == OnSessionLimit::Refuse)
    }

    /// After a login: sees to it that the account has no more sessions than it may. Of logins at the same moment each sees the others,
    /// or the last one does: all rank them in the same order, so that as many stay as may. Where a login over the limit is refused, of
    /// several at once none may be let in.
    pub(crate) async fn enforce_limit(
        &self,
        store: &Watched,
        account: &str,
        own: &RecordKey,
        now: Time,
    ) -> Result<()> {
        let Some(limit) = self.settings().max_sessions.filter(|_| store.capabilities().accounts) else {
            return Ok(());
        };
        let mut all = match all_of(store, account, now).await {
            Ok(all) => all,
            // The login is done; where the store fails now, the next login ends what is too many.
            Err(_) if self.refuses_over().is_none() => return Ok(()),
            Err(error) => return Err(error),
        };
        let limit_of_all = limit.get() as usize;
        if all.len() <= limit_of_all {
            return Ok(());
        }
        if self.refuses_over().is_some() {
            store.remove(Select::One(own), now).await?;
            return Err(Error::SessionLimit { limit: limit.get() });
        }
        all.sort_by_key(|(key, record)| Reverse((rank(record, now), *key)));
        let mut count = 0;
        for (key, _) in &all[limit_of_all..] {
            count += store.remove(Select::One(key), now).await.unwrap_or(0);
        }
        self.revoked(count);
        Ok(())
    }
}

/// Who stays before others: logins of this moment, the latest first, then what was used last. Between logins of one moment the time
/// of the login decides, which is the same for all who look.
fn rank(record: &Record, now: Time) -> (bool, Time, Time) {
    const MOMENT: Duration = Duration::from_secs(10);
    match record.details.authenticated_at {
        Some(at) if at + MOMENT > now => (true, at, record.created_at),
        _ => (false, record.last_active, record.created_at),
    }
}

/// Each once: one that moves from a store to another may be listed by both, and the later one is the one that counts.
async fn all_of(store: &Watched, account: &str, now: Time) -> Result<Vec<(RecordKey, Record)>> {
    let (mut all, mut after) = (BTreeMap::<RecordKey, Record>::new(), None::<Cursor>);
    loop {
        let page = store.page(Filter::Account(account), after, PAGE, now).await?;
        for (key, record) in page.records {
            let is_later = all.get(&key).is_none_or(|there| record.last_active > there.last_active);
            if is_later {
                all.insert(key, record);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(all.into_iter().collect());
        }
    }
}
