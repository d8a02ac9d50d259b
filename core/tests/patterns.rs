//! Preferences, wizards and flash messages on a session that is stored, alone and with another request in between.
#![cfg(feature = "patterns")]
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and helpers of tests are not seen as tests"
)]

use std::time::Duration;

use serde_json::{Value, json};
use session_core::patterns::{Flash, Level, PreferenceError, Preferences, Wizard, WizardError};
use session_core::{Error, ManualClock, Session, Sessions, Settings};
use session_memory::MemoryStore;

fn sessions() -> (Sessions, ManualClock) {
    let clock = ManualClock::default();
    let settings = Settings::default().with_clock(clock.clone());
    (Sessions::new(MemoryStore::new(), settings).unwrap(), clock)
}

fn session() -> Session {
    sessions().0.create()
}

/// Two requests of one stored session, both of which have loaded it.
async fn two_requests(prepare: impl FnOnce(&Session)) -> (Session, Session) {
    let (sessions, _) = sessions();
    let first = sessions.create();
    prepare(&first);
    first.save().await.unwrap();
    let handle = first.session_key().unwrap();
    let open = async || sessions.open(&handle).await.unwrap().unwrap();
    (open().await, open().await)
}

mod preferences {
    use super::*;

    fn defaults() -> Value {
        json!({
            "theme": "system",
            "items_per_page": 10,
            "tags": [],
            "notifications": { "email": false, "push": true, "quiet": { "from": 22, "to": 7 } },
        })
    }

    fn stored(session: &Session) -> Option<Value> {
        session.get("preferences").unwrap()
    }

    #[test]
    fn only_what_differs_is_stored() {
        let session = session();
        let preferences = Preferences::new(&session, defaults());
        preferences.set("notifications.quiet.from", 23).unwrap();
        assert_eq!(stored(&session), Some(json!({ "notifications": { "quiet": { "from": 23 } } })));
        preferences.set("notifications.quiet.from", 22).unwrap();
        assert_eq!(stored(&session), Some(json!({})), "the default again, and no empty groups");
        assert_eq!(preferences.all().unwrap(), defaults());
    }

    #[test]
    fn reading_stores_nothing() {
        let session = session();
        let preferences = Preferences::new(&session, defaults());
        preferences.all().unwrap();
        preferences.get::<bool>("notifications.push").unwrap();
        preferences.reset();
        preferences.reset_key("theme").unwrap();
        assert!(!session.is_modified());
    }

    #[test]
    fn a_key_that_has_no_default_is_an_error_and_changes_nothing() {
        let session = session();
        let preferences = Preferences::new(&session, defaults());
        for key in
            ["", ".", "them", "theme.x", "notifications.", "notifications.sms", "notifications.quiet.from.x"]
        {
            let errors = [
                preferences.set(key, 1).unwrap_err(),
                preferences.get::<Value>(key).unwrap_err(),
                preferences.reset_key(key).unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(&error, PreferenceError::UnknownKey(k) if k == key), "{key:?}: {error}");
            }
        }
        let unknown_inside =
            preferences.set("notifications", json!({ "email": true, "sms": true })).unwrap_err();
        assert!(matches!(unknown_inside, PreferenceError::UnknownKey(key) if key == "notifications.sms"));
        assert!(!session.is_modified());
    }

    #[test]
    fn a_value_of_another_json_type_is_an_error_and_changes_nothing() {
        let session = session();
        let preferences = Preferences::new(&session, defaults());
        let wrong = [
            ("theme", json!(1), "string", "number"),
            ("theme", json!(null), "string", "null"),
            ("items_per_page", json!("10"), "number", "string"),
            ("tags", json!({}), "array", "object"),
            ("notifications", json!(true), "object", "boolean"),
            ("notifications.quiet", json!([]), "object", "array"),
        ];
        for (key, value, expected, found) in wrong {
            match preferences.set(key, value).unwrap_err() {
                PreferenceError::WrongType { key: k, expected: e, found: f } => {
                    assert_eq!((&*k, e, f), (key, expected, found));
                }
                other => panic!("{key}: {other}"),
            }
        }
        let half_right = preferences.set_all(json!({ "theme": "dark", "notifications": { "email": 1 } }));
        assert!(
            matches!(half_right, Err(PreferenceError::WrongType { key, .. }) if key == "notifications.email")
        );
        assert!(!session.is_modified());
    }

    #[test]
    fn a_group_is_set_and_taken_back_as_a_whole() {
        let session = session();
        let preferences = Preferences::new(&session, defaults());
        preferences.set("notifications", json!({ "email": true, "push": true })).unwrap();
        preferences.set("notifications.quiet.to", 8).unwrap();
        assert_eq!(
            stored(&session),
            Some(json!({ "notifications": { "email": true, "quiet": { "to": 8 } } }))
        );
        preferences.reset_key("notifications.quiet.to").unwrap();
        assert_eq!(stored(&session), Some(json!({ "notifications": { "email": true } })));
        preferences.reset_key("notifications").unwrap();
        assert_eq!(preferences.all().unwrap(), defaults());
    }

    #[test]
    fn a_list_is_one_value() {
        let session = session();
        let preferences = Preferences::new(&session, defaults());
        preferences.set("tags", ["a", "b"]).unwrap();
        preferences.set("tags", ["c"]).unwrap();
        assert_eq!(preferences.get::<Vec<String>>("tags").unwrap(), ["c"]);
    }

    /// A new release of the application has other defaults than the one that stored the preference.
    #[test]
    fn what_no_longer_fits_the_defaults_is_as_if_it_were_not_set() {
        let session = session();
        let old = Preferences::new(&session, json!({ "gone": 1, "retyped": 1, "group": 1, "kept": 1 }));
        old.set_all(json!({ "gone": 2, "retyped": 2, "group": 2, "kept": 2 })).unwrap();

        let defaults = json!({ "retyped": "one", "group": { "a": 1 }, "kept": 1 });
        let new = Preferences::new(&session, defaults);
        assert_eq!(new.all().unwrap(), json!({ "retyped": "one", "group": { "a": 1 }, "kept": 2 }));
        new.set("group.a", 3).unwrap();
        assert_eq!(new.get::<u32>("group.a").unwrap(), 3);
        new.reset_key("retyped").unwrap();
        assert_eq!(stored(&session), Some(json!({ "gone": 2, "group": { "a": 3 }, "kept": 2 })));
    }

    #[test]
    fn a_preference_of_another_rust_type_is_an_error_that_names_it() {
        let preferences = Preferences::new(&session(), defaults());
        let error = preferences.get::<u32>("theme").unwrap_err();
        assert!(
            matches!(&error, PreferenceError::Session(Error::WrongType { key, .. }) if key == "preferences.theme")
        );
        assert!(!error.to_string().contains("system"), "no value in an error");
    }

    #[tokio::test]
    async fn two_tabs_that_set_different_keys_both_count() {
        let (a, b) = two_requests(|session| {
            Preferences::new(session, defaults()).set("notifications.push", false).unwrap();
        })
        .await;
        Preferences::new(&a, defaults()).set("theme", "dark").unwrap();
        Preferences::new(&b, defaults()).set("notifications.email", true).unwrap();
        Preferences::new(&b, defaults()).reset_key("notifications.push").unwrap();
        a.save().await.unwrap();
        b.save().await.unwrap();
        assert_eq!(stored(&b), Some(json!({ "theme": "dark", "notifications": { "email": true } })));
    }
}

