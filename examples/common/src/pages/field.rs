//! Parts of forms.

/// A line to type into.
pub(super) struct Field {
    /// Its name in the form, and its `id`.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// `text`, `email`, `password`.
    pub(super) kind: &'static str,
    /// What a browser may fill in.
    pub(super) autocomplete: &'static str,
    pub(super) value: String,
    pub(super) error: Option<&'static str>,
}

impl Field {
    pub(super) fn text(
        name: &'static str,
        label: &'static str,
        autocomplete: &'static str,
        value: &str,
    ) -> Self {
        Self { name, label, kind: "text", autocomplete, value: value.to_owned(), error: None }
    }

    pub(super) fn of_kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// Marks what was sent as wrong.
    pub(super) fn wrong_if(self, wrong: bool, error: &'static str) -> Self {
        Self { error: wrong.then_some(error), ..self }
    }
}

/// A list to choose one from.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) options: Vec<Opt>,
}

/// One of a list.
pub(super) struct Opt {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

impl Choice {
    pub(super) fn new(
        name: &'static str,
        label: &'static str,
        options: impl IntoIterator<Item = (String, String)>,
        chosen: &str,
    ) -> Self {
        let opt = |(value, label): (String, String)| Opt { chosen: value == chosen, value, label };
        Self { name, label, options: options.into_iter().map(opt).collect() }
    }
}

/// A box to tick.
pub(super) struct Tick {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) ticked: bool,
}
