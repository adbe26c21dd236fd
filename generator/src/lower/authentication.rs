//! How a client proves who is asking, which Swagger 2.0 has no words for where tokens are signed.

use serde_json::Value;

use super::schema::Schemas;
use crate::diag::{Code, Diagnostic};
use crate::ir::{Audience, Authentication, ConnectionString, Literal};
use crate::spec::Document;

const NAME: &str = "x-specsmith-authentication";
const EXPECTED: &str = "expected `{ connection-string: hub or device, device-id: the client's parameter, bearer: hub or \
                        management }`, each optional";

/// What the documents say. Those of one client that say anything say the same.
pub(super) fn authentication(documents: &[&Document], schemas: &mut Schemas<'_>) -> Authentication {
    let mut agreed: Option<(&Document, Authentication)> = None;
    for document in documents {
        let Some(said) = document.extensions.get(NAME) else { continue };
        let at = document.at.join(NAME);
        let Some(read) = read(said) else {
            let message = format!("`{NAME}` has a value that it cannot have");
            schemas.diagnostics.push(Diagnostic::new(Code::ExtensionValue, message).at(&at).help(EXPECTED));
            continue;
        };
        match &agreed {
            None => agreed = Some((document, read)),
            Some((_, first)) if *first == read => {}
            Some((first, _)) => schemas.diagnostics.push(
                Diagnostic::new(Code::ExtensionValue, format!("`{NAME}` says something else than another document's"))
                    .at(&at)
                    .label(&first.at.join(NAME), "the other one")
                    .help("the documents of one client say the same"),
            ),
        }
    }
    agreed.map(|(_, agreed)| agreed).unwrap_or_default()
}

fn read(said: &Value) -> Option<Authentication> {
    let mut read = Authentication::default();
    let mut device_id = None;
    for (name, value) in said.as_object()? {
        match (name.as_str(), value.as_str()?) {
            ("connection-string", "hub") => read.connection_string = Some(ConnectionString::Hub),
            ("connection-string", "device") => read.connection_string = Some(ConnectionString::Device(None)),
            ("device-id", parameter) => device_id = Some(Literal(parameter.to_owned())),
            ("bearer", "hub") => read.bearer = Some(Audience::Hub),
            ("bearer", "management") => read.bearer = Some(Audience::Management),
            _ => return None,
        }
    }
    match &mut read.connection_string {
        Some(ConnectionString::Device(place)) => *place = device_id,
        _ if device_id.is_some() => return None,
        _ => {}
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_can_be_said() {
        let device = |name: Option<&str>| {
            let parameter = name.map(|name| Literal(name.to_owned()));
            Authentication { connection_string: Some(ConnectionString::Device(parameter)), bearer: None }
        };
        let hub = Some(ConnectionString::Hub);
        for (said, meant) in [
            (json!({}), Some(Authentication::default())),
            (json!({ "connection-string": "device" }), Some(device(None))),
            (json!({ "device-id": "id", "connection-string": "device" }), Some(device(Some("id")))),
            (
                json!({ "connection-string": "hub", "bearer": "hub" }),
                Some(Authentication { connection_string: hub, bearer: Some(Audience::Hub) }),
            ),
            (
                json!({ "bearer": "management" }),
                Some(Authentication { connection_string: None, bearer: Some(Audience::Management) }),
            ),
            (json!("sas"), None),
            (json!({ "connection-string": "module" }), None),
            (json!({ "connection-string": "hub", "device-id": "id" }), None),
            (json!({ "bearer": true }), None),
            (json!({ "basic": "hub" }), None),
        ] {
            assert_eq!(read(&said), meant, "{said}");
        }
    }
}
