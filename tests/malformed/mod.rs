//! Requests that no generated client sends, and what becomes of them: by a table, in this process where no socket is needed.

mod bodies;
mod connections;
mod heads;
mod methods;
mod socket;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use iothub::runtime::server::Router;
use iothub::runtime::{Body, Bytes};
use serde_json::Value;

use crate::round_trips::{REACHED, Recorder, router};
use crate::service::Hurried;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Whether the connection ends with it.
    fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    /// The code and the message of an error, which must be in the form of this service, to the letter.
    fn error(&self, arm: bool) -> (String, String) {
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"));
        let request_id = self.header("x-ms-request-id").unwrap();
        assert_eq!(request_id.len(), 36, "{request_id}");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        if arm {
            assert!(!self.headers.contains_key("iothub-errorcode"));
            let error = &body["error"];
            let details = error["details"].as_array().into_iter().flatten();
            let details = details.map(|detail| {
                assert_eq!(detail["code"], error["code"]);
                format!(" {}: {}.", text(&detail["target"]), text(&detail["message"]))
            });
            return (text(&error["code"]), text(&error["message"]) + &details.collect::<String>());
        }
        let names: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["Message", "ExceptionMessage"]);
        assert!(text(&body["ExceptionMessage"]).starts_with(&format!("Tracking ID:{request_id}-TimeStamp:")));
        let message = text(&body["Message"]);
        // As clients take it apart.
        let halves: Vec<&str> = message.split(';').collect();
        let [code, message] = halves[..] else { panic!("{message}") };
        let code = code.strip_prefix("ErrorCode:").unwrap();
        assert_eq!(self.header("iothub-errorcode"), Some(code));
        assert!(!message.is_empty());
        (code.to_owned(), message.to_owned())
    }
}

/// What is to become of a request.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// Its operation is called, which answers 418.
    Reached(&'static str),
    /// The status of an error, and parts of its message.
    Refused(u16, &'static [&'static str]),
    /// The same, and the connection ends.
    Closed(u16, &'static [&'static str]),
}
use Fate::{Closed, Reached, Refused};

/// The code that each service has for a status.
fn code(status: u16, arm: bool) -> &'static str {
    match (status, arm) {
        (400, false) => "ArgumentInvalid",
        (400, true) => "BadRequest",
        (404, _) => "NotFound",
        (405, _) => "MethodNotAllowed",
        (406, _) => "NotAcceptable",
        (408, _) => "RequestTimeout",
        (413, false) => "MessageTooLarge",
        (413, true) => "RequestTooLarge",
        (415, _) => "UnsupportedMediaType",
        (418, _) => REACHED,
        other => panic!("no code for {other:?}"),
    }
}

impl Fate {
    /// Compares it with the answer, and with the operations that were called.
    pub(crate) fn check(&self, what: &str, arm: bool, reply: &Reply, called: &[&'static str]) {
        let (status, parts, operation) = match self {
            Reached(id) => (418, &[][..], Some(*id)),
            Refused(status, parts) | Closed(status, parts) => (*status, *parts, None),
        };
        let shown = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, status, "{what}: {shown}");
        assert_eq!(called, operation.as_slice(), "{what}");
        let (own, message) = reply.error(arm);
        assert_eq!(own, code(status, arm), "{what}");
        for part in parts {
            assert!(message.contains(part), "{what}: {message:?} has no {part:?}");
        }
        assert_eq!(reply.closes(), matches!(self, Closed(..)), "{what}: {message}");
    }
}

/// A row of the table: a request, and what is to become of it.
struct Row {
    method: &'static str,
    target: &'static str,
    headers: Vec<(&'static str, &'static [u8])>,
    body: Bytes,
    fate: Fate,
}

fn row(method: &'static str, target: &'static str, fate: Fate) -> Row {
    Row { method, target, headers: Vec::new(), body: Bytes::new(), fate }
}

impl Row {
    fn header(mut self, name: &'static str, value: impl AsRef<[u8]> + 'static) -> Row {
        self.headers.push((name, Vec::leak(value.as_ref().to_vec())));
        self
    }

    fn body(mut self, body: impl AsRef<[u8]>) -> Row {
        self.body = Bytes::copy_from_slice(body.as_ref());
        self
    }

    fn json(self, body: impl AsRef<[u8]>) -> Row {
        self.header("content-type", "application/json").body(body)
    }
}

/// The router of all servers, whose operations answer 418.
struct Servers {
    recorder: Arc<Recorder>,
    router: Router,
}

impl Servers {
    fn new() -> Servers {
        let recorder = Arc::<Recorder>::default();
        Servers { router: router(&recorder).clock(Arc::new(Hurried)), recorder }
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let (head, body) = tower_service::Service::call(&mut self.router.clone(), request).await.unwrap().into_parts();
        Reply { status: head.status.as_u16(), headers: head.headers, body: body.collect(1 << 20).await.unwrap() }
    }

    fn called(&self) -> Vec<&'static str> {
        self.recorder.asked().into_iter().map(|(id, _)| id).collect()
    }

    async fn check(&self, rows: Vec<Row>) {
        for Row { method, target, headers, body, fate } in rows {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(100).collect::<String>();
            let headers_shown: Vec<_> =
                headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
            let what = format!("{method} {target} {headers_shown:?} {}", text(&body));
            let mut request = Request::builder().method(method).uri(target).body(Body::from(body)).unwrap();
            for (name, value) in headers {
                let value = HeaderValue::from_bytes(value).unwrap();
                request.headers_mut().append(HeaderName::from_static(name), value);
            }
            let reply = self.send(request).await;
            fate.check(&what, target.starts_with("/subscriptions"), &reply, &self.called());
        }
        let well = row("GET", "/devices/d?api-version=1", Reached("DeviceApi_GetDevice"));
        let reply = self.send(Request::builder().uri(well.target).body(Body::Empty).unwrap()).await;
        well.fate.check("afterwards", false, &reply, &self.called());
    }
}
