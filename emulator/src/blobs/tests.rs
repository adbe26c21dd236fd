//! Blobs over HTTP, as clients of Azure Storage ask for them.

use std::time::Duration;

use iothub::runtime::Clock;

use super::*;
use crate::clock::HubClock;
use crate::services::Containers as _;
use crate::state::HubState;
use crate::store::Store;

const HOST: &str = "h.example";

struct Storage {
    blobs: BlobService,
    hub: Arc<Hub>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Status and code of an error, which stands in two places.
    #[track_caller]
    fn code(&self) -> (u16, &str) {
        let code = self.header("x-ms-error-code").unwrap_or_else(|| panic!("{} {}", self.status, self.text()));
        assert!(self.body.is_empty() || self.text().contains(&format!("<Error><Code>{code}</Code><Message>")));
        (self.status, code)
    }
}

impl Storage {
    fn new() -> Storage {
        let world = World::new(HubClock::new(), Store::none(), "h");
        let hub = Arc::new(Hub::new("h", HOST, world.clock.clone(), Store::none(), HubState::default()));
        world.add(hub.clone());
        Storage { blobs: BlobService::new(Arc::new(world)), hub }
    }

    /// The query that allows something for a minute.
    fn allow(&self, place: sas::Place<'_>, permissions: &str) -> String {
        let now = self.hub.clock.now();
        let key = self.hub.change(|state, changes| {
            let fresh = random::key()?;
            let mut writer = crate::state::blobs::Writer::open(&self.hub, state, changes, now);
            Ok::<_, iothub::runtime::server::ServiceError>(writer.key(String::from(fresh).into()))
        });
        sas::sign(&key.unwrap().now(), "h", place, permissions, now + Duration::from_secs(60))
    }

    /// The query that allows everything with a container.
    fn all(&self, container: &str) -> String {
        self.allow((container, None), "rwdl")
    }

    async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = http::Request::builder().method(method).uri(target).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert!(self.blobs.is_for(&parts), "{target}");
        let (parts, body) = self.blobs.answer(parts, body.into()).await.into_parts();
        assert!(parts.headers.contains_key("x-ms-request-id") && parts.headers.contains_key("x-ms-version"));
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect(1 << 28).await.unwrap().to_vec(),
        }
    }

    async fn with_container() -> (Storage, String) {
        let storage = Storage::new();
        let all = storage.all("files");
        let made = storage.send("PUT", &format!("/files?restype=container&{all}"), &[], Body::Empty).await;
        assert_eq!(made.status, 201);
        (storage, all)
    }
}

const BLOCK_BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

#[tokio::test]
async fn a_blob_comes_and_goes() {
    let (storage, all) = Storage::with_container().await;
    let target = format!("/files/d/a%20log%20%26%20%C3%A4.txt?{all}");
    let id = ("x-ms-client-request-id", "my-id");
    assert_eq!(storage.send("GET", &target, &[], "").await.code(), (404, "BlobNotFound"));
    let headers = [
        BLOCK_BLOB,
        id,
        ("x-ms-version", "2018-03-28"),
        ("content-type", "text/plain"),
        ("x-ms-blob-content-encoding", "br"),
        ("x-ms-meta-Place", "roof"),
        // MD5 of `hello`, calculated elsewhere.
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
    ];
    let put = storage.send("PUT", &target, &headers, "hello").await;
    assert_eq!((put.status, put.text()), (201, ""));
    assert_eq!((put.header(id.0), put.header("x-ms-version")), (Some("my-id"), Some("2018-03-28")));
    let tag = put.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("\"0x") && tag.ends_with('"'), "{tag}");

    for method in ["GET", "HEAD"] {
        let got = storage.send(method, &target, &[], "").await;
        assert_eq!((got.status, got.text()), (200, if method == "GET" { "hello" } else { "" }));
        for (name, value) in [
            ("etag", tag.as_str()),
            ("last-modified", put.header("last-modified").unwrap()),
            ("content-type", "text/plain"),
            ("content-encoding", "br"),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("accept-ranges", "bytes"),
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-meta-place", "roof"),
        ] {
            assert_eq!(got.header(name), Some(value), "{method} {name}");
        }
        assert_eq!(got.header("content-length"), (method == "HEAD").then_some("5"));
    }
    assert_eq!(storage.send("DELETE", &target, &[], "").await.status, 202);
    assert_eq!(storage.send("DELETE", &target, &[], "").await.code(), (404, "BlobNotFound"));
    let head = storage.send("HEAD", &target, &[], "").await;
    assert_eq!((head.code(), head.body.len()), ((404, "BlobNotFound"), 0));
}

