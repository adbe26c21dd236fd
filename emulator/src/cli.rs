//! Arguments into a builder, and what comes of it into lines and an exit code.

mod files;
mod signals;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use iothub_emulator::{Builder, Emulator, Profile, StartError};

const ABOUT: &str = "An Azure IoT Hub on one's own machine, for tests and development.

Started without arguments it prints a connection string for the crate `iothub`, listens to 127.0.0.1:8080, and keeps everything in memory.";

const AFTER: &str = "Exit codes:
  0  stopped by SIGINT (Ctrl-C) or SIGTERM
  1  could not start: the port is taken, or the data or the certificate cannot be used
  2  wrong arguments

Health is at GET /$emulator/health; the rest of the admin API below /$emulator/ is for this machine, or for whoever has the admin token.";

/// What the program is told.
#[derive(Debug, Parser)]
#[command(name = "iothub-emulator", version, about = ABOUT, after_help = AFTER, term_width = 100)]
struct Arguments {
    /// Where to listen; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address, default_value = "127.0.0.1:8080")]
    listen: String,

    /// Writes the port into this file, once it can be connected to
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,

    /// Speaks TLS with a certificate that is made for localhost, 127.0.0.1, ::1 and the host name
    #[arg(long)]
    tls_self_signed: bool,

    /// Speaks TLS with this certificate (PEM; followed by its issuers, if any); needs --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls_self_signed")]
    tls_cert: Option<PathBuf>,

    /// The key of that certificate (PEM); needs --tls-cert
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Writes the certificate that clients have to trust into this file (PEM); needs --tls-self-signed or --tls-cert
    #[arg(long, value_name = "FILE")]
    cert_out: Option<PathBuf>,

    /// The hub's host name; what stands before its first dot is the hub's name
    #[arg(long, value_name = "NAME", default_value = "emulator.localhost")]
    host_name: String,

    /// A shared access policy that `--key` is for; may be repeated. Made-up names may do everything
    #[arg(long, value_name = "NAME")]
    key_name: Vec<String>,

    /// The policy's key: the primary one, or, where the policy is named again, the secondary one
    #[arg(long, value_name = "BASE64")]
    key: Vec<String>,

    /// The subscription that the hub is in
    #[arg(long, value_name = "ID", default_value = "00000000-0000-0000-0000-000000000000")]
    subscription: String,

    /// The bearer token of the resource provider; one is made unless it is given
    #[arg(long, value_name = "TOKEN")]
    arm_token: Option<String>,

    /// The bearer token with which the admin API may be used from other machines
    #[arg(long, value_name = "TOKEN")]
    admin_token: Option<String>,

    /// Keeps everything in this folder, and begins with what is there
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Whose status codes to answer: the service's, or those of its documentation
    #[arg(long, value_enum, default_value = "service")]
    profile: CliProfile,

    /// How long operations of the resource provider take
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    lro_delay: Duration,

    /// The items of a page where a request does not say how many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    page_size: Option<u32>,

    /// The most requests in a second; others are answered 429
    #[arg(long, value_name = "RPS", value_parser = rate)]
    throttle: Option<f64>,

    /// Waits before each answer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,

