//! Registration, step by step.

use askama::Template;
use serde::Deserialize;
use session_core::patterns::Level;
use session_core::{Result, Session};

use super::answer::Answer;
use super::field::Field;
use super::frame::{Frame, render, say};
use crate::shop::registration::{Account, Address, Filled, Registration, STEPS};

#[derive(Template)]
#[template(path = "register_step.html")]
struct StepPage {
    frame: Frame,
    step: &'static str,
    places: Vec<Place>,
    back: Option<&'static str>,
    fields: Vec<Field>,
    account: Account,
    address: Address,
    error: Option<&'static str>,
}

/// A step, in the list of all.
struct Place {
    name: &'static str,
    label: &'static str,
    current: bool,
    completed: bool,
}

#[derive(Template)]
#[template(path = "register_done.html")]
struct DonePage {
    frame: Frame,
    account: Account,
    address: Address,
}

/// `GET /register`: to the current step, or what was registered.
pub fn register(session: &Session) -> Result<Answer> {
    let registration = Registration::of(session);
    if let Some(step) = registration.current()? {
        return Ok(to_step(step));
    }
    let (account, address) = (registration.account()?, registration.address()?);
    let frame = Frame::of(session, "/register")?;
    Ok(Answer::ok(render(&DonePage { frame, account, address })))
}

/// `GET /register/{step}`: its form, if it is reached; else to the step that comes first.
pub fn register_step(session: &Session, step: &str) -> Result<Answer> {
    let Some(step) = known(step) else { return Ok(no_step()) };
    let registration = Registration::of(session);
    if !registration.visit(step)? {
        return Ok(Answer::see("/register"));
    }
    let (account, address) = (registration.account()?, registration.address()?);
    let fields = match step {
        "account" => account_fields(&account, false),
        "address" => address_fields(&address, false),
        _ => Vec::new(),
    };
    Ok(Answer::ok(page(session, step, fields, None)?))
}

/// What `POST /register/{step}` sends: the fields of its step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a framework that has its own forms makes this from them")]
pub struct RegisterForm {
    /// Of step `account`.
    pub username: String,
    /// Of step `account`.
    pub email: String,
    /// Of step `address`.
    pub street: String,
    /// Of step `address`.
    pub postal_code: String,
    /// Of step `address`.
    pub city: String,
    /// Of step `confirm`: a box to tick.
    pub accept: Option<String>,
}

/// `POST /register/{step}`: keeps it and goes on to the next; the form again, where something is missing.
pub fn complete_step(session: &Session, step: &str, form: &RegisterForm) -> Result<Answer> {
    let trimmed = |text: &str| text.trim().to_owned();
    let (step, filled, unfit) = match step {
        "account" => {
            let account = Account { username: trimmed(&form.username), email: trimmed(&form.email) };
            let fields = account_fields(&account, true);
            ("account", Filled::Account(account), fields)
        }
        "address" => {
            let (street, postal_code) = (trimmed(&form.street), trimmed(&form.postal_code));
            let address = Address { street, postal_code, city: trimmed(&form.city) };
            let fields = address_fields(&address, true);
            ("address", Filled::Address(address), fields)
        }
        "confirm" => ("confirm", Filled::Confirm, Vec::new()),
        _ => return Ok(no_step()),
    };
    if unfit.iter().any(|field| field.error.is_some()) {
        return Ok(Answer::unfit(page(session, step, unfit, None)?));
    }
    if step == "confirm" && form.accept.is_none() {
        return Ok(Answer::unfit(page(session, step, unfit, Some("Tick the box to register."))?));
    }
    let registration = Registration::of(session);
    if !registration.complete(&filled)? {
        say(session, Level::Warning, "One step after the other: this one comes first.")?;
    } else if registration.is_completed()? {
        say(session, Level::Success, "You are registered.")?;
    }
    Ok(Answer::see("/register"))
}

fn page(
    session: &Session,
    step: &'static str,
    fields: Vec<Field>,
    error: Option<&'static str>,
) -> Result<String> {
    let registration = Registration::of(session);
    let completed = registration.completed()?;
    let place = |name: &&'static str| Place {
        name,
        label: label(name),
        current: *name == step,
        completed: completed.contains(name),
    };
    Ok(render(&StepPage {
        frame: Frame::of(session, "/register")?,
        step,
        places: STEPS.iter().map(place).collect(),
        back: STEPS.iter().copied().take_while(|before| *before != step).last(),
        fields,
        account: registration.account()?,
        address: registration.address()?,
        error,
    }))
}

fn account_fields(account: &Account, sent: bool) -> Vec<Field> {
    let no_email =
        !account.email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    vec![
        Field::text("username", "Name", "username", &account.username)
            .wrong_if(sent && account.username.is_empty(), "What shall we call you?"),
        Field::text("email", "E-mail", "email", &account.email)
            .of_kind("email")
            .wrong_if(sent && no_email, "An address has a name, an @ and a host."),
    ]
}

fn address_fields(address: &Address, sent: bool) -> Vec<Field> {
    let field = |name, label, autocomplete, value: &str| {
        Field::text(name, label, autocomplete, value)
            .wrong_if(sent && value.is_empty(), "The parcel needs this.")
    };
    vec![
        field("street", "Street and number", "street-address", &address.street),
        field("postal_code", "Postal code", "postal-code", &address.postal_code),
        field("city", "Town", "address-level2", &address.city),
    ]
}

fn known(step: &str) -> Option<&'static str> {
    STEPS.iter().copied().find(|known| *known == step)
}

fn label(step: &str) -> &'static str {
    match step {
        "account" => "You",
        "address" => "Your address",
        _ => "Confirm",
    }
}

fn to_step(step: &str) -> Answer {
    Answer::SeeOther(format!("/register/{step}").into())
}

fn no_step() -> Answer {
    Answer::not_found("Registration has no such step.")
}