#[tokio::test]
async fn ranges_of_blobs() {
    let (storage, all) = Storage::with_container().await;
    let target = format!("/files/a?{all}");
    storage.send("PUT", &target, &[BLOCK_BLOB], "0123456789").await;
    for (headers, status, expected, range) in [
        (&[("range", "bytes=2-4")][..], 206, "234", Some("bytes 2-4/10")),
        (&[("range", "bytes=8-")], 206, "89", Some("bytes 8-9/10")),
        (&[("x-ms-range", "bytes=0-3"), ("range", "bytes=2-4")], 206, "0123", Some("bytes 0-3/10")),
        (&[("range", "bytes=0-1,3-4")], 200, "0123456789", None),
    ] {
        let got = storage.send("GET", &target, headers, "").await;
        assert_eq!((got.status, got.text(), got.header("content-range")), (status, expected, range));
        assert_eq!(got.headers.contains_key("content-md5"), status == 200);
    }
    let got = storage.send("GET", &target, &[("range", "bytes=10-")], "").await;
    assert_eq!((got.code(), got.header("content-range")), ((416, "InvalidRange"), Some("bytes */10")));
    storage.send("PUT", &target, &[BLOCK_BLOB], "").await;
    assert_eq!(storage.send("GET", &target, &[], "").await.text(), "");
}

#[tokio::test]
async fn a_blob_of_blocks() {
    let (storage, all) = Storage::with_container().await;
    let put = |id: &str, bytes: &'static str| {
        let target = format!("/files/a?comp=block&blockid={id}&{all}");
        let storage = &storage;
        async move { storage.send("PUT", &target, &[], bytes).await }
    };
    let list = |ids: &str| {
        let target = format!("/files/a?{all}&comp=BlockList");
        let (storage, body) = (&storage, format!("<?xml version=\"1.0\"?><BlockList>{ids}</BlockList>"));
        async move {
            let headers = [
                ("content-type", "application/xml"),
                ("x-ms-blob-content-type", "text/css"),
                ("x-ms-blob-content-md5", "LTA8E4wRivgJ85MZ5dUH6Q=="),
            ];
            storage.send("PUT", &target, &headers, body).await
        }
    };
    let block = put("QQ%3D%3D", "aaa").await;
    // MD5 of `aaa`, calculated elsewhere.
    assert_eq!((block.status, block.header("content-md5")), (201, Some("R7zlx09Yn0hn29V+nKn4CA==")));
    assert_eq!(put("Qg==", "bb").await.status, 201);
    assert_eq!(storage.send("GET", &format!("/files/a?{all}"), &[], "").await.code(), (404, "BlobNotFound"));
    assert_eq!(list("<Latest>Qw==</Latest>").await.code(), (400, "InvalidBlockList"));
    let done = list("<Latest>Qg==</Latest><Uncommitted>QQ==</Uncommitted>").await;
    assert_eq!((done.status, done.headers.contains_key("etag")), (201, true));
    let got = storage.send("GET", &format!("/files/a?{all}"), &[("range", "bytes=1-3")], "").await;
    assert_eq!((got.status, got.text(), got.header("content-type")), (206, "baa", Some("text/css")));
    assert_eq!(got.header("x-ms-blob-content-md5"), Some("LTA8E4wRivgJ85MZ5dUH6Q=="));
    // One block is another, and one is left out.
    put("QQ==", "c").await;
    assert_eq!(list("<Committed>QQ==</Committed><Latest>QQ==</Latest>").await.status, 201);
    assert_eq!(storage.send("GET", &format!("/files/a?{all}"), &[], "").await.text(), "aaac");
    for (id, bytes, expected) in [
        ("*", "x", (400, "InvalidQueryParameterValue")),
        ("", "x", (400, "InvalidQueryParameterValue")),
        ("QUFBQQ==", "x", (400, "InvalidBlobOrBlock")),
        ("QQ==", "", (400, "InvalidHeaderValue")),
    ] {
        assert_eq!(put(id, bytes).await.code(), expected, "{id}");
    }
    assert_eq!(list("<Other/>").await.code(), (400, "InvalidXmlDocument"));
}

