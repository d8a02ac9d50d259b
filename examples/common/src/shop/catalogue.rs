//! What there is to buy.

/// A product.
#[derive(Debug, PartialEq, Eq)]
pub struct Product {
    /// Its number, which stands in addresses and carts.
    pub id: u32,
    /// Its name.
    pub name: &'static str,
    /// A sentence about it.
    pub text: &'static str,
    /// Its price, in cents.
    pub cents: u32,
}

impl Product {
    /// The price, as shown.
    pub fn price(&self) -> String {
        euros(self.cents.into())
    }
}

/// All products, by number.
pub const CATALOGUE: [Product; 8] = [
    Product { id: 1, name: "Field notebook", text: "Ninety-six dotted pages that lie flat.", cents: 1250 },
    Product { id: 2, name: "Brass pencil", text: "Heavier than it looks, and refillable.", cents: 2400 },
    Product { id: 3, name: "Desk lamp", text: "Warm light, one switch, no app.", cents: 6900 },
    Product { id: 4, name: "Tea flask", text: "Half a litre, hot until the last train.", cents: 2950 },
    Product { id: 5, name: "Linen apron", text: "Two pockets, and room for flour.", cents: 3800 },
    Product { id: 6, name: "Wall map", text: "The night sky of the northern summer.", cents: 1900 },
    Product { id: 7, name: "Card game", text: "Forty cards, three rules, many evenings.", cents: 1490 },
    Product { id: 8, name: "Canvas bag", text: "Carries the other seven.", cents: 2150 },
];

/// The product of this number.
pub fn product(id: u32) -> Option<&'static Product> {
    CATALOGUE.iter().find(|product| product.id == id)
}

/// A part of the catalogue, when it is shown so many at a time.
#[derive(Debug)]
pub struct Page {
    /// What is on it.
    pub products: &'static [Product],
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// A page of the catalogue; the nearest one where there is none of this number.
pub fn page(number: usize, per_page: usize) -> Page {
    let per_page = per_page.max(1);
    let of = CATALOGUE.len().div_ceil(per_page);
    let number = number.clamp(1, of);
    let products = CATALOGUE.chunks(per_page).nth(number - 1).unwrap_or_default();
    Page { products, number, of }
}

/// An amount of money, as shown.
pub fn euros(cents: u64) -> String {
    format!("€{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_product_once() {
        for per_page in [0, 1, 3, 8, 100] {
            let of = page(1, per_page).of;
            let ids: Vec<u32> = (1..=of)
                .flat_map(|number| page(number, per_page).products)
                .map(|product| product.id)
                .collect();
            assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8], "{per_page} per page");
        }
        assert_eq!(page(0, 3).number, 1);
        assert_eq!(page(99, 3).number, 3);
    }

    #[test]
    fn cents_have_two_digits() {
        assert_eq!(euros(5), "€0.05");
        assert_eq!(euros(123_456), "€1234.56");
    }
}
