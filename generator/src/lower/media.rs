//! Media types: how a body travels.

use crate::ir::{BodyKind, Literal, Response, ResponseBody, Type};

const JSON: &str = "application/json";

/// A media type without its parameters, in small letters.
fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(media: &str) -> bool {
    let media = essence(media);
    media == JSON || media == "text/json" || media.ends_with("+json") || media == "*/*"
}

fn is_text(media: &str) -> bool {
    let media = essence(media);
    media.starts_with("text/") && media != "text/json" && media != "text/xml"
}

fn is_xml(media: &str) -> bool {
    let media = essence(media);
    media.ends_with("/xml") || media.ends_with("+xml")
}

/// The JSON type to name: `application/json` where it is among them.
fn json(media: &[String]) -> Option<&str> {
    let mut listed = media.iter().filter(|media| is_json(media)).map(String::as_str);
    let first = listed.next()?;
    Some(if essence(first) == JSON || essence(first) == "*/*" {
        JSON
    } else {
        listed.find(|media| essence(media) == JSON).unwrap_or(first)
    })
}

/// How a request's body travels; the media type that is in the way where it cannot.
pub(super) fn body(consumes: &[String], ty: &Type) -> Result<BodyKind, String> {
    if *ty == Type::Bytes {
        let media = match consumes {
            [only] if !is_json(only) => Some(Literal(only.clone())),
            _ => None,
        };
        return Ok(BodyKind::Raw { media_type: media });
    }
    if let Some(media) = json(consumes) {
        return Ok(BodyKind::Json { media_type: Literal(media.to_owned()) });
    }
    if *ty == Type::String
        && let Some(text) = consumes.iter().find(|media| is_text(media))
    {
        return Ok(BodyKind::Text { media_type: Literal(text.clone()) });
    }
    match consumes.first() {
        None => Ok(BodyKind::Json { media_type: Literal(JSON.to_owned()) }),
        Some(media)
            if is_xml(media)
                || is_text(media)
                || essence(media).starts_with("multipart/")
                || essence(media).contains("urlencoded") =>
        {
            Err(media.clone())
        }
        Some(media) => Ok(BodyKind::Raw { media_type: Some(Literal(media.clone())) }),
    }
}

/// How a response's body travels; the media type that is in the way where it cannot.
pub(super) fn response(produces: &[String], ty: &Type) -> Result<ResponseBody, String> {
    if *ty == Type::Bytes {
        return Ok(ResponseBody::Raw);
    }
    if produces.is_empty() || json(produces).is_some() {
        return Ok(ResponseBody::Json(ty.clone()));
    }
    if *ty == Type::String && produces.iter().any(|media| is_text(media)) {
        return Ok(ResponseBody::Text);
    }
    match produces.first() {
        Some(media) if is_xml(media) || is_text(media) => Err(media.clone()),
        _ => Ok(ResponseBody::Raw),
    }
}

/// What to ask for.
pub(super) fn accept(produces: &[String], responses: &[Response]) -> Option<Literal> {
    let bodies = || responses.iter().filter(|response| !response.error).filter_map(|response| response.body.as_ref());
    if bodies().any(|body| matches!(body, ResponseBody::Json(_))) || bodies().next().is_none() {
        return Some(Literal(json(produces).unwrap_or(JSON).to_owned()));
    }
    if bodies().any(|body| *body == ResponseBody::Text) {
        return produces.iter().find(|media| is_text(media)).map(|media| Literal(media.clone()));
    }
    None
}

/// The media type of an answer's body, where it is another than a body of its kind has anyhow.
pub(super) fn answer(produces: &[String], body: &ResponseBody) -> Option<Literal> {
    let other = |media: &str, usual: &str| (essence(media) != usual).then(|| Literal(media.to_owned()));
    match body {
        ResponseBody::Json(_) => json(produces).and_then(|media| other(media, JSON)),
        ResponseBody::Text => {
            let text = produces.iter().find(|media| is_text(media))?;
            other(text, "text/plain")
        }
        ResponseBody::Raw => match produces {
            [only] if !is_json(only) && !only.contains('*') => Some(Literal(only.clone())),
            _ => None,
        },
    }
}

/// The name of a status, as RFC 9110 has it (and for some RFC 4918, 6585 and others), or its number.
pub(super) fn status_name(status: u16) -> String {
    let name = match status {
        200 => "Ok",
        201 => "Created",
        202 => "Accepted",
        203 => "Non Authoritative",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi Status",
        208 => "Already Reported",
        226 => "Im Used",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        507 => "Insufficient Storage",
        other => return format!("Status {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(media: &[&str]) -> Vec<String> {
        media.iter().map(|media| (*media).to_owned()).collect()
    }

    #[test]
    fn json_is_preferred_and_its_plain_form_most() {
        let kind = |media: &[&str]| body(&listed(media), &Type::Json);
        let json = |media: &str| Ok(BodyKind::Json { media_type: Literal(media.to_owned()) });
        assert_eq!(kind(&[]), json("application/json"));
        assert_eq!(kind(&["text/json", "application/json"]), json("application/json"));
        assert_eq!(kind(&["Application/JSON; charset=utf-8"]), json("application/json"));
        assert_eq!(kind(&["application/xml", "application/merge-patch+json"]), json("application/merge-patch+json"));
        assert_eq!(kind(&["*/*"]), json("application/json"));
    }

    #[test]
    fn what_cannot_travel_is_named() {
        assert_eq!(body(&listed(&["application/xml"]), &Type::Json), Err("application/xml".to_owned()));
        assert_eq!(body(&listed(&["text/plain"]), &Type::Json), Err("text/plain".to_owned()));
        assert_eq!(response(&listed(&["application/atom+xml"]), &Type::Json), Err("application/atom+xml".to_owned()));
        assert_eq!(response(&listed(&["text/plain"]), &Type::String), Ok(ResponseBody::Text));
        assert_eq!(response(&listed(&["image/png"]), &Type::Json), Ok(ResponseBody::Raw));
        assert_eq!(response(&listed(&["application/json"]), &Type::Bytes), Ok(ResponseBody::Raw));
    }
}