#[tokio::test]
async fn blocks_of_which_nothing_becomes_go_after_a_week() {
    let (storage, all) = Storage::with_container().await;
    storage.send("PUT", &format!("/files/a?comp=block&blockid=QQ==&{all}"), &[], "x").await;
    storage.hub.clock.advance(Duration::from_secs(7 * 24 * 3_600));
    let target = format!("/files/a?comp=blocklist&{}", storage.all("files"));
    let list = storage.send("PUT", &target, &[], "<BlockList><Latest>QQ==</Latest></BlockList>").await;
    assert_eq!(list.code(), (400, "InvalidBlockList"));
}

#[tokio::test]
async fn bodies_are_what_they_are_said_to_be() {
    let (storage, all) = Storage::with_container().await;
    let target = format!("/files/a?{all}");
    let wrong = "AAAAAAAAAAAAAAAAAAAAAA==";
    for (headers, expected) in [
        (&[BLOCK_BLOB, ("content-md5", wrong)][..], (400, "Md5Mismatch")),
        (&[BLOCK_BLOB, ("x-ms-blob-content-md5", wrong)], (400, "Md5Mismatch")),
        (&[BLOCK_BLOB, ("content-md5", "abc")], (400, "InvalidMd5")),
        (&[BLOCK_BLOB, ("content-length", "4")], (400, "IncompleteBody")),
        (&[BLOCK_BLOB, ("content-length", "6")], (400, "IncompleteBody")),
        (&[BLOCK_BLOB, ("content-length", "67108865")], (413, "RequestBodyTooLarge")),
        (&[], (400, "MissingRequiredHeader")),
        (&[("x-ms-blob-type", "PageBlob")], (501, "NotImplemented")),
        (&[("x-ms-blob-type", "x")], (400, "InvalidHeaderValue")),
        (&[BLOCK_BLOB, ("if-match", "\"a")], (400, "InvalidHeaderValue")),
    ] {
        assert_eq!(storage.send("PUT", &target, headers, "hello").await.code(), expected, "{headers:?}");
    }
    let metadata = "x".repeat(17 << 10);
    let headers = [BLOCK_BLOB, ("x-ms-meta-a", metadata.as_str())];
    assert_eq!(storage.send("PUT", &target, &headers, "").await.code(), (400, "MetadataTooLarge"));
    struct Endless;
    impl futures_core::Stream for Endless {
        type Item = Result<bytes::Bytes, std::convert::Infallible>;
        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(Some(Ok(bytes::Bytes::from_static(b"x"))))
        }
    }
    let chunked = storage.send("PUT", &target, &[BLOCK_BLOB], Body::from_stream(Endless, None)).await;
    assert_eq!(chunked.code(), (411, "MissingContentLengthHeader"));
    let endless =
        storage.send("PUT", &target, &[BLOCK_BLOB, ("content-length", "9")], Body::from_stream(Endless, None)).await;
    assert_eq!(endless.code(), (400, "IncompleteBody"));
    assert_eq!(storage.send("GET", &target, &[], "").await.code(), (404, "BlobNotFound"));
}

