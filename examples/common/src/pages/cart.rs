//! The cart.

use askama::Template;
use serde::Deserialize;
use session_core::patterns::Level;
use session_core::{Result, Session};

use super::answer::Answer;
use super::frame::{Frame, render, say};
use crate::shop::cart::{self, Cart, MAX_QUANTITY};
use crate::shop::catalogue::product;

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    frame: Frame,
    cart: Cart,
    error: Option<String>,
}

/// `GET /cart`.
pub fn cart(session: &Session) -> Result<String> {
    page(session, None)
}

fn page(session: &Session, error: Option<String>) -> Result<String> {
    Ok(render(&CartPage { frame: Frame::of(session, "/cart")?, cart: cart::contents(session)?, error }))
}

/// `POST /cart/add/{id}`: one more of the product.
pub fn add_to_cart(session: &Session, id: u32) -> Result<Answer> {
    let Some(product) = product(id) else { return Ok(no_product()) };
    cart::add(session, product)?;
    say(session, Level::Success, format!("{} is in your cart.", product.name))?;
    Ok(Answer::see("/cart"))
}

/// What `POST /cart/quantity/{id}` sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "a framework that has its own forms makes this from them")]
pub struct QuantityForm {
    /// How many there shall be; 0 removes the product.
    pub quantity: String,
}

/// `POST /cart/quantity/{id}`: sets how many of the product there are.
pub fn set_quantity(session: &Session, id: u32, form: &QuantityForm) -> Result<Answer> {
    let Some(product) = product(id) else { return Ok(no_product()) };
    match form.quantity.trim().parse::<u32>() {
        Ok(quantity) if quantity <= MAX_QUANTITY => {
            cart::set_quantity(session, product, quantity)?;
            let done = if quantity == 0 { "is out of your cart" } else { "is changed" };
            say(session, Level::Info, format!("{} {done}.", product.name))?;
            Ok(Answer::see("/cart"))
        }
        _ => {
            let error = format!("How many of {} is a number from 0 to {MAX_QUANTITY}.", product.name);
            Ok(Answer::unfit(page(session, Some(error))?))
        }
    }
}

fn no_product() -> Answer {
    Answer::not_found("The shop has no such product.")
}
