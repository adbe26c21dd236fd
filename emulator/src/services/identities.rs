//! Between devices as the hub keeps them and as they are written on the wire.

use iothub::hub::models::{self, AuthenticationMechanism, DeviceConnectionState, DeviceStatus, ImportMode};
use iothub::runtime::Secret;
use iothub::runtime::credential::SasKey;
use iothub::runtime::server::{Context, ServiceError};
use serde_json::{Map, Value, json};

use crate::errors;
use crate::state::{
    Action, BESIDE, Change, Credentials, Device, Given, Identity, Import, Live, Part, beside, is_id, time_or_never,
};

/// An object of JSON.
pub(super) type Object = Map<String, Value>;

/// The first version of the interface in which an identity says how it proves itself, and what it is capable of.
const LATER: &str = "2018-04-01";
/// The longest note on a status, in characters.
const REASON: usize = 128;
/// How long the bytes of a key may be.
const KEY: std::ops::RangeInclusive<usize> = 16..=64;

/// Whether the caller asked for a version of the interface in which identities have more members.
pub(super) fn is_later(cx: &Context) -> bool {
    cx.api_version().is_some_and(|version| version.as_str() >= LATER)
}

/// 400 for what is no id of a device.
pub(super) fn check_id(id: &str) -> Result<(), ServiceError> {
    is_id(id).then_some(()).ok_or_else(errors::no_device_id)
}

/// An identity as it is written. What has no value is `null`.
pub(super) fn device(device: &Device, live: Live, is_later: bool) -> models::Device {
    let mut written = models::Device::new(&*device.id)
        .with_generation_id(device.generation.to_string())
        .with_etag(device.etag())
        .with_connection_state(connection_state(live))
        .with_status(status(device))
        .with_cloud_to_device_message_count(i32::try_from(live.queued).unwrap_or(i32::MAX))
        .with_authentication(authentication(&device.credentials, is_later));
    written.status_reason =
        nullable(&mut written.additional_properties, "statusReason", device.status_reason.as_deref());
    written.connection_state_updated_time = time_or_never(None);
    written.status_updated_time = time_or_never(device.status_updated);
    written.last_activity_time = time_or_never(None);
    if is_later {
        written.additional_properties.insert("capabilities".to_owned(), json!({ "iotEdge": device.edge }));
    }
    written
}

/// The status as it is written.
pub(super) fn status(device: &Device) -> DeviceStatus {
    if device.enabled { DeviceStatus::Enabled } else { DeviceStatus::Disabled }
}

fn connection_state(live: Live) -> DeviceConnectionState {
    if live.connected { DeviceConnectionState::Connected } else { DeviceConnectionState::Disconnected }
}

/// A text; where there is none, `null` is written, which the model would leave out.
fn nullable<T: From<String>>(others: &mut Object, name: &str, text: Option<&str>) -> Option<T> {
    if text.is_none() {
        others.insert(name.to_owned(), Value::Null);
    }
    text.map(|text| T::from(text.to_owned()))
}

/// With what a device proves itself, as it is written.
pub(super) fn authentication(credentials: &Credentials, is_later: bool) -> AuthenticationMechanism {
    let none = [None, None];
    let (keys, thumbprints, kind) = match credentials {
        Credentials::Keys([one, two]) => ([Some(&**one), Some(&**two)], none, "sas"),
        Credentials::Thumbprints([one, two]) => (none, [one.as_deref(), two.as_deref()], "selfSigned"),
        Credentials::Authority => (none, none, "certificateAuthority"),
    };
    let mut symmetric_key = models::SymmetricKey::new();
    let others = &mut symmetric_key.additional_properties;
    symmetric_key.primary_key = nullable::<Secret>(others, "primaryKey", keys[0]);
    symmetric_key.secondary_key = nullable::<Secret>(others, "secondaryKey", keys[1]);
    let mut mechanism = AuthenticationMechanism::new()
        .with_symmetric_key(symmetric_key)
        .with_x509_thumbprint(x509_thumbprint(thumbprints));
    if is_later {
        mechanism.additional_properties.insert("type".to_owned(), kind.into());
    }
    mechanism
}

fn x509_thumbprint([one, two]: [Option<&str>; 2]) -> models::X509Thumbprint {
    let mut written = models::X509Thumbprint::new();
    let others = &mut written.additional_properties;
    written.primary_thumbprint = nullable(others, "primaryThumbprint", one);
    written.secondary_thumbprint = nullable(others, "secondaryThumbprint", two);
    written
}

/// A twin as it is written, with what later versions of the interface have of the identity.
pub(super) fn twin(device: &Device, live: Live) -> models::Twin {
    let properties = models::TwinProperties::new()
        .with_desired(device.twin.part(Part::Desired))
        .with_reported(device.twin.part(Part::Reported));
    let mut twin = models::Twin::new()
        .with_device_id(&*device.id)
        .with_etag(device.twin.etag())
        .with_version(i64::try_from(device.twin.version).unwrap_or(i64::MAX))
        .with_tags(device.twin.part(Part::Tags))
        .with_properties(properties);
    for name in BESIDE {
        if let Some(value) = beside(device, name, || live) {
            twin.additional_properties.insert(name.to_owned(), value);
        }
    }
    twin
}

/// What an identity is to be.
///
/// # Errors
///
/// 400 with what it may not be.
pub(super) fn of_device(device: &models::Device) -> Result<Identity, ServiceError> {
    let edge = device.additional_properties.get("capabilities").and_then(|all| all.get("iotEdge")?.as_bool());
    identity(device.status.as_ref(), device.status_reason.as_deref(), device.authentication.as_ref(), edge)
}

