//! What asks the program to end.

use std::io;

/// SIGINT and SIGTERM, and their like on Windows.
pub(super) struct Signals {
    #[cfg(unix)]
    inner: [tokio::signal::unix::Signal; 2],
    #[cfg(windows)]
    inner: (tokio::signal::windows::CtrlC, tokio::signal::windows::CtrlBreak, tokio::signal::windows::CtrlClose),
}

impl Signals {
    /// From now on signals do not end the program by themselves.
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { inner: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
    }

    /// From now on signals do not end the program by themselves.
    #[cfg(windows)]
    pub(super) fn new() -> io::Result<Signals> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
        Ok(Signals { inner: (ctrl_c()?, ctrl_break()?, ctrl_close()?) })
    }

    /// Waits for the next.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.inner;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    /// Waits for the next.
    #[cfg(windows)]
    pub(super) async fn next(&mut self) {
        let (interrupt, stop, close) = &mut self.inner;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
            _ = close.recv() => {}
        }
    }
}
