//! What is measured: a framework with what keeps sessions on it, and what a request does.

use clap::ValueEnum;

/// A web framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Framework {
    Axum,
    Actix,
    Rocket,
}

/// A framework, and what keeps sessions on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stack {
    AxumBare,
    AxumNoop,
    AxumOurs,
    #[cfg(feature = "peers")]
    AxumTowerSessions,
    #[cfg(feature = "peers")]
    AxumSession,
    ActixBare,
    ActixNoop,
    ActixOurs,
    #[cfg(feature = "peers")]
    ActixSession,
    RocketBare,
    RocketNoop,
    RocketOurs,
    #[cfg(feature = "peers")]
    RocketFlexSession,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Case {
    /// Its handler does not ask for the session, and there is none
    Untouched,
    /// Its handler does not ask for the session
    UntouchedCookie,
    /// Reads one number of a small session
    Read,
    /// Reads it, and writes it
    Write,
    /// The same, where there is no session yet
    New,
}

impl Framework {
    pub const ALL: [Self; 3] = [Self::Axum, Self::Actix, Self::Rocket];

    /// The framework with no session at all.
    pub fn bare(self) -> Stack {
        match self {
            Self::Axum => Stack::AxumBare,
            Self::Actix => Stack::ActixBare,
            Self::Rocket => Stack::RocketBare,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix-web",
            Self::Rocket => "Rocket",
        }
    }
}

impl Stack {
    pub fn framework(self) -> Framework {
        let name = self.name();
        // Every name begins with that of its framework.
        let framework = Framework::ALL.into_iter().find(|framework| {
            framework.to_possible_value().is_some_and(|value| name.starts_with(value.get_name()))
        });
        framework.unwrap_or(Framework::Axum)
    }

    pub fn is_ours(self) -> bool {
        matches!(self, Self::AxumOurs | Self::ActixOurs | Self::RocketOurs)
    }

    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// As in a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::AxumBare | Self::ActixBare | Self::RocketBare => "bare",
            Self::AxumNoop => "a layer that does nothing",
            Self::ActixNoop => "a middleware that does nothing",
            Self::RocketNoop => "a fairing that does nothing",
            Self::AxumOurs | Self::ActixOurs | Self::RocketOurs => "ours",
            #[cfg(feature = "peers")]
            Self::AxumTowerSessions => "tower-sessions 0.15",
            #[cfg(feature = "peers")]
            Self::AxumSession => "axum_session 0.22",
            #[cfg(feature = "peers")]
            Self::ActixSession => "actix-session 0.11",
            #[cfg(feature = "peers")]
            Self::RocketFlexSession => "rocket_flex_session 0.2",
        }
    }
}

impl Case {
    pub const ALL: [Self; 5] = [Self::Untouched, Self::UntouchedCookie, Self::Read, Self::Write, Self::New];

    pub fn path(self) -> &'static str {
        match self {
            Self::Untouched | Self::UntouchedCookie => "/untouched",
            Self::Read => "/read",
            Self::Write | Self::New => "/write",
        }
    }

    pub fn has_cookie(self) -> bool {
        !matches!(self, Self::Untouched | Self::New)
    }

    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// As in a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Untouched => "untouched, no cookie",
            Self::UntouchedCookie => "untouched, cookie",
            Self::Read => "read",
            Self::Write => "write",
            Self::New => "new session",
        }
    }
}
