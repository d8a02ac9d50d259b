//! The catalogue, and how often the visitor has been here.

use askama::Template;
use session_core::{Result, Session};

use super::frame::{Frame, render};
use crate::shop::catalogue::{Page, page};
use crate::shop::visits;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    visits: u32,
    page: Page,
}

/// `GET /[?page=N]`: a page of the catalogue, the first where N is left out. Counts a visit.
pub fn home(session: &Session, number: Option<usize>) -> Result<String> {
    let visits = visits::count(session)?;
    let frame = Frame::of(session, "/")?;
    let page = page(number.unwrap_or(1), frame.preferences.items_per_page);
    Ok(render(&Home { frame, visits, page }))
}