/// What is to be done with one of many devices.
///
/// # Errors
///
/// 400 where that is not to be understood.
pub(super) fn import(device: models::ExportImportDevice) -> Result<Import, ServiceError> {
    check_id(&device.id)?;
    let (action, is_conditional) = match device.import_mode {
        None | Some(ImportMode::CreateOrUpdate) => (Action::CreateOrUpdate, false),
        Some(ImportMode::Create) => (Action::Create, false),
        Some(ImportMode::Update) => (Action::Update, false),
        Some(ImportMode::UpdateIfMatchEtag) => (Action::Update, true),
        Some(ImportMode::CreateOrUpdateIfMatchEtag) => (Action::CreateOrUpdate, true),
        Some(ImportMode::Delete) => (Action::Delete, false),
        Some(ImportMode::DeleteIfMatchEtag) => (Action::Delete, true),
        Some(other) => return Err(errors::invalid(format!("There is no import mode {other}."))),
    };
    let identity = match action {
        // What it was like is of no interest any more.
        Action::Delete => Identity::default(),
        _ => identity(device.status.as_ref(), device.status_reason.as_deref(), device.authentication.as_ref(), None)?,
    };
    let properties = device.properties.unwrap_or_default();
    let parts = [(Part::Tags, device.tags), (Part::Desired, properties.desired), (Part::Reported, properties.reported)];
    let twin = parts.into_iter().filter_map(|(part, given)| Some((part, Change::Replace(given?)))).collect();
    let if_match = is_conditional.then(|| device.etag.unwrap_or_default());
    Ok(Import { id: device.id, action, if_match, identity, twin })
}

fn identity(
    status: Option<&DeviceStatus>,
    reason: Option<&str>,
    authentication: Option<&AuthenticationMechanism>,
    edge: Option<bool>,
) -> Result<Identity, ServiceError> {
    let enabled = match status {
        None => None,
        Some(DeviceStatus::Enabled) => Some(true),
        Some(DeviceStatus::Disabled) => Some(false),
        Some(other) => return Err(errors::invalid(format!("status: {other} is neither enabled nor disabled."))),
    };
    if reason.is_some_and(|reason| reason.chars().count() > REASON) {
        return Err(errors::invalid(format!("statusReason: longer than {REASON} characters.")));
    }
    let given = authentication.map_or(Ok(Given::Nothing), given)?;
    Ok(Identity { enabled, status_reason: reason.map(Box::from), given, edge })
}

/// With what a device is to prove itself.
fn given(authentication: &AuthenticationMechanism) -> Result<Given, ServiceError> {
    let thumbprints = authentication.x509_thumbprint.as_ref();
    let thumbprints = thumbprints.map(|both| [&both.primary_thumbprint, &both.secondary_thumbprint]);
    let thumbprints = thumbprints.unwrap_or([&None, &None]).map(|one| one.as_deref().filter(|text| !text.is_empty()));
    let keys = authentication.symmetric_key.as_ref().map(|both| [&both.primary_key, &both.secondary_key]);
    let keys = keys.unwrap_or([&None, &None]).map(|one| one.as_ref().map(Secret::expose));
    let has_thumbprints = thumbprints.iter().any(Option::is_some);
    match keys {
        [Some(_), Some(_)] | [None, None] | [Some(""), None] | [None, Some("")] => {}
        _ => return Err(errors::invalid("authentication.symmetricKey: there is one key without the other.")),
    }
    match keys.map(|key| key.filter(|key| !key.is_empty())) {
        [None, None] if has_thumbprints => own_thumbprints(thumbprints),
        [None, None] if keys.iter().any(Option::is_some) => Ok(Given::NewKeys),
        [None, None] => Ok(match authentication.additional_properties.get("type").and_then(Value::as_str) {
            Some("certificateAuthority") => Given::Own(Credentials::Authority),
            Some("sas") => Given::AnyKeys,
            _ => Given::Nothing,
        }),
        [Some(_), Some(_)] if has_thumbprints => {
            Err(errors::invalid("authentication: there are both keys and thumbprints."))
        }
        [Some(one), Some(two)] => Ok(Given::Own(Credentials::Keys([own_key(one)?, own_key(two)?]))),
        _ => Err(errors::invalid("authentication.symmetricKey: one key is empty, and the other is not.")),
    }
}

fn own_key(text: &str) -> Result<Box<str>, ServiceError> {
    // Padding and all is looked at by what reads it.
    let length = text.trim_end_matches('=').len() * 3 / 4;
    match SasKey::from_base64(text) {
        Ok(_) if KEY.contains(&length) => Ok(text.into()),
        _ => Err(errors::invalid(format!(
            "authentication.symmetricKey: a key has {} to {} bytes, in Base64.",
            KEY.start(),
            KEY.end()
        ))),
    }
}

fn own_thumbprints(thumbprints: [Option<&str>; 2]) -> Result<Given, ServiceError> {
    // SHA-1, or SHA-256 as later versions have it.
    let is_hash = |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if thumbprints.into_iter().flatten().all(is_hash) {
        return Ok(Given::Own(Credentials::Thumbprints(thumbprints.map(|text| text.map(Box::from)))));
    }
    Err(errors::invalid("authentication.x509Thumbprint: a thumbprint has 40 or 64 hexadecimal digits."))
}
