//! The shop's forms, as Rocket reads them. What is missing is empty, and the page says what is wrong with it.

use example_common::pages;
use rocket::FromForm;

#[derive(FromForm)]
pub(crate) struct Quantity {
    #[field(default = String::new())]
    quantity: String,
}

impl From<Quantity> for pages::QuantityForm {
    fn from(Quantity { quantity }: Quantity) -> Self {
        Self { quantity }
    }
}

#[derive(FromForm)]
pub(crate) struct SignIn {
    #[field(default = String::new())]
    user: String,
    #[field(default = String::new())]
    password: String,
}

impl From<SignIn> for pages::SignInForm {
    fn from(SignIn { user, password }: SignIn) -> Self {
        Self { user, password }
    }
}

#[derive(FromForm)]
pub(crate) struct Comment {
    #[field(default = String::new())]
    text: String,
}

impl From<Comment> for pages::CommentForm {
    fn from(Comment { text }: Comment) -> Self {
        Self { text }
    }
}

#[derive(FromForm)]
pub(crate) struct Preferences {
    #[field(default = String::new())]
    theme: String,
    #[field(default = String::new())]
    language: String,
    #[field(default = String::new())]
    timezone: String,
    #[field(default = String::new())]
    items_per_page: String,
    email: Option<String>,
    push: Option<String>,
    sms: Option<String>,
}

impl From<Preferences> for pages::PreferencesForm {
    fn from(form: Preferences) -> Self {
        let Preferences { theme, language, timezone, items_per_page, email, push, sms } = form;
        Self { theme, language, timezone, items_per_page, email, push, sms }
    }
}

#[derive(FromForm)]
pub(crate) struct Register {
    #[field(default = String::new())]
    username: String,
    #[field(default = String::new())]
    email: String,
    #[field(default = String::new())]
    street: String,
    #[field(default = String::new())]
    postal_code: String,
    #[field(default = String::new())]
    city: String,
    accept: Option<String>,
}

impl From<Register> for pages::RegisterForm {
    fn from(form: Register) -> Self {
        let Register { username, email, street, postal_code, city, accept } = form;
        Self { username, email, street, postal_code, city, accept }
    }
}

#[derive(FromForm)]
pub(crate) struct Expiry {
    #[field(default = String::new())]
    choice: String,
}

impl From<Expiry> for pages::ExpiryForm {
    fn from(Expiry { choice }: Expiry) -> Self {
        Self { choice }
    }
}
