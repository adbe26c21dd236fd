//! How the emulator behaves.

use std::str::FromStr;
use std::time::Duration;

/// Whose status codes the emulator answers, where the service's documentation and the service differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// As the service does; its clients take nothing else.
    #[default]
    Service,
    /// As its documentation says.
    Documented,
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Profile, String> {
        match text {
            "service" => Ok(Profile::Service),
            "documented" => Ok(Profile::Documented),
            _ => Err("expected service or documented".to_owned()),
        }
    }
}

/// What is the same for all hubs, from the start to the end.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Whose status codes are answered.
    pub(crate) profile: Profile,
    /// How long operations of the resource provider take.
    pub(crate) lro_delay: Duration,
    /// The most items of a page, where neither the service nor the request has fewer.
    pub(crate) page_size: usize,
    /// The subscription that the main hub is in.
    pub(crate) subscription: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            profile: Profile::Service,
            lro_delay: Duration::from_secs(1),
            page_size: 1_000,
            subscription: "00000000-0000-0000-0000-000000000000".to_owned(),
        }
    }
}
