//! A form of several steps.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::session::Session;

/// A form of several steps, filled in over several requests: the data of each step, how far the visitor has come, and the way
/// back.
///
/// The steps are declared in order. A step is *reached* when all before it are completed; only a reached step can be completed
/// or gone to, so a visitor who types an address cannot skip one.
///
/// ```
/// # use session_core::{Sessions, Settings};
/// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
/// use session_core::patterns::Wizard;
///
/// const STEPS: &[&str] = &["account", "address", "confirm"];
/// let wizard = Wizard::new(&session, "registration", STEPS);
///
/// assert_eq!(wizard.current_step()?, Some("account"));
/// wizard.complete("account", "ada@example.org")?;
/// assert_eq!(wizard.current_step()?, Some("address"));
/// assert_eq!(wizard.data::<String>("account")?.as_deref(), Some("ada@example.org"));
/// assert!(wizard.complete("confirm", true).is_err(), "the address is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is kept under the session's key `wizard.NAME`. Two tabs that complete different steps at once both count.
#[derive(Clone, Debug)]
pub struct Wizard {
    session: Session,
    key: String,
    plan: Plan,
}

/// Why a wizard could not do something. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WizardError {
    /// The wizard has no such step.
    #[error("the wizard `{wizard}` has no step `{step}`")]
    UnknownStep {
        /// The wizard's name.
        wizard: &'static str,
        /// What was asked for.
        step: String,
    },
    /// A step before it is not completed.
    #[error("the step `{step}` of the wizard `{wizard}` is not reached: `{missing}` comes first")]
    NotReached {
        /// The wizard's name.
        wizard: &'static str,
        /// What was asked for.
        step: &'static str,
        /// The first step that is not completed.
        missing: &'static str,
    },
    /// The session could not be read or written; [`Error::WrongType`] where a step's data is not of the type that was asked for.
    #[error(transparent)]
    Session(#[from] Error),
}

/// # Where the visitor is
impl Wizard {
    /// The wizard of this name in this session. Names of steps must differ from each other.
    pub fn new(session: &Session, name: &'static str, steps: &'static [&'static str]) -> Self {
        Self { session: session.clone(), key: format!("wizard.{name}"), plan: Plan { name, steps } }
    }

    /// The steps, in order.
    pub fn steps(&self) -> &'static [&'static str] {
        self.plan.steps
    }

    /// The step to show: the one that the visitor has gone to, else the first that is not completed. `None` when all are
    /// completed and the visitor has not gone back.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Wizard;
    ///
    /// let wizard = Wizard::new(&session, "survey", &["question"]);
    /// wizard.complete("question", 42)?;
    /// assert_eq!(wizard.current_step()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn current_step(&self) -> Result<Option<&'static str>, WizardError> {
        let progress = self.progress()?;
        let chosen = progress.at.as_ref().and_then(|at| self.plan.steps().find(|step| step == at));
        Ok(chosen
            .filter(|step| self.plan.missing_before(step, &progress).is_none())
            .or_else(|| self.plan.first_missing(&progress)))
    }

    /// The completed steps, in the order in which they were declared.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Wizard;
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account", "address"]);
    /// wizard.complete("account", "ada")?;
    /// assert_eq!(wizard.completed_steps()?, ["account"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn completed_steps(&self) -> Result<Vec<&'static str>, WizardError> {
        let progress = self.progress()?;
        Ok(self.plan.steps().filter(|step| progress.data.contains_key(*step)).collect())
    }

    /// Whether all steps are completed.
    pub fn is_completed(&self) -> Result<bool, WizardError> {
        Ok(self.plan.first_missing(&self.progress()?).is_none())
    }

    /// Whether the step may be shown: all before it are completed.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::{Wizard, WizardError};
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account", "address"]);
    /// assert!(wizard.is_reached("account")?);
    /// assert!(!wizard.is_reached("address")?);
    /// assert!(matches!(wizard.is_reached("payment"), Err(WizardError::UnknownStep { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_reached(&self, step: &str) -> Result<bool, WizardError> {
        let step = self.plan.known(step)?;
        Ok(self.plan.missing_before(step, &self.progress()?).is_none())
    }

    /// When a step was last completed or gone to; `None` where the wizard has not begun.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Wizard;
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account", "address"]);
    /// assert_eq!(wizard.updated_at()?, None);
    /// wizard.complete("account", "ada")?;
    /// assert!(wizard.updated_at()?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn updated_at(&self) -> Result<Option<OffsetDateTime>, WizardError> {
        Ok(self.progress()?.updated_at.map(Time::to_datetime))
    }
}

