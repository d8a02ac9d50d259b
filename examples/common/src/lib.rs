//! What the examples share, whatever the framework: so that each framework's binaries hold only what a user of that framework
//! would write.
//!
//! | module | what |
//! | --- | --- |
//! | [`playground`] | the playground's command line and operations, and its table of routes |
//! | [`shop`] | the demo's logic: what each page does with its session |
//! | [`pages`] | the demo's pages, and what their forms do |
//!
//! # The demo's routes
//!
//! Each handler is one call. The functions are those of [`pages`]; `s` is the request's [`Session`](session_core::Session), `f` the
//! form of the page, as the structs there say. Those marked `.await` are asynchronous.
//!
//! | route | form fields | handler | what it does |
//! | --- | --- | --- | --- |
//! | `GET /` `[?page=N]` | | `home(s, N)` | catalogue; counts the visit |
//! | `GET /style.css` | | `STYLE`, no session | |
//! | `GET /cart` | | `cart(s)` | |
//! | `POST /cart/add/{id}` | | `add_to_cart(s, id)` | one more of the product |
//! | `POST /cart/quantity/{id}` | `quantity` | `set_quantity(s, id, f)` | 0 removes it |
//! | `GET /sign-in` | | `sign_in_page(s)` | |
//! | `POST /sign-in` | `user` `password` | `sign_in(s, f, user_agent).await` | new token, account, device noted |
//! | `POST /sign-out` | | `sign_out(s).await` | ends the session |
//! | `GET /comment` | | `comment(s)` | |
//! | `POST /comment` | `text` | `leave_comment(s, f)` | once per visitor |
//! | `GET /preferences` | | `preferences(s)` | |
//! | `POST /preferences` | `theme` `language` `timezone` `items_per_page` `email` `push` `sms` | `set_preferences(s, f)` | |
//! | `POST /preferences/reset` | | `reset_preferences(s)` | back to the defaults |
//! | `GET /register` | | `register(s)` | to the current step; at the end, what was registered |
//! | `GET /register/{step}` | | `register_step(s, step)` | `account`, `address`, `confirm` |
//! | `POST /register/{step}` | `username` `email`; `street` `postal_code` `city`; `accept` | `complete_step(s, step, f)` | on to the next |
//! | `GET /cookie-test` | | `cookie_test(s)` | sets the test value |
//! | `POST /cookie-test` | | `check_cookie_test(s)` | whether it came back |
//! | `GET /devices` | | `devices(s).await` | where the account is signed in |
//! | `POST /devices/revoke/{handle}` | | `revoke(s, handle).await` | ends that session |
//! | `POST /devices/revoke-others` | | `revoke_others(s).await` | ends all others |
//! | `GET /expiry` | | `expiry(s)` | |
//! | `POST /expiry` | `choice` | `choose_expiry(s, f)` | `five-minutes`, `browser-close`, `default` |
//! | anything else | | `error(404, …)`, no session | |
//!
//! A handler that gives a `String` answers 200 `text/html; charset=utf-8`; one that gives an [`Answer`](pages::Answer) answers that.
//! An error of the session becomes a page with [`pages::session_error`].
//!
//! # Ids for tests in a browser
//!
//! | where | ids |
//! | --- | --- |
//! | every page | `nav-home` `nav-cart` `nav-comment` `nav-register` `nav-preferences` `nav-devices` `nav-expiry` `nav-cookie-test`; `nav-sign-in` or `account` and `sign-out`; `cart-count`; `main`; `messages` with `message-1` …; `error` where a form was refused |
//! | `/` | `greeting` `visits`; `product-ID` and `add-ID` for each; `page-previous` `page-number` `page-next` |
//! | `/cart` | `cart` or `cart-empty`; `line-ID` `quantity-ID` `change-ID` `remove-ID` `price-ID`; `total` |
//! | `/sign-in` | `user` `password` `sign-in` |
//! | `/comment` | `text` `leave-comment`, or `comment` and `commented` |
//! | `/preferences` | the fields' names; `save-preferences` `reset-preferences` |
//! | `/register/{step}` | the fields' names, with `NAME-error`; `step-NAME` for each; `next` `back` |
//! | `/register` at the end, `/register/confirm` | `registered-username` `registered-email` `registered-street` `registered-city`; at the end `registered` `register-again` |
//! | `/cookie-test` | `check-cookie` |
//! | `/devices` | `devices` with `device-HANDLE` and `revoke-HANDLE` (class `revoke`), `current-device` `revoke-others`; or `devices-anonymous` with `devices-sign-in`; or `devices-unsupported` |
//! | `/expiry` | `five-minutes` `browser-close` `default` `choose-expiry`; `expiry-date` `expiry-age` `expiry-close` |
//! | an error | `error` `error-home` |
//!
//! The demo's users are in [`shop::sign_in::USERS`]: `ada` with `analytical`, `grace` with `compiler`.

pub mod pages;
pub mod playground;
pub mod shop;
