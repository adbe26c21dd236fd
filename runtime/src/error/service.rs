//! Code and message of an error answer, out of the forms that services write.

use http::HeaderMap;
use serde_json::{Map, Value};

/// The form in which a service writes its errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorFormat {
    /// The data plane of IoT Hub: `{"Message":"ErrorCode:DeviceNotFound;text","ExceptionMessage":"…"}`, or a JSON
    /// text with `errorCode` and `message` within `Message`; the header `iothub-errorcode` names the code.
    DataPlane,
    /// Azure Resource Manager: `{"error":{"code":"…","message":"…"}}`, or, from the provider behind it,
    /// `{"Code":"…","HttpStatusCode":"…","Message":"…","Details":"…"}`.
    Arm,
    /// Anything: members `code` and `message` in any case, at the top or within `error`; else the text.
    #[default]
    Plain,
}

/// Code and message, each where there is one. A code in a header goes before one in the body.
pub(super) fn read(format: ErrorFormat, headers: &HeaderMap, body: &[u8]) -> (Option<String>, Option<String>) {
    let name = match format {
        ErrorFormat::DataPlane => "iothub-errorcode",
        ErrorFormat::Arm | ErrorFormat::Plain => "x-ms-error-code",
    };
    let named = headers.get(name).and_then(|value| value.to_str().ok()).and_then(filled);
    let (code, message) = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => members(format, &object),
        Ok(Value::String(text)) => (None, filled(&text)),
        Ok(_) => (None, None),
        Err(_) => (None, plain(body)),
    };
    (named.or(code), message)
}

fn members(format: ErrorFormat, object: &Map<String, Value>) -> (Option<String>, Option<String>) {
    match member(object, "error") {
        Some(Value::Object(inner)) => return members(ErrorFormat::Plain, inner),
        // RFC 6749 §5.2: `{"error":"invalid_grant","error_description":"…"}`.
        Some(Value::String(code)) => {
            let text = member(object, "error_description").or(member(object, "message"));
            return (filled(code), text.and_then(text_of));
        }
        _ => {}
    }
    let code = member(object, "code").or(member(object, "errorCode")).and_then(text_of);
    let message = member(object, "message").and_then(text_of);
    match (format, message) {
        (ErrorFormat::DataPlane, Some(message)) => {
            let (inner, message) = data_plane(&message);
            (inner.or(code), message)
        }
        (_, message) => (code, message),
    }
}

/// Takes `ErrorCode:Name;text` apart, and the JSON text that may stand in place of either.
fn data_plane(message: &str) -> (Option<String>, Option<String>) {
    let (code, text) = match message.strip_prefix("ErrorCode:") {
        Some(rest) => match rest.split_once(';') {
            Some((code, text)) => (filled(code), text),
            None => (filled(rest), ""),
        },
        None => (None, message),
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(nested)) => {
            let (number, message) = members(ErrorFormat::Plain, &nested);
            (code.or(number), message)
        }
        _ => (code, filled(text)),
    }
}

/// The member of this name, as written or, failing that, in another case.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        let mut members = object.iter();
        members.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => filled(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A body that is not JSON, as a message: text, but not a page of HTML.
fn plain(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    if text.trim_start().starts_with('<') {
        return None;
    }
    filled(text)
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: ErrorFormat, body: &str, code: Option<&str>, message: Option<&str>) {
        let read = read(format, &HeaderMap::new(), body.as_bytes());
        assert_eq!((read.0.as_deref(), read.1.as_deref()), (code, message), "{body}");
    }

    // Recorded answers, see "Errors" in docs on the wire (Azure/azure-iot-sdks 711 and a session of 2017).
    #[test]
    fn the_data_plane_s_two_forms() {
        check(
            ErrorFormat::DataPlane,
            r#"{"Message":"ErrorCode:DeviceAlreadyExists;Conflict","ExceptionMessage":"Tracking ID:x"}"#,
            Some("DeviceAlreadyExists"),
            Some("Conflict"),
        );
        check(
            ErrorFormat::DataPlane,
            r#"{"Message":"{\"errorCode\":412002,\"trackingId\":\"t\",\"message\":\"PreconditionFailed\",\"timestampUtc\":\"z\"}","ExceptionMessage":""}"#,
            Some("412002"),
            Some("PreconditionFailed"),
        );
        check(ErrorFormat::DataPlane, r#"{"Message":"ErrorCode:DeviceNotFound"}"#, Some("DeviceNotFound"), None);
    }

    #[test]
    fn the_header_names_the_code() {
        let mut headers = HeaderMap::new();
        headers.insert("iothub-errorcode", "DeviceMessageLockLost".parse().unwrap());
        let body = br#"{"Message":"{\"errorCode\":412002,\"message\":\"PreconditionFailed\"}"}"#;
        let (code, message) = read(ErrorFormat::DataPlane, &headers, body);
        assert_eq!(code.as_deref(), Some("DeviceMessageLockLost"));
        assert_eq!(message.as_deref(), Some("PreconditionFailed"));
    }

    #[test]
    fn the_resource_manager_and_the_provider_behind_it() {
        check(
            ErrorFormat::Arm,
            r#"{"error":{"code":"ResourceNotFound","message":"The Resource was not found."}}"#,
            Some("ResourceNotFound"),
            Some("The Resource was not found."),
        );
        check(
            ErrorFormat::Arm,
            r#"{"Code":"JobNotFound","HttpStatusCode":"NotFound","Message":"errorcode: IH404011."}"#,
            Some("JobNotFound"),
            Some("errorcode: IH404011."),
        );
    }

    #[test]
    fn anything_else() {
        check(ErrorFormat::Plain, r#"{"code":7,"message":"m"}"#, Some("7"), Some("m"));
        check(
            ErrorFormat::Plain,
            r#"{"error":"invalid_grant","error_description":"expired"}"#,
            Some("invalid_grant"),
            Some("expired"),
        );
        check(ErrorFormat::Plain, " upstream is away\n", None, Some("upstream is away"));
        check(ErrorFormat::Plain, r#""just words""#, None, Some("just words"));
        for silent in ["", "null", "[]", "{}", "<html>Bad Gateway</html>", r#"{"message":null}"#] {
            check(ErrorFormat::DataPlane, silent, None, None);
            check(ErrorFormat::Plain, silent, None, None);
        }
    }

    #[test]
    fn a_code_of_another_form_is_left_alone() {
        check(ErrorFormat::Plain, r#"{"Message":"ErrorCode:A;b"}"#, None, Some("ErrorCode:A;b"));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body: Vec<u8>, text in r#"\{?"?[Mm]?essage"?:?"?(ErrorCode:)?.*"#) {
            read(ErrorFormat::DataPlane, &HeaderMap::new(), &body);
            read(ErrorFormat::DataPlane, &HeaderMap::new(), text.as_bytes());
        }
    }
}
