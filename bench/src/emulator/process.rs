//! Servers in processes of their own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use axum::Router;
use axum::routing::get;
use http::header::{CONTENT_TYPE, ETAG};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::Result;
use crate::client::{DEVICE, KEY};

/// The policy that requests are signed for.
pub(super) const POLICY: &str = "bench";

/// A server that answers, until it is dropped.
pub(super) struct Process {
    child: Child,
    pub(super) address: SocketAddr,
    /// The time from its start to its first answer, in seconds.
    pub(super) ready: f64,
}

impl Process {
    /// The emulator: in memory, or with this folder.
    pub(super) fn emulator(binary: &Path, folder: Option<&Path>) -> Result<Process> {
        let mut command = Command::new(binary);
        command.args(["--listen", "127.0.0.1:0", "--key-name", POLICY, "--key", KEY]);
        if let Some(folder) = folder {
            command.arg("--data-dir").arg(folder);
        }
        Process::start(command)
    }

    /// [`constant`].
    pub(super) fn constant() -> Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("constant");
        Process::start(command)
    }

    /// The first line that it writes ends with its URL.
    fn start(mut command: Command) -> Result<Process> {
        let start = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut process = Process { child, address: SocketAddr::from(([0; 4], 0)), ready: 0.0 };
        let mut line = String::new();
        BufReader::new(process.child.stdout.as_mut().ok_or("no output")?).read_line(&mut line)?;
        process.address = line.trim_end().rsplit('/').next().unwrap_or_default().parse()?;
        let mut stream = TcpStream::connect(process.address)?;
        stream.write_all(b"GET /$emulator/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        process.ready = start.elapsed().as_secs_f64();
        match answer.starts_with("HTTP/1.1 200") {
            true => Ok(process),
            false => Err(format!("the first answer is {answer}").into()),
        }
    }

    /// Stops it in good order.
    pub(super) fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(status.to_string().into()) }
    }

    /// What its threads have used of processors, in seconds.
    pub(super) fn processor(&self) -> Result<f64> {
        let mut nanos = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split(' ').next().unwrap_or_default().parse::<f64>()?;
        }
        Ok(nanos / 1e9)
    }

    /// Its resident memory, in bytes.
    pub(super) fn resident(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A server that answers a device to whoever asks, on as many threads as the emulator has.
pub(crate) fn constant() -> Result<()> {
    let answer = || async { ([(CONTENT_TYPE, "application/json; charset=utf-8"), (ETAG, "\"MA==\"")], DEVICE) };
    let router = Router::new().route("/devices/{id}", get(answer)).route("/$emulator/health", get(answer));
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        Ok(axum::serve(listener, router).await?)
    })
}