mod wizard {
    use super::*;

    const STEPS: &[&str] = &["account", "address", "confirm"];

    fn wizard(session: &Session) -> Wizard {
        Wizard::new(session, "registration", STEPS)
    }

    #[test]
    fn steps_are_completed_in_order() {
        let session = session();
        let wizard = wizard(&session);
        assert_eq!(wizard.current_step().unwrap(), Some("account"));
        for (n, step) in STEPS.iter().enumerate() {
            assert!(!wizard.is_completed().unwrap());
            assert_eq!(wizard.current_step().unwrap(), Some(*step));
            wizard.complete(step, n).unwrap();
        }
        assert!(wizard.is_completed().unwrap());
        assert_eq!(wizard.current_step().unwrap(), None);
        assert_eq!(wizard.completed_steps().unwrap(), STEPS);
        assert_eq!(wizard.data::<usize>("address").unwrap(), Some(1));
    }

    #[test]
    fn a_step_that_is_not_reached_can_neither_be_completed_nor_gone_to() {
        let session = session();
        let wizard = wizard(&session);
        let errors = [wizard.complete("confirm", true).unwrap_err(), wizard.go_to("confirm").unwrap_err()];
        for error in errors {
            assert!(
                matches!(error, WizardError::NotReached { step: "confirm", missing: "account", .. }),
                "{error}"
            );
        }
        assert!(!session.is_modified());
    }