/// # Data, forward, back
impl Wizard {
    /// What was entered at a step; `None` where it is not completed.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Wizard;
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account", "address"]);
    /// wizard.complete("account", ("ada", "ada@example.org"))?;
    /// let (name, _): (String, String) = wizard.data("account")?.expect("it is completed");
    /// assert_eq!(name, "ada");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn data<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, WizardError> {
        let step = self.plan.known(step)?;
        let progress = self.progress()?;
        let Some(value) = progress.data.get(step) else { return Ok(None) };
        let wrong_type =
            || Error::WrongType { key: format!("{}.{step}", self.key), expected: std::any::type_name::<T>() };
        Ok(Some(T::deserialize(value).map_err(|_| wrong_type())?))
    }

    /// Keeps a step's data, and goes on to the next step. A step that was completed before may be completed again: its data is
    /// replaced, what comes after it stays.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::{Wizard, WizardError};
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account", "address"]);
    /// let skipped = wizard.complete("address", "London");
    /// assert!(matches!(skipped, Err(WizardError::NotReached { missing: "account", .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn complete(&self, step: &str, data: impl Serialize) -> Result<(), WizardError> {
        let step = self.reached(step)?;
        let data = serde_json::to_value(data)
            .map_err(|error| Error::Unserializable { key: self.key.clone(), reason: error.to_string() })?;
        let next = self.plan.steps().skip_while(|other| *other != step).nth(1);
        self.change(step, move |progress| {
            progress.data.insert(step.to_owned(), data.clone());
            progress.at = next.map(str::to_owned);
        })
    }

    /// Goes to a step that is reached, to look at it or change it. What is completed stays so.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Wizard;
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account", "address", "confirm"]);
    /// wizard.complete("account", "ada")?;
    /// wizard.complete("address", "London")?;
    /// wizard.go_to("account")?;
    /// assert_eq!(wizard.current_step()?, Some("account"));
    /// assert_eq!(wizard.completed_steps()?, ["account", "address"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn go_to(&self, step: &str) -> Result<(), WizardError> {
        let step = self.reached(step)?;
        self.change(step, move |progress| progress.at = Some(step.to_owned()))
    }

    /// Goes to the step before the current one (from the end, to the last), and says which that is; at the first step it stays
    /// there.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Wizard;
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account", "address"]);
    /// wizard.complete("account", "ada")?;
    /// assert_eq!(wizard.go_back()?, Some("account"));
    /// assert_eq!(wizard.go_back()?, Some("account"), "there is nothing before it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn go_back(&self) -> Result<Option<&'static str>, WizardError> {
        let current = self.current_step()?;
        let before = self.plan.steps().take_while(|step| Some(*step) != current).last();
        match before {
            Some(step) => self.go_to(step).map(|()| Some(step)),
            None => Ok(current),
        }
    }

    /// Forgets everything: the wizard has not begun.
    ///
    /// ```
    /// # use session_core::{Sessions, Settings};
    /// # let session = Sessions::new(session_memory::MemoryStore::new(), Settings::default())?.create();
    /// use session_core::patterns::Wizard;
    ///
    /// let wizard = Wizard::new(&session, "registration", &["account"]);
    /// wizard.complete("account", "ada")?;
    /// wizard.clear();
    /// assert_eq!(wizard.data::<String>("account")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear(&self) {
        self.session.remove(&self.key);
    }
}

impl Wizard {
    fn progress(&self) -> Result<Progress> {
        Ok(self.session.get(&self.key)?.unwrap_or_default())
    }

    /// The declared step of this name, if it is reached.
    fn reached(&self, step: &str) -> Result<&'static str, WizardError> {
        let step = self.plan.known(step)?;
        match self.plan.missing_before(step, &self.progress()?) {
            None => Ok(step),
            Some(missing) => Err(WizardError::NotReached { wizard: self.plan.name, step, missing }),
        }
    }

    fn change(
        &self,
        step: &'static str,
        mut apply: impl FnMut(&mut Progress) + Send + 'static,
    ) -> Result<(), WizardError> {
        let (plan, now) = (self.plan, self.session.0.now());
        Ok(self.session.update(&self.key, move |progress: &mut Progress| {
            // This runs again on what another request has stored, which may have begun anew: then the step is not reached.
            if plan.missing_before(step, progress).is_none() {
                apply(progress);
                progress.updated_at = Some(now);
            }
        })?)
    }
}

/// What a wizard is, apart from the session it is in.
#[derive(Clone, Copy, Debug)]
struct Plan {
    name: &'static str,
    steps: &'static [&'static str],
}

impl Plan {
    fn steps(self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().copied()
    }

    fn known(self, step: &str) -> Result<&'static str, WizardError> {
        let unknown = || WizardError::UnknownStep { wizard: self.name, step: step.to_owned() };
        self.steps().find(|known| *known == step).ok_or_else(unknown)
    }

    fn first_missing(self, progress: &Progress) -> Option<&'static str> {
        self.steps().find(|step| !progress.data.contains_key(*step))
    }

    fn missing_before(self, step: &str, progress: &Progress) -> Option<&'static str> {
        self.steps().take_while(|before| *before != step).find(|before| !progress.data.contains_key(*before))
    }
}

/// What is stored of a wizard. A step is completed when there is data for it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    data: BTreeMap<String, Value>,
    at: Option<String>,
    updated_at: Option<Time>,
}
