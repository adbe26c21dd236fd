//! What only a socket shows: lengths, pieces, and what becomes of the connection.

use std::sync::Arc;

use iothub::device::server::HttpRuntimeServer;
use iothub::device::server::http_runtime::{HttpRuntime, SendDeviceEventRequest, SendDeviceEventResponse};
use iothub::hub::server::{DeviceApiServer, JobApiServer};
use iothub::management::server::IotHubResourceServer;
use iothub::runtime::server::{Context, Router, ServiceError};

use super::socket::After::{Closed as Ends, Open as Lives};
use super::socket::Back::{Bare, Continue, Http, Last, Of};
use super::socket::{After, Back, Piece, Server};
use super::{Closed, Reached, Refused};
use crate::round_trips::Recorder;
use crate::service::Hurried;

/// Reads what it is sent.
struct Reader;

impl HttpRuntime for Reader {
    async fn send_device_event(
        &self,
        _: &Context,
        request: SendDeviceEventRequest,
    ) -> Result<SendDeviceEventResponse, ServiceError> {
        request.message.collect(usize::MAX).await?;
        Ok(SendDeviceEventResponse::NoContent)
    }
}

fn server(change: impl FnOnce(Router) -> Router) -> Server {
    let recorder = Arc::<Recorder>::default();
    let router = Router::new()
        .add(DeviceApiServer::new(recorder.clone()))
        .add(JobApiServer::new(recorder.clone()))
        .add(IotHubResourceServer::new(recorder.clone()))
        .add(HttpRuntimeServer::new(Reader));
    Server::new(change(router), &recorder)
}

struct Row {
    what: &'static str,
    pieces: Vec<Piece>,
    backs: Vec<Back>,
    after: After,
}

fn row<const N: usize>(what: &'static str, pieces: [Piece; N], backs: impl Into<Vec<Back>>, after: After) -> Row {
    Row { what, pieces: pieces.into(), backs: backs.into(), after }
}

fn check(server: &Server, rows: Vec<Row>) {
    for Row { what, pieces, backs, after } in rows {
        server.check(what, &pieces, &backs, after);
    }
}

const GET: Back = Of(Reached("DeviceApi_GetDevice"));
const PUT: Back = Of(Reached("DeviceApi_PutDevice"));

/// A request that changes a device, with these headers and this body.
fn put(headers: &str, body: &str) -> Piece {
    format!("PUT /devices/d?api-version=1 HTTP/1.1\r\nhost: h\r\n{headers}\r\n{body}").into()
}

fn get(headers: &str) -> Piece {
    format!("GET /devices/d?api-version=1 HTTP/1.1\r\nhost: h\r\n{headers}\r\n").into()
}

fn event(headers: &str, body: &str) -> Piece {
    format!("POST /devices/d/messages/events?api-version=1 HTTP/1.1\r\nhost: h\r\n{headers}\r\n{body}").into()
}

/// Nothing behind a body that is shorter than it was said to be is taken for a request.
#[test]
fn a_length_that_is_too_short() {
    // As a client counts that takes characters for bytes.
    let json = "{\"deviceId\":\"d\",\"statusReason\":\"au\u{df}er Betrieb\"}";
    let characters =
        format!("content-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n", json.chars().count());
    let smuggled = "DELETE /devices/x?api-version=1 HTTP/1.1\r\nhost: h\r\n\r\n";
    let cut = |json: &str| format!("content-length: {}\r\n", json.len());
    let (open, wrong) = ("{\"deviceId\":\"d\",\"statusReason\":\"", "{\"deviceId\":7,\"statusReason\":\"");
    let broken = || [Of(Closed(400, &["body: "]))];
    let rows = vec![
        row("characters", [put(&characters, json)], broken(), Ends),
        row("the rest comes later", [put(&characters, &json[..json.len() - 1]), "}".into()], broken(), Ends),
        row("a request in a text", [put(&cut(open), open), smuggled.into()], broken(), Ends),
        row("at once", [put(&cut(open), &format!("{open}{smuggled}"))], broken(), Ends),
        row("behind what is wrong", [put(&cut(wrong), wrong), smuggled.into()], broken(), Ends),
        row("and the query is wrong too", [
            format!("PUT /devices/d HTTP/1.1\r\nhost: h\r\n{}\r\n{open}{smuggled}", cut(open)).into(),
        ], [Of(Closed(400, &["query api-version: it is missing.", "body: "]))], Ends),
        row("subscriptions", [
            format!("PUT /subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h?api-version=1 HTTP/1.1\r\nhost: h\r\n{}\r\n{open}{smuggled}", cut(open)).into(),
        ], broken(), Ends),
        row("none at all", [put("content-length: 0\r\n", json)], [Of(Refused(400, &["body: it is missing."])), Http(400)], Ends),
        row("characters that are bytes", [put(&cut("{\"deviceId\":\"d\"}"), "{\"deviceId\":\"d\"}")], [PUT], Lives),
    ];
    check(&server(|router| router), rows);
}

