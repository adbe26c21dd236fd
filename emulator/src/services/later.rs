//! What the service writes otherwise for later versions of the interface, where these documents' types cannot say it.

use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode, Uri};
use iothub::runtime::Body;
use iothub::runtime::server::Route;
use serde_json::{Value, json};

/// The operation whose answer has plain names in these documents.
const CONSUMER_GROUPS: &str = "IotHubResource_ListEventHubConsumerGroups";
/// The first version in which it has objects.
const OBJECTS: &str = "2018";
/// More than the list of an endpoint's groups has.
const MOST: usize = 1 << 20;

/// The path of a list of consumer groups that is to have objects.
pub(crate) fn list_of_objects(route: Option<&Route>, uri: &Uri) -> Option<String> {
    let query = route.filter(|route| route.id() == CONSUMER_GROUPS).and(uri.query())?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, version) = pairs.find(|(name, _)| *name == "api-version")?;
    (version >= OBJECTS).then(|| uri.path().trim_end_matches('/').to_owned())
}

/// The same list with objects in place of names.
pub(crate) async fn with_objects(path: &str, answer: Response<Body>) -> Response<Body> {
    if answer.status() != StatusCode::OK {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    // It is in memory, and is a list.
    let mut list: Value =
        body.collect(MOST).await.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
    for group in list.get_mut("value").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(name) = group.as_str() {
            *group = json!({ "id": format!("{path}/{name}"), "name": name, "tags": {} });
        }
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(list.to_string()))
}
