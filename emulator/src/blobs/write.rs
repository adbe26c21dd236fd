//! What writes blobs.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use iothub::runtime::{Body, Clock};
use md5::{Digest, Md5};

use super::{Refusal, Request, answer, names, stamp, text, xml};
use crate::io_clock::IoClock;
use crate::state::Pending;
use crate::state::blobs::{BLOCKS, Content, LARGEST, Reserved, Writer};

/// How long the next piece of a body may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest list of blocks.
const LIST: u64 = 8 << 20;
/// The most bytes of headers that a blob has.
const HEADERS: usize = 16 << 10;

/// Does something with blobs, and waits until it is written.
async fn write<T>(
    request: &Request<'_>,
    write: impl FnOnce(&mut Writer<'_>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let hub = &request.hub;
    let now = hub.clock.now();
    let pending: Pending<T> = hub.change(|state, changes| write(&mut Writer::open(hub, state, changes, now)))?;
    Ok(pending.durable().await?)
}

/// Makes a container.
pub(super) async fn create_container(request: &Request<'_>) -> Result<Response<Body>, Refusal> {
    request.grant.needs("cw")?;
    write(request, |writer| writer.create_container(&request.container)).await?;
    let mut response = answer(StatusCode::CREATED);
    let state = request.hub.read();
    if let Ok(container) = state.blobs.container(&request.container) {
        stamp(&mut response, &container.tag(), container.created);
    }
    Ok(response)
}

/// Deletes a container.
pub(super) async fn delete_container(request: &Request<'_>) -> Result<Response<Body>, Refusal> {
    request.grant.needs("d")?;
    write(request, |writer| writer.delete_container(&request.container)).await?;
    Ok(answer(StatusCode::ACCEPTED))
}

/// Deletes a blob.
pub(super) async fn delete_blob(request: &Request<'_>) -> Result<Response<Body>, Refusal> {
    request.grant.needs("d")?;
    write(request, |writer| writer.delete_blob(place(request), &request.conditions)).await?;
    Ok(answer(StatusCode::ACCEPTED))
}

/// Puts a blob as one.
pub(super) async fn blob(request: &Request<'_>, body: Body) -> Result<Response<Body>, Refusal> {
    request.grant.needs("w")?;
    match request.header("x-ms-blob-type") {
        Some(kind) if kind.eq_ignore_ascii_case("BlockBlob") => {}
        Some(kind @ ("AppendBlob" | "PageBlob")) => return Err(Refusal::not_implemented(kind)),
        Some(_) => return Err(Refusal::invalid_header("x-ms-blob-type")),
        None => return Err(Refusal::missing_header("x-ms-blob-type")),
    }
    if request.header("x-ms-copy-source").is_some() {
        return Err(Refusal::not_implemented("x-ms-copy-source"));
    }
    let mut headers = headers(request, true)?;
    let (content, md5, _room) = receive(request, body, LARGEST).await?;
    check_md5(request.header("x-ms-blob-content-md5"), &md5)?;
    headers.insert("content-md5".to_owned(), md5.clone());
    let blob = write(request, |writer| writer.put_blob(place(request), &request.conditions, headers, content)).await?;
    let mut response = answer(StatusCode::CREATED);
    stamp(&mut response, &blob.tag(), blob.modified);
    say_md5(&mut response, md5);
    Ok(response)
}

/// Puts a block.
pub(super) async fn block(request: &Request<'_>, body: Body) -> Result<Response<Body>, Refusal> {
    request.grant.needs("w")?;
    let id = names::base64_parameter(request.query(), "blockid").filter(|id| is_block_id(id));
    let id = id.ok_or_else(|| Refusal::invalid_parameter("blockid"))?;
    if request.header("x-ms-copy-source").is_some() {
        return Err(Refusal::not_implemented("x-ms-copy-source"));
    }
    if length(request, &body)? == 0 {
        return Err(Refusal::invalid_header("Content-Length"));
    }
    let (content, md5, _room) = receive(request, body, LARGEST).await?;
    write(request, |writer| writer.put_block(place(request), &id, content)).await?;
    let mut response = answer(StatusCode::CREATED);
    say_md5(&mut response, md5);
    Ok(response)
}

/// Makes a blob of blocks.
pub(super) async fn block_list(request: &Request<'_>, body: Body) -> Result<Response<Body>, Refusal> {
    request.grant.needs("w")?;
    let headers = headers(request, false)?;
    let (content, _, _room) = receive(request, body, LIST).await?;
    let text = std::str::from_utf8(content.bytes()).ok();
    let list = text.and_then(xml::block_list).ok_or_else(Refusal::invalid_xml)?;
    if list.len() > BLOCKS {
        return Err(Refusal::too_many_blocks());
    }
    let blob =
        write(request, |writer| writer.put_block_list(place(request), &request.conditions, headers, &list)).await?;
    let mut response = answer(StatusCode::CREATED);
    stamp(&mut response, &blob.tag(), blob.modified);
    Ok(response)
}

fn place<'a>(request: &'a Request<'_>) -> (&'a str, &'a str) {
    (&request.container, request.blob.as_deref().unwrap_or_default())
}