#[test]
fn bodies_that_break_off() {
    let cut = &["The body broke off."];
    let chunked = "transfer-encoding: chunked\r\n";
    let rows = vec![
        row("too short", [put("content-length: 100\r\n", "{"), Piece::End], [Of(Closed(400, cut))], Ends),
        row("an event", [event("content-length: 100\r\n", "{"), Piece::End], [Of(Closed(400, cut))], Ends),
        row("no last chunk", [put(chunked, "1\r\n{\r\n"), Piece::End], [Of(Closed(400, cut))], Ends),
        row("half a chunk", [event(chunked, "5\r\n{"), Piece::End], [Of(Closed(400, cut))], Ends),
        row("no size of a chunk", [put(chunked, "x\r\n{\r\n")], [Of(Closed(400, cut))], Ends),
        row("a size without end", [event(chunked, "fffffffffffffffff\r\n{\r\n")], [Of(Closed(400, cut))], Ends),
        row("too long a chunk", [put(chunked, "1\r\n{}\r\n0\r\n\r\n")], [Of(Closed(400, cut))], Ends),
        row("half a head", ["PUT /devices/d?api-version=1 HTTP/1.1\r\nhost".into(), Piece::End], [], Ends),
        row("nothing", [Piece::End], [], Ends),
    ];
    check(&server(|router| router), rows);
}

#[test]
fn bodies_that_are_too_large() {
    let large = &["The body is larger than 100 bytes."];
    let chunk = format!("65\r\n{}\r\n", " ".repeat(101));
    let chunked = "transfer-encoding: chunked\r\n";
    let hub = "POST /subscriptions/s/providers/Microsoft.Devices/checkNameAvailability?api-version=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 101\r\n\r\n";
    let rows = vec![
        row("declared", [put("content-length: 101\r\n", "")], [Of(Closed(413, large))], Ends),
        row("declared, an event", [event("content-length: 101\r\n", "")], [Of(Closed(413, large))], Ends),
        row("subscriptions", [hub.into()], [Of(Closed(413, large))], Ends),
        row("beyond all", [put("content-length: 18446744073709551615\r\n", "")], [Http(431)], Ends),
        row("nearly beyond all", [put("content-length: 9223372036854775807\r\n", "")], [Of(Closed(413, large))], Ends),
        row("in chunks", [put(chunked, &chunk)], [Of(Closed(413, large))], Ends),
        row("in chunks, an event", [event(chunked, &chunk)], [Of(Closed(413, large))], Ends),
        row(
            "and would be waited for",
            [put("content-length: 101\r\nexpect: 100-continue\r\n", "")],
            [Of(Closed(413, large))],
            Ends,
        ),
        row(
            "just fits",
            [put("content-length: 100\r\n", &format!("{{\"deviceId\":\"d\"}}{}", " ".repeat(84)))],
            [PUT],
            Lives,
        ),
    ];
    check(&server(|router| router.body_limit(100)), rows);
}

/// The server's clock is one by which whoever waits has waited long enough.
#[test]
fn bodies_that_are_too_slow() {
    let slow = || [Of(Closed(408, &["The body did not arrive in time."]))];
    let rows = vec![
        row("nothing comes", [put("content-length: 16\r\n", "")], slow(), Ends),
        row("nothing comes of an event", [event("content-length: 16\r\n", "")], slow(), Ends),
        row("half of it comes", [put("content-length: 16\r\n", "{\"deviceId\":")], slow(), Ends),
        row("half of an event comes", [event("content-length: 16\r\n", "a")], slow(), Ends),
        row("no last chunk", [event("transfer-encoding: chunked\r\n", "1\r\na\r\n")], slow(), Ends),
        row("subscriptions", ["POST /subscriptions/s/providers/Microsoft.Devices/checkNameAvailability?api-version=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n".into()], slow(), Ends),
        // Nobody waits for what nobody reads.
        row("all is there", [put("content-length: 16\r\n", "{\"deviceId\":\"d\"}")], [PUT], Lives),
    ];
    check(&server(|router| router.clock(Arc::new(Hurried))), rows);
}