    /// Logs a line for each request to standard error; without it, only what goes wrong
    #[arg(long, value_enum, value_name = "FORMAT")]
    log: Option<Log>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CliProfile {
    /// As the service does
    Service,
    /// As its documentation says
    Documented,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Log {
    /// An object a line
    Json,
    /// For people
    Pretty,
}

fn address(text: &str) -> Result<String, String> {
    let is_host =
        |host: &str| !host.is_empty() && (host.starts_with('[') && host.ends_with(']') || !host.contains(':'));
    match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("expected an address and a port, such as 127.0.0.1:8080 or [::1]:0".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // Longer than that it is as good as never, and times do not overflow.
    let parsed = parsed.filter(|time| *time <= Duration::from_secs(365 * 24 * 60 * 60));
    parsed.ok_or_else(|| "expected a number of seconds, at most a year".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| rate.is_finite() && *rate > 0.0).ok_or_else(|| "expected a number above 0".to_owned())
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let arguments = match Arguments::try_parse().and_then(Arguments::check) {
        Ok(arguments) => arguments,
        Err(error) => {
            _ = error.print();
            // Help and version are no errors.
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    start_log(arguments.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, 1),
    };
    let outcome = runtime.block_on(serve(arguments));
    // What is cut off by a second signal does not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.downcast_ref().is_some_and(StartError::is_wrong_setting) => failed(&*error, 2),
        Err(error) => failed(&*error, 1),
    }
}

fn failed(error: &dyn std::error::Error, code: u8) -> ExitCode {
    _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(code)
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (port_file, cert_out) = (arguments.port_file.clone(), arguments.cert_out.clone());
    // A file of an earlier run would lead to a port that is nobody's, or somebody else's.
    if let Some(path) = &port_file {
        files::remove(path).map_err(|error| format!("--port-file: {error}"))?;
    }
    // From here on a signal stops it in good order, however early it comes.
    let mut signals = signals::Signals::new()?;
    let emulator = arguments.builder().start().await?;
    if let (Some(path), Some(certificate)) = (&cert_out, emulator.certificate()) {
        files::write(path, certificate.as_bytes()).map_err(|error| format!("--cert-out: {error}"))?;
    }
    if let (Some(path), Some(address)) = (&port_file, emulator.address()) {
        let port = format!("{}\n", address.port());
        files::write(path, port.as_bytes()).map_err(|error| format!("--port-file: {error}"))?;
    }
    say(&emulator);
    signals.next().await;
    tokio::select! {
        () = emulator.stop() => {}
        // Whoever asks twice does not want to wait.
        () = signals.next() => {}
    }
    Ok(())
}

/// What there is to know, with the connection string on a line of its own.
fn say(emulator: &Emulator) {
    // Nobody need be listening.
    _ = write!(
        io::stdout(),
        "iothub-emulator listens at {}\n\n{}\n\nResource provider: subscription {}, bearer token {}\n",
        emulator.url(),
        emulator.connection_string(),
        emulator.subscription(),
        emulator.arm_token(),
    );
    _ = io::stdout().flush();
}

impl Arguments {
    /// What the parser cannot see.
    fn check(self) -> Result<Arguments, clap::Error> {
        if self.key_name.len() != self.key.len() {
            let message = "each --key-name needs a --key, and each --key a --key-name";
            return Err(Arguments::command().error(ErrorKind::WrongNumberOfValues, message));
        }
        if self.cert_out.is_some() && !self.tls_self_signed && self.tls_cert.is_none() {
            let message = "--cert-out needs --tls-self-signed or --tls-cert";
            return Err(Arguments::command().error(ErrorKind::MissingRequiredArgument, message));
        }
        Ok(self)
    }

    fn builder(self) -> Builder {
        let profile = match self.profile {
            CliProfile::Service => Profile::Service,
            CliProfile::Documented => Profile::Documented,
        };
        let mut builder = Emulator::builder()
            .listen(self.listen)
            .host_name(self.host_name)
            .subscription(self.subscription)
            .profile(profile)
            .lro_delay(self.lro_delay)
            .latency(Duration::from_millis(self.latency));
        if self.tls_self_signed {
            builder = builder.tls_self_signed();
        }
        if let (Some(certificate), Some(key)) = (self.tls_cert, self.tls_key) {
            builder = builder.tls_files(certificate, key);
        }
        for (name, key) in self.key_name.into_iter().zip(self.key) {
            builder = builder.key(name, key);
        }
        if let Some(token) = self.arm_token {
            builder = builder.arm_token(token);
        }
        if let Some(token) = self.admin_token {
            builder = builder.admin_token(token);
        }
        if let Some(folder) = self.data_dir {
            builder = builder.data_dir(folder);
        }
        if let Some(items) = self.page_size.and_then(|items| usize::try_from(items).ok()) {
            builder = builder.page_size(items);
        }
        if let Some(requests) = self.throttle {
            builder = builder.throttle(requests);
        }
        builder
    }
}

fn start_log(log: Option<Log>) {
    use tracing_subscriber::fmt;
    let level = if log.is_some() { tracing::Level::INFO } else { tracing::Level::WARN };
    let lines =
        fmt().with_max_level(level).with_writer(io::stderr).with_ansi(io::IsTerminal::is_terminal(&io::stderr()));
    match log {
        Some(Log::Json) => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
        Some(Log::Pretty) | None => lines.init(),
    }
}
