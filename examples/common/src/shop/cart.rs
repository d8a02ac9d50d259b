//! The cart: product numbers and quantities, under one typed key.

use std::collections::BTreeMap;

use session_core::{Key, Result, Session};

use super::catalogue::{Product, euros, product};

const CART: Key<BTreeMap<u32, u32>> = Key::new("cart");

/// How many of one product a cart holds at most.
pub const MAX_QUANTITY: u32 = 99;

/// Puts one more of a product into the cart.
pub fn add(session: &Session, product: &Product) -> Result<()> {
    let id = product.id;
    session.update(CART, move |cart| {
        let quantity = cart.entry(id).or_default();
        *quantity = (*quantity + 1).min(MAX_QUANTITY);
    })
}

/// Sets how many of a product are in the cart, at most [`MAX_QUANTITY`]; 0 removes it.
pub fn set_quantity(session: &Session, product: &Product, quantity: u32) -> Result<()> {
    let id = product.id;
    session.update(CART, move |cart| {
        if quantity == 0 {
            cart.remove(&id);
        } else {
            cart.insert(id, quantity.min(MAX_QUANTITY));
        }
    })
}

/// Takes a product out of the cart.
pub fn remove(session: &Session, product: &Product) -> Result<()> {
    set_quantity(session, product, 0)
}

/// What is in the cart. A product that the shop no longer has is left out.
pub fn contents(session: &Session) -> Result<Cart> {
    let quantities = session.get(CART)?.unwrap_or_default();
    let line = |(id, quantity)| product(id).map(|product| Line { product, quantity });
    Ok(Cart { lines: quantities.into_iter().filter_map(line).collect() })
}

/// A cart's contents.
#[derive(Debug, PartialEq, Eq)]
pub struct Cart {
    /// One line for each product, by number.
    pub lines: Vec<Line>,
}

impl Cart {
    /// How many things are in it.
    pub fn count(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.quantity)).sum()
    }

    /// What they cost together.
    pub fn cents(&self) -> u64 {
        self.lines.iter().map(Line::cents).sum()
    }

    /// What they cost together, as shown.
    pub fn price(&self) -> String {
        euros(self.cents())
    }
}

/// So many of one product.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The product.
    pub product: &'static Product,
    /// How many.
    pub quantity: u32,
}

impl Line {
    /// What they cost.
    pub fn cents(&self) -> u64 {
        u64::from(self.product.cents) * u64::from(self.quantity)
    }

    /// What they cost, as shown.
    pub fn price(&self) -> String {
        euros(self.cents())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::catalogue::CATALOGUE;
    use crate::shop::session;

    #[test]
    fn things_are_added_counted_and_priced() {
        let session = session();
        let [notebook, pencil, ..] = &CATALOGUE;
        add(&session, notebook).unwrap();
        add(&session, pencil).unwrap();
        add(&session, notebook).unwrap();
        let cart = contents(&session).unwrap();
        assert_eq!((cart.count(), cart.cents()), (3, 2 * 1250 + 2400));
        assert_eq!(cart.lines[0].cents(), 2500);
    }

    #[test]
    fn a_quantity_is_set_within_bounds_and_none_is_gone() {
        let session = session();
        let [notebook, pencil, ..] = &CATALOGUE;
        set_quantity(&session, notebook, u32::MAX).unwrap();
        add(&session, notebook).unwrap();
        add(&session, pencil).unwrap();
        assert_eq!(contents(&session).unwrap().lines[0].quantity, MAX_QUANTITY);
        set_quantity(&session, notebook, 0).unwrap();
        remove(&session, pencil).unwrap();
        remove(&session, pencil).unwrap();
        assert_eq!(contents(&session).unwrap().lines, []);
    }

    #[test]
    fn what_the_shop_no_longer_has_is_left_out() {
        let session = session();
        session.insert(CART, BTreeMap::from([(1, 2), (4_000, 1)])).unwrap();
        assert_eq!(contents(&session).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn two_tabs_that_add_at_once_both_count() {
        let sessions = session_core::Sessions::new(
            session_memory::MemoryStore::new(),
            session_core::Settings::default(),
        )
        .unwrap();
        let first = sessions.create();
        add(&first, &CATALOGUE[0]).unwrap();
        first.save().await.unwrap();
        let handle = first.session_key().unwrap();
        let a = sessions.open(&handle).await.unwrap().unwrap();
        let b = sessions.open(&handle).await.unwrap().unwrap();
        add(&a, &CATALOGUE[0]).unwrap();
        add(&b, &CATALOGUE[0]).unwrap();
        a.save().await.unwrap();
        b.save().await.unwrap();
        assert_eq!(contents(&b).unwrap().count(), 3);
    }
}