fn is_block_id(id: &str) -> bool {
    STANDARD.decode(id).is_ok_and(|id| (1..=64).contains(&id.len()))
}

/// What is to be remembered of a blob: what clients say of its content, and what is theirs.
fn headers(request: &Request<'_>, is_content: bool) -> Result<BTreeMap<String, String>, Refusal> {
    let mut headers = BTreeMap::new();
    for name in ["content-type", "content-encoding", "content-language", "content-disposition", "cache-control"] {
        let of_blob = format!("x-ms-blob-{name}");
        // What the list of blocks is, the blob is not.
        let own = request.header(name).filter(|_| is_content && name != "content-disposition");
        headers.extend(request.header(&of_blob).or(own).map(|value| (name.to_owned(), value.to_owned())));
    }
    if headers.get("content-type").is_none_or(String::is_empty) {
        headers.insert("content-type".to_owned(), "application/octet-stream".to_owned());
    }
    if let Some(md5) = request.header("x-ms-blob-content-md5") {
        digest(md5)?;
        headers.insert("content-md5".to_owned(), md5.to_owned());
    }
    for (name, value) in &request.parts.headers {
        if name.as_str().len() > "x-ms-meta-".len() && name.as_str().starts_with("x-ms-meta-") {
            let value = value.to_str().map_err(|_| Refusal::invalid_header(name.as_str()))?;
            headers.insert(name.as_str().to_owned(), value.to_owned());
        }
    }
    match headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= HEADERS {
        true => Ok(headers),
        false => Err(Refusal::metadata_too_large()),
    }
}

/// How many bytes are to come.
fn length(request: &Request<'_>, body: &Body) -> Result<u64, Refusal> {
    match text(&request.parts.headers, "content-length") {
        Some(text) => text.parse().map_err(|_| Refusal::invalid_header("Content-Length")),
        None => body.length().ok_or_else(Refusal::no_length),
    }
}

/// Reads a body, and gives its MD5 and the room that is kept for it until it is dropped.
async fn receive(request: &Request<'_>, mut body: Body, most: u64) -> Result<(Content, String, Reserved), Refusal> {
    let length = length(request, &body)?;
    if length > most {
        return Err(Refusal::too_large(most));
    }
    let room = request.hub.read().blobs.reserve(length)?;
    let clock = IoClock(request.hub.clock.clone());
    let (mut bytes, mut md5) = (BytesMut::new(), Md5::new());
    loop {
        let chunk = tokio::select! {
            chunk = body.next_chunk() => chunk.map_err(|_| Refusal::incomplete())?,
            () = clock.sleep(PATIENCE) => return Err(Refusal::too_slow()),
        };
        let Some(chunk) = chunk else { break };
        if (bytes.len() + chunk.len()) as u64 > length {
            return Err(Refusal::incomplete());
        }
        md5.update(&chunk);
        bytes.extend_from_slice(&chunk);
    }
    if bytes.len() as u64 != length {
        return Err(Refusal::incomplete());
    }
    let md5 = STANDARD.encode(md5.finalize());
    check_md5(request.header("content-md5"), &md5)?;
    Ok((Content::new(bytes.freeze()), md5, room))
}

/// An MD5 that a client sends.
fn digest(text: &str) -> Result<[u8; 16], Refusal> {
    let bytes = STANDARD.decode(text.trim()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(Refusal::invalid_md5)
}

fn check_md5(said: Option<&str>, own: &str) -> Result<(), Refusal> {
    match said {
        Some(said) if digest(said)? != digest(own)? => Err(Refusal::md5_mismatch()),
        _ => Ok(()),
    }
}

fn say_md5(response: &mut Response<Body>, md5: String) {
    let headers: &mut HeaderMap = response.headers_mut();
    let name = HeaderName::from_static("content-md5");
    headers.extend(HeaderValue::try_from(md5).ok().map(|md5| (name, md5)));
}