    #[test]
    fn an_unknown_step_is_an_error_everywhere() {
        let session = session();
        let wizard = wizard(&session);
        let errors = [
            wizard.complete("payment", 1).unwrap_err(),
            wizard.go_to("payment").unwrap_err(),
            wizard.is_reached("payment").unwrap_err(),
            wizard.data::<u32>("payment").unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(&error, WizardError::UnknownStep { step, .. } if step == "payment"), "{error}");
        }
        assert!(!session.is_modified());
    }

    #[test]
    fn going_back_keeps_what_was_entered() {
        let session = session();
        let wizard = wizard(&session);
        wizard.complete("account", "ada").unwrap();
        wizard.complete("address", "London").unwrap();
        assert_eq!(wizard.go_back().unwrap(), Some("address"));
        assert_eq!(wizard.go_back().unwrap(), Some("account"));
        wizard.complete("account", "grace").unwrap();
        assert_eq!(wizard.current_step().unwrap(), Some("address"), "the next one, to look at again");
        assert_eq!(wizard.data::<String>("address").unwrap().as_deref(), Some("London"));
        assert!(wizard.is_reached("confirm").unwrap());
    }

    #[test]
    fn from_the_end_one_goes_back_to_the_last_step() {
        let session = session();
        let wizard = wizard(&session);
        for step in STEPS {
            wizard.complete(step, ()).unwrap();
        }
        assert_eq!(wizard.go_back().unwrap(), Some("confirm"));
        assert_eq!(wizard.current_step().unwrap(), Some("confirm"));
        assert!(wizard.is_completed().unwrap(), "what is completed stays so");
    }

    #[test]
    fn a_wizard_without_steps_is_completed() {
        let wizard = Wizard::new(&session(), "empty", &[]);
        assert!(wizard.is_completed().unwrap());
        assert_eq!(wizard.current_step().unwrap(), None);
        assert_eq!(wizard.go_back().unwrap(), None);
    }

    #[test]
    fn it_says_when_it_was_last_changed() {
        let (sessions, clock) = sessions();
        let session = sessions.create();
        let wizard = wizard(&session);
        assert_eq!(wizard.updated_at().unwrap(), None);
        wizard.complete("account", 1).unwrap();
        let first = wizard.updated_at().unwrap().unwrap();
        clock.advance(Duration::from_mins(1));
        wizard.go_back().unwrap();
        assert_eq!(wizard.updated_at().unwrap().unwrap() - first, time::Duration::MINUTE);
    }

    #[test]
    fn two_wizards_do_not_meet_and_clear_forgets_one() {
        let session = session();
        let (one, other) = (wizard(&session), Wizard::new(&session, "survey", STEPS));
        one.complete("account", 1).unwrap();
        other.complete("account", 2).unwrap();
        one.clear();
        assert_eq!(one.current_step().unwrap(), Some("account"));
        assert_eq!(one.updated_at().unwrap(), None);
        assert_eq!(other.data::<u32>("account").unwrap(), Some(2));
    }

    #[test]
    fn data_of_another_type_is_an_error_that_names_the_step() {
        let session = session();
        let wizard = wizard(&session);
        wizard.complete("account", "secret").unwrap();
        let error = wizard.data::<u32>("account").unwrap_err();
        let key = "wizard.registration.account";
        assert!(matches!(&error, WizardError::Session(Error::WrongType { key: k, .. }) if k == key));
        assert!(!error.to_string().contains("secret"), "no value in an error");
    }

    #[tokio::test]
    async fn two_tabs_that_complete_different_steps_both_count() {
        let (a, b) = two_requests(|session| wizard(session).complete("account", "ada").unwrap()).await;
        wizard(&a).complete("account", "grace").unwrap();
        wizard(&b).complete("address", "London").unwrap();
        a.save().await.unwrap();
        b.save().await.unwrap();
        assert_eq!(wizard(&b).data::<String>("account").unwrap().as_deref(), Some("grace"));
        assert_eq!(wizard(&b).data::<String>("address").unwrap().as_deref(), Some("London"));
    }

    #[tokio::test]
    async fn a_step_of_a_wizard_that_another_tab_has_cleared_is_not_kept() {
        let (a, b) = two_requests(|session| wizard(session).complete("account", "ada").unwrap()).await;
        wizard(&a).clear();
        wizard(&b).complete("address", "London").unwrap();
        a.save().await.unwrap();
        b.save().await.unwrap();
        assert_eq!(wizard(&b).completed_steps().unwrap(), [""; 0]);
        assert_eq!(wizard(&b).current_step().unwrap(), Some("account"));
    }
}

mod flash {
    use super::*;

    fn texts(session: &Session) -> Vec<String> {
        Flash::new(session).take_all().unwrap().into_iter().map(|message| message.text).collect()
    }

    #[test]
    fn messages_are_shown_once_in_the_order_they_came() {
        let session = session();
        let flash = Flash::new(&session);
        flash.push(Level::Info, "one").unwrap();
        flash.push(Level::Error, "two").unwrap();
        let taken = flash.take_all().unwrap();
        assert_eq!(
            taken.iter().map(|message| message.level).collect::<Vec<_>>(),
            [Level::Info, Level::Error]
        );
        assert!(flash.take_all().unwrap().is_empty());
    }

    #[test]
    fn a_page_without_messages_costs_no_write() {
        let session = session();
        assert!(Flash::new(&session).take_all().unwrap().is_empty());
        assert!(!session.is_modified());
    }

    #[test]
    fn of_too_many_the_oldest_go() {
        let session = session();
        (0..=Flash::LIMIT).for_each(|n| Flash::new(&session).push(Level::Info, n.to_string()).unwrap());
        let texts = texts(&session);
        assert_eq!((texts.len(), &*texts[0]), (Flash::LIMIT, "1"));
    }

    #[tokio::test]
    async fn a_message_pushed_while_others_are_taken_is_not_lost() {
        let (a, b) = two_requests(|session| Flash::new(session).push(Level::Info, "old").unwrap()).await;
        Flash::new(&a).push(Level::Info, "new").unwrap();
        assert_eq!(texts(&b), ["old"]);
        a.save().await.unwrap();
        b.save().await.unwrap();
        assert_eq!(texts(&b), ["new"]);
    }
}