#[test]
fn expectations_and_pipelines() {
    const BODY: &[u8] = b"{\"deviceId\":\"d\"}";
    let body = "{\"deviceId\":\"d\"}";
    let length = "content-length: 16\r\n";
    let expect = "content-length: 16\r\nexpect: 100-continue\r\n";
    let text = |piece: Piece| match piece {
        Piece::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
        Piece::End => panic!(),
    };
    let all = |pieces: Vec<Piece>| -> Piece { pieces.into_iter().map(text).collect::<String>().into() };
    let twice = "GET /devices?api-version=1&top=1&top=2 HTTP/1.1\r\nhost: h\r\n\r\n";
    let wrong = || Of(Refused(400, &["query top"]));
    let rows = vec![
        row("waits for its turn", [put(expect, "")], [Continue(BODY), PUT], Lives),
        row("an event waits", [event(expect, "")], [Continue(BODY), Bare(204, None)], Lives),
        row(
            "waits for nothing",
            [format!("PUT /nowhere HTTP/1.1\r\nhost: h\r\n{expect}\r\n").into()],
            [Of(Refused(404, &[]))],
            Ends,
        ),
        row("does not wait", [put(expect, body)], [Continue(b""), PUT], Lives),
        row("three at once", [all(vec![get(""), put(length, body), get("")])], [GET, PUT, GET], Lives),
        row("one is wrong", [all(vec![get(""), twice.into(), put(length, body)])], [GET, wrong(), PUT], Lives),
        row(
            "one byte each",
            [all(vec![
                put("transfer-encoding: chunked\r\n", "1\r\n{\r\nf;x=y\r\n\"deviceId\":\"d\"}\r\n0\r\nx: y\r\n\r\n"),
                get(""),
            ])],
            [PUT, GET],
            Lives,
        ),
        // Other JSON is no reason to stop, no JSON is.
        row(
            "other JSON between",
            [all(vec![put(length, "{\"deviceId\":777}"), get("")])],
            [Of(Refused(400, &["deviceId"])), GET],
            Lives,
        ),
        row(
            "no JSON between",
            [all(vec![put(length, "{\"deviceId\":777]"), get("")])],
            [Of(Closed(400, &["body: "]))],
            Ends,
        ),
        row("a body that nobody reads", [all(vec![get(length), body.into(), get("")])], [GET, GET], Lives),
        row("the last one", [all(vec![get("connection: close\r\n"), get("")])], [Last("DeviceApi_GetDevice")], Ends),
    ];
    check(&server(|router| router), rows);
}

#[test]
fn heads_as_bytes() {
    let line = |line: &'static [u8]| Piece::Bytes([line, b"\r\nhost: h\r\n\r\n"].concat());
    let with = |header: &'static [u8]| {
        Piece::Bytes([&b"GET /devices/d?api-version=1 HTTP/1.1\r\nhost: h\r\n"[..], header, b"\r\n\r\n"].concat())
    };
    let many = |count: usize, of: &str| Piece::from(of.repeat(count));
    let rows = vec![
        row("1.0", ["GET /devices/d?api-version=1 HTTP/1.0\r\n\r\n".into()], [Last("DeviceApi_GetDevice")], Ends),
        row(
            "1.0, and more",
            ["GET /devices/d?api-version=1 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n".into()],
            [GET],
            Lives,
        ),
        row("absolute", [line(b"GET http://other:81/devices/d?api-version=1 HTTP/1.1")], [GET], Lives),
        row("any server", [line(b"OPTIONS * HTTP/1.1")], [Bare(204, None)], Lives),
        row("get any", [line(b"GET * HTTP/1.1")], [Of(Refused(404, &[]))], Lives),
        row("connect", [line(b"CONNECT h:443 HTTP/1.1")], [Of(Refused(404, &[]))], Lives),
        row("options", [line(b"OPTIONS /devices/d HTTP/1.1")], [Bare(204, None)], Lives),
        row("head", [line(b"HEAD /devices/d?api-version=1 HTTP/1.1")], [Bare(418, Some("DeviceApi_GetDevice"))], Lives),
        row("head of nothing", [line(b"HEAD /nowhere HTTP/1.1")], [Bare(404, None)], Lives),
        row("head of no GET", [line(b"HEAD /devices/d/commands HTTP/1.1")], [Bare(405, None)], Lives),
        row("brew", [line(b"BREW /devices/d HTTP/1.1")], [Of(Refused(405, &[]))], Lives),
        row("small letters", [line(b"get /devices/d HTTP/1.1")], [Of(Refused(405, &[]))], Lives),
        row("path: no UTF-8", [line(b"GET /devices/\xff?api-version=1 HTTP/1.1")], [Http(400)], Ends),
        row("path: UTF-8", [line(b"GET /devices/\xc3\xbc?api-version=1 HTTP/1.1")], [GET], Lives),
        row("path: NUL", [line(b"GET /devices/\0?api-version=1 HTTP/1.1")], [Http(400)], Ends),
        row(
            "path: escaped NUL",
            [line(b"GET /devices/%00?api-version=1 HTTP/1.1")],
            [Of(Refused(400, &["NUL"]))],
            Lives,
        ),
        row("path: space", [line(b"GET /devices/a b?api-version=1 HTTP/1.1")], [Http(400)], Ends),
        row("path: tab", [line(b"GET /devices/a\tb?api-version=1 HTTP/1.1")], [Http(400)], Ends),
        row("path: others", [line(b"GET /devices/a\\b|^{}\"[]?api-version={}|\\^ HTTP/1.1")], [GET], Lives),
        row("path: fragment", [line(b"GET /devices/a?api-version=1#b HTTP/1.1")], [GET], Lives),
        row(
            "path: dots",
            [line(b"GET /devices/../devices/d?api-version=1 HTTP/1.1")],
            [Of(Refused(400, &["`..`"]))],
            Lives,
        ),
        row("path: none", [line(b"GET ?api-version=1 HTTP/1.1")], [Http(400)], Ends),
        row("path: word", [line(b"GET devices/d HTTP/1.1")], [Http(400)], Ends),
        row("query: no UTF-8", [line(b"GET /devices/d?api-version=\xff HTTP/1.1")], [Http(400)], Ends),
        row("header: no UTF-8", [with(b"x: \xff")], [GET], Lives),
        row("header: NUL", [with(b"x: a\0b")], [Http(400)], Ends),
        row("header: return", [with(b"x: a\rb")], [Http(400)], Ends),
        row("header: space in its name", [with(b"x : a")], [Http(400)], Ends),
        row("header: no colon", [with(b"x")], [Http(400)], Ends),
        row("header: folded", [with(b"x: a\r\n b")], [Http(400)], Ends),
        row("header: no name", [with(b": a")], [Http(400)], Ends),
        row("two hosts", [with(b"host: other")], [Of(Refused(400, &["host"]))], Lives),
        row("many headers", ["GET / HTTP/1.1\r\n".into(), many(200, "x: y\r\n"), "\r\n".into()], [Http(431)], Ends),
        row("long header", ["GET / HTTP/1.1\r\nx: ".into(), many(500_000, "y")], [Http(431)], Ends),
        row("long path", ["GET /".into(), many(70_000, "y"), " HTTP/1.1\r\n\r\n".into()], [Http(414)], Ends),
        row("line ends", ["\r\n\r\nGET /devices/d?api-version=1 HTTP/1.1\nhost: h\n\n".into()], [GET], Lives),
        row("0.9", ["GET /devices/d?api-version=1\r\n".into()], [Http(400)], Ends),
        row("1.2", [line(b"GET / HTTP/1.2")], [Http(400)], Ends),
        row("2.0", ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into()], [], Ends),
        row("TLS", [b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03".into()], [Http(400)], Ends),
    ];
    check(&server(|router| router), rows);
}

