//! What the services need to know of how the emulator was started.

use std::time::Duration;

use iothub::runtime::Secret;

use crate::profile::Profile;

/// How the emulator was started.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Which of two ways of answering.
    pub(crate) profile: Profile,
    /// How many items a page of a list or of a query's result has, unless the caller asks for fewer.
    pub(crate) page_size: usize,
    /// How long an asynchronous operation of the resource provider takes.
    pub(crate) lro_delay: Duration,
    /// The one token that the resource provider takes; without it, it takes any.
    pub(crate) arm_token: Option<Secret>,
    /// The subscription of the hubs that the emulator starts with.
    pub(crate) subscription: String,
    /// How much there may be.
    pub(crate) limits: Limits,
}

/// How much there may be, as the service has it.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The most devices of a hub.
    pub(crate) devices: usize,
    /// The most jobs that a hub knows of. Those that have ended make room.
    pub(crate) jobs: usize,
    /// How many bytes the devices of jobs that have ended may take, roughly.
    pub(crate) job_bytes: usize,
    /// How many bytes of a list of devices are in memory before they are written.
    pub(crate) part_bytes: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            profile: Profile::Service,
            page_size: 100,
            lro_delay: Duration::from_secs(1),
            arm_token: None,
            subscription: "00000000-0000-0000-0000-000000000000".to_owned(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { devices: 1_000_000, jobs: 10_000, job_bytes: 256 << 20, part_bytes: 4 << 20 }
    }
}