#[tokio::test(start_paused = true)]
async fn bodies_do_not_take_for_ever() {
    let (storage, all) = Storage::with_container().await;
    struct Silent;
    impl futures_core::Stream for Silent {
        type Item = Result<bytes::Bytes, std::convert::Infallible>;
        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Pending
        }
    }
    let target = format!("/files/a?{all}");
    let put = storage.send("PUT", &target, &[BLOCK_BLOB], Body::from_stream(Silent, Some(9))).await;
    assert_eq!(put.code(), (408, "RequestTimeout"));
    // The room that was kept for it is there again.
    assert!(storage.hub.read().blobs.reserve(crate::state::blobs::ALL - (1 << 20)).is_ok());
}

#[tokio::test]
async fn conditions() {
    let (storage, all) = Storage::with_container().await;
    let target = format!("/files/a?{all}");
    let none = [BLOCK_BLOB, ("if-none-match", "*")];
    assert_eq!(storage.send("PUT", &target, &none, "1").await.status, 201);
    assert_eq!(storage.send("PUT", &target, &none, "2").await.code(), (409, "BlobAlreadyExists"));
    let tag = storage.send("HEAD", &target, &[], "").await.header("etag").unwrap().to_owned();
    let other = [BLOCK_BLOB, ("if-match", "\"0x0\"")];
    assert_eq!(storage.send("PUT", &target, &other, "2").await.code(), (412, "ConditionNotMet"));
    assert_eq!(storage.send("DELETE", &target, &[("if-match", "\"0x0\"")], "").await.code(), (412, "ConditionNotMet"));
    assert_eq!(storage.send("GET", &target, &[("if-none-match", &tag)], "").await.status, 304);
    assert_eq!(storage.send("PUT", &target, &[BLOCK_BLOB, ("if-match", &tag)], "2").await.status, 201);
    let got = storage.send("GET", &target, &[("if-none-match", &tag)], "").await;
    assert_eq!((got.status, got.text()), (200, "2"));
}

