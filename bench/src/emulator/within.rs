//! The emulator without sockets: what it does with a write, and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use http::Request;
use iothub_emulator::Emulator;
use specsmith_runtime::Body;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tower_service::Service;

use super::{CONNECTIONS, SOME, VERSION, WRITES, id, process, spread};
use crate::Result;
use crate::client::KEY;

pub(super) struct Within {
    runtime: Runtime,
    emulator: Emulator,
    token: Arc<str>,
}

impl Within {
    /// Over the data of a folder.
    pub(super) fn open(folder: &Path, token: &str) -> Result<Within> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let builder = Emulator::builder().in_process().key(process::POLICY, KEY).data_dir(folder);
        let emulator = runtime.block_on(builder.start())?;
        Ok(Within { runtime, emulator, token: token.into() })
    }

    /// The time of so many writes, each of [`CONNECTIONS`] tasks sending its next one when it has the answer.
    pub(super) fn writes(&self) -> Result<f64> {
        let start = Instant::now();
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for task in 0..CONNECTIONS {
                let (mut service, token) = (self.emulator.service(), self.token.clone());
                tasks.spawn(async move {
                    for number in (task..SOME).step_by(CONNECTIONS).take(WRITES / CONNECTIONS) {
                        let id = id(spread(number));
                        let request = Request::put(format!("/devices/{id}?{VERSION}"))
                            .header("host", "127.0.0.1")
                            .header("authorization", &*token)
                            .header("if-match", "*")
                            .header("content-type", "application/json")
                            .body(Body::from(format!("{{\"deviceId\":\"{id}\"}}")))?;
                        let answer = service.call(request).await?;
                        if !answer.status().is_success() {
                            return Err(format!("the answer is {}", answer.status()).into());
                        }
                    }
                    Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
                });
            }
            while let Some(task) = tasks.join_next().await {
                task?.map_err(|error| error.to_string())?;
            }
            Ok(start.elapsed().as_secs_f64())
        })
    }
}