/// Two ways to say where a request ends are one too many.
#[test]
fn lengths_that_contradict() {
    const BODY: &str = "{\"deviceId\":\"d\"}";
    const CHUNKS: &str = "10\r\n{\"deviceId\":\"d\"}\r\n0\r\n\r\n";
    let rows = vec![
        row("twice", [put("content-length: 16\r\ncontent-length: 17\r\n", BODY)], [Http(400)], Ends),
        row("twice the same", [put("content-length: 16\r\ncontent-length: 16\r\n", BODY)], [PUT], Lives),
        row("in a list", [put("content-length: 16, 16\r\n", BODY)], [Http(400)], Ends),
        row("with a sign", [put("content-length: +16\r\n", BODY)], [Http(400)], Ends),
        row("less than nothing", [put("content-length: -1\r\n", BODY)], [Http(400)], Ends),
        row("empty", [put("content-length: \r\n", BODY)], [Http(400)], Ends),
        row(
            "chunks of another length",
            [put("content-length: 3\r\ntransfer-encoding: chunked\r\n", CHUNKS)],
            [Last("DeviceApi_PutDevice")],
            Ends,
        ),
        row("chunked", [put("transfer-encoding: Chunked\r\n", CHUNKS)], [PUT], Lives),
        row("twice chunked", [put("transfer-encoding: chunked, chunked\r\n", CHUNKS)], [PUT], Lives),
        row("not chunked in the end", [put("transfer-encoding: chunked, gzip\r\n", CHUNKS)], [Http(400)], Ends),
        row("nearly chunked", [put("transfer-encoding: xchunked\r\n", CHUNKS)], [Http(400)], Ends),
        // What is packed is taken for JSON, which it is not.
        row(
            "packed",
            [put("transfer-encoding: gzip, chunked\r\n", "2\r\n\u{1f}{\r\n0\r\n\r\n")],
            [Of(Closed(400, &["body: "]))],
            Ends,
        ),
        row(
            "chunked in 1.0",
            ["PUT /devices/d?api-version=1 HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".into()],
            [Http(400)],
            Ends,
        ),
    ];
    check(&server(|router| router), rows);
}