#[tokio::test]
async fn who_may() {
    let (storage, all) = Storage::with_container().await;
    storage.send("PUT", &format!("/files/a?{all}"), &[BLOCK_BLOB], "x").await;
    let version = ("x-ms-version", "2018-03-28");
    for (method, target, expected) in [
        ("GET", "/files/a".to_owned(), (401, "NoAuthenticationInformation")),
        ("GET", "/none/a".to_owned(), (401, "NoAuthenticationInformation")),
        ("GET", "/files/a?sig=none".to_owned(), (403, "AuthenticationFailed")),
        ("GET", format!("/files/b?{}", storage.allow(("files", Some("a")), "r")), (403, "AuthenticationFailed")),
        (
            "PUT",
            format!("/files/a?{}", storage.allow(("files", Some("a")), "r")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        (
            "PUT",
            format!("/files/a?comp=block&blockid=QQ==&{}", storage.allow(("files", None), "rdl")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        (
            "PUT",
            format!("/files/a?comp=blocklist&{}", storage.allow(("files", None), "rdl")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        (
            "GET",
            format!("/files/a?{}", storage.allow(("files", None), "wdl")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        (
            "DELETE",
            format!("/files/a?{}", storage.allow(("files", None), "rwl")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        (
            "GET",
            format!("/files?restype=container&comp=list&{}", storage.allow(("files", None), "rwd")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        (
            "GET",
            format!("/files?restype=container&comp=list&{}", storage.allow(("files", Some("a")), "l")),
            (403, "AuthenticationFailed"),
        ),
        (
            "DELETE",
            format!("/files?restype=container&{}", storage.allow(("files", None), "rwl")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        (
            "PUT",
            format!("/more?restype=container&{}", storage.allow(("more", None), "rl")),
            (403, "AuthorizationPermissionMismatch"),
        ),
        ("GET", format!("/none/a?{}", storage.all("none")), (404, "ContainerNotFound")),
        ("PUT", format!("/files?restype=container&{all}"), (409, "ContainerAlreadyExists")),
        ("GET", format!("/files?{all}"), (400, "InvalidQueryParameterValue")),
        ("GET", format!("/files/a%00?{all}"), (400, "InvalidResourceName")),
        ("GET", format!("/files/%FF?{all}"), (400, "InvalidResourceName")),
        ("PUT", format!("/files/a?comp=lease&{all}"), (501, "NotImplemented")),
        ("POST", format!("/files/a?{all}"), (405, "UnsupportedHttpVerb")),
        ("POST", format!("/files?restype=container&{all}"), (405, "UnsupportedHttpVerb")),
    ] {
        let answer = storage.send(method, &target, &[version, BLOCK_BLOB], "x").await;
        assert_eq!(answer.code(), expected, "{method} {target}");
    }
    storage.hub.clock.advance(Duration::from_secs(60));
    assert_eq!(storage.send("GET", &format!("/files/a?{all}"), &[], "").await.code(), (403, "AuthenticationFailed"));
}

#[tokio::test]
async fn lists() {
    let (storage, all) = Storage::with_container().await;
    for name in ["a%26b", "d/1", "d/2"] {
        let headers = [BLOCK_BLOB, ("x-ms-meta-k", "v")];
        storage.send("PUT", &format!("/files/{name}?{all}"), &headers, "xy").await;
    }
    let list = |rest: &str| {
        let target = format!("/files?restype=container&comp=list&{all}{rest}");
        let storage = &storage;
        async move { storage.send("GET", &target, &[], "").await }
    };
    let whole = list("").await;
    assert_eq!((whole.status, whole.header("content-type")), (200, Some("application/xml")));
    let text = whole.text();
    let start = r#"<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://h.example/" ContainerName="files"><Blobs><Blob><Name>a&amp;b</Name><Properties><Creation-Time>"#;
    assert!(text.starts_with(start), "{text}");
    assert!(text.contains("<Content-Length>2</Content-Length><Content-Type>application/octet-stream</Content-Type>"));
    assert!(text.ends_with("</Blob></Blobs><NextMarker /></EnumerationResults>") && !text.contains("<Metadata>"));
    let some = list("&prefix=d%2F&maxresults=1&include=metadata").await;
    let text = some.text();
    assert!(text.contains("<Prefix>d/</Prefix><MaxResults>1</MaxResults><Blobs><Blob><Name>d/1</Name>"), "{text}");
    assert!(text.contains("<Metadata><k>v</k></Metadata></Blob></Blobs>"), "{text}");
    let marker = text.split("<NextMarker>").nth(1).unwrap().split('<').next().unwrap();
    let next = list(&format!("&prefix=d/&maxresults=1&marker={marker}")).await;
    assert!(next.text().contains("<Blobs><Blob><Name>d/2</Name>") && next.text().contains("<NextMarker />"));
    let folded = list("&delimiter=/").await;
    assert!(folded.text().contains("<BlobPrefix><Name>d/</Name></BlobPrefix></Blobs>"), "{}", folded.text());
    for wrong in ["&maxresults=0", "&maxresults=x", "&marker=*"] {
        assert_eq!(list(wrong).await.code(), (400, "InvalidQueryParameterValue"));
    }
    let container = storage.send("HEAD", &format!("/files?restype=container&{all}"), &[], "").await;
    assert_eq!((container.status, container.headers.contains_key("etag")), (200, true));
    assert_eq!(storage.send("DELETE", &format!("/files?restype=container&{all}"), &[], "").await.status, 202);
    assert_eq!(list("").await.code(), (404, "ContainerNotFound"));
}

#[tokio::test]
async fn what_is_for_blobs() {
    let (storage, _) = Storage::with_container().await;
    for (target, headers, expected) in [
        ("/files/a", &[][..], true),
        ("/files", &[], true),
        ("/none/a", &[], false),
        ("/none/a?sig=x", &[], true),
        ("/none?restype=container", &[], true),
        ("/none/a", &[("x-ms-version", "2018-03-28")], true),
        ("/devices/a?sig=x", &[], false),
        ("/", &[("x-ms-version", "2018-03-28")], false),
        ("/a_b/c?sig=x", &[], false),
    ] {
        let mut request = http::Request::builder().uri(target).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(storage.blobs.is_for(&parts), expected, "{target} {headers:?}");
    }
}

#[tokio::test]
async fn containers_for_lists_of_devices() {
    let (storage, all) = Storage::with_container().await;
    let containers = BlobContainers::new(storage.blobs.world.clone());
    let address = |container: &str, query: &str| format!("https://{HOST}:8080/{container}?{query}");
    let opened = containers.open(&address("files", &all), true).unwrap();
    let mut upload = opened.write("devices.txt").unwrap();
    upload.add("one\n".into()).await.unwrap();
    assert!(opened.read("devices.txt").await.is_err(), "it is not whole");
    upload.finish().await.unwrap();
    assert_eq!(opened.read("devices.txt").await.unwrap(), ["one\n"]);
    assert!(opened.read("none").await.unwrap_err().starts_with("none: "));
    // What comes to nothing leaves nothing.
    let used = || format!("{:?}", storage.hub.read().blobs);
    let before = used();
    let mut upload = opened.write("devices.txt").unwrap();
    upload.add("two\n".into()).await.unwrap();
    drop(upload);
    assert_eq!(used().len(), before.len());
    let got = storage.send("GET", &format!("/files/devices.txt?{all}"), &[], "").await;
    assert_eq!((got.text(), got.header("content-type")), ("one\n", Some("text/plain; charset=utf-8")));
    let reader = containers.open(&address("files/", &storage.allow(("files", None), "rl")), false).unwrap();
    assert_eq!(reader.read("devices.txt").await.unwrap(), ["one\n"]);
    for (address, writes) in [
        ("", false),
        ("/files", false),
        (&*address("files/a", &all), false),
        (&*address("files", ""), false),
        (&*address("none", &all), false),
        (&*address("none", &storage.all("none")), false),
        (&*address("files", &storage.allow(("files", None), "rl")), true),
        (&*address("files", &storage.allow(("files", None), "wl")), false),
    ] {
        assert!(containers.open(address, writes).is_err(), "{address}");
    }
}

#[tokio::test]
async fn a_container_of_any_hub_is_found_at_an_address() {
    let (storage, all) = Storage::with_container().await;
    let world = &storage.blobs.world;
    let other = Arc::new(Hub::new("other", "other.example", world.clock.clone(), Store::none(), HubState::default()));
    world.add(other.clone());
    let open = |hub: &Hub, name: &str| hub.open_container(name).unwrap().now().split_once('?').unwrap().1.to_owned();
    let (own, same) = (open(&other, "own"), open(&other, "files"));
    let address = ("host", "127.0.0.1:8080");
    for (host, target, expected) in [
        (address, format!("/own/a?{own}"), 201),
        (address, format!("/files/a?{same}"), 201),
        (address, format!("/files/a?{all}"), 201),
        (("host", "other.localhost"), format!("/files/a?{same}"), 201),
        (("host", "other.localhost"), format!("/files/a?{all}"), 403),
        (("host", HOST), format!("/files/a?{same}"), 403),
    ] {
        let mut request = http::Request::builder().method("PUT").uri(&target);
        for (name, value) in [host, BLOCK_BLOB] {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert!(storage.blobs.is_for(&parts));
        assert_eq!(storage.blobs.answer(parts, "x".into()).await.status().as_u16(), expected, "{host:?} {target}");
    }
}
