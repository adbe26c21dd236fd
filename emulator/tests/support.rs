//! The program as a child, raw HTTP, and a folder that goes when it is dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderMap, Request};
use iothub::hub::Client;
use iothub::runtime::Body;
use iothub::runtime::credential::SasKey;
use iothub::runtime::time::UnixTime;
use iothub_emulator::Emulator;
use serde_json::Value;
use tower_service::Service;

/// Long enough for anything that happens at all.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A folder that goes when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder::within(&std::env::temp_dir())
    }

    fn within(parent: &Path) -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("iothub-emulator-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = parent.join(name);
        _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// One of a file system that is in memory, if there is one: for whoever writes much.
    pub(crate) fn in_memory() -> Folder {
        match Path::new("/dev/shm") {
            shared if shared.is_dir() => Folder::within(shared),
            _ => Folder::new(),
        }
    }

    pub(crate) fn join(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iothub-emulator"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The program, ready. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
    pub(crate) connection_string: String,
}

impl Program {
    /// Starts it on a free port.
    pub(crate) fn start(arguments: &[&str]) -> Program {
        Program::at("127.0.0.1:0", arguments)
    }

    pub(crate) fn at(address: &str, arguments: &[&str]) -> Program {
        let mut command = command(&["--listen", address]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = [(); 4].map(|()| {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            line
        });
        if lines[3].is_empty() {
            panic!("it did not start: {lines:?}, {}", stderr(&mut child));
        }
        let connection_string = std::mem::take(&mut lines[2]).trim_end().to_owned();
        let url = lines[0].trim_end().rsplit_once(' ').unwrap().1.to_owned();
        Program { child, stdout, url, connection_string }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let authority = self.url.split_once("://").unwrap().1;
        let address: SocketAddr = authority.parse().unwrap();
        address
    }

    pub(crate) fn hub(&self) -> Client {
        Client::from_connection_string(&self.connection_string).unwrap()
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end, and gives what it wrote to standard error, too.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let errors = stderr(&mut self.child);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), errors)
    }

    /// Ends it as the system does that has no more time.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn stderr(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A connection by hand.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Raw {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Raw(stream)
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// A request without a body, on a connection that stays open.
    pub(crate) fn request(&mut self, method: &str, path: &str, headers: &str) {
        self.send(&format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n"));
    }

    /// A request with a JSON body, or none, on a connection that stays open; and its answer.
    pub(crate) fn exchange(&mut self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let length = body.len();
        let about = match body {
            "" => String::new(),
            _ => format!("content-type: application/json\r\ncontent-length: {length}\r\n"),
        };
        self.send(&format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}{about}\r\n{body}"));
        let (head, body) = self.answer();
        (head[9..12].parse().unwrap(), head, body)
    }

    /// What comes until the other end closes the connection, in whatever way.
    pub(crate) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => bytes.extend(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    /// One answer with a length: its head and its body.
    pub(crate) fn answer(&mut self) -> (String, String) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }
}

/// The answer to one request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> (u16, String) {
    let mut raw = Raw::connect(address);
    raw.request(method, path, &format!("{headers}connection: close\r\n"));
    let answer = raw.rest();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (head[9..12].parse().unwrap(), body.to_owned())
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A token that may do everything for the hub of an emulator, at whatever time.
pub(crate) fn token(emulator: &Emulator) -> String {
    let text = emulator.connection_string();
    let part = |name| {
        let mut parts = text.split(';');
        parts.find_map(|part| part.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {text}"))
    };
    let (policy, key) = (part("SharedAccessKeyName="), part("SharedAccessKey="));
    let key = SasKey::from_base64(key).unwrap();
    key.token(emulator.host_name(), Some(policy), UnixTime::new(i64::from(u32::MAX))).unwrap().expose().to_owned()
}

/// What blocks does so on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// An answer without a socket.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of an error, wherever it stands.
    pub(crate) fn code(&self) -> Option<String> {
        let body = serde_json::from_str(&self.text).unwrap_or(Value::Null);
        let places = [&body["code"], &body["Code"], &body["error"]["code"]];
        let stands = places.into_iter().find_map(|place| place.as_str());
        self.header("iothub-errorcode").or(stands).map(str::to_owned)
    }
}

/// A request by hand without a socket. It has a token unless the headers have one, which they cannot do without where it is not the hub that
/// is asked.
pub(crate) async fn send(
    emulator: &Emulator,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    let has = |name| headers.iter().any(|(given, _)| *given == name);
    if !has("authorization") {
        request = request.header("authorization", token(emulator));
    }
    if !has("content-type") && !matches!(method, "GET" | "DELETE") {
        request = request.header("content-type", "application/json");
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = emulator.service().call(request.body(body.into()).unwrap()).await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = String::from_utf8(answer.into_body().collect(1 << 26).await.unwrap().to_vec()).unwrap();
    Answer { status, headers, text }
}
