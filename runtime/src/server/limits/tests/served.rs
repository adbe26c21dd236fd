//! Limits as a client meets them: in one answer with all else that is wrong.

use http::{Method, Request};
use tower_service::Service as _;

use super::*;
use crate::body::Body;
use crate::server::{At, BodyKind, Handling, Incoming, Route, Router, Service, no_such_route};

static ROUTES: [Route; 1] = [Route::new("Devices_Put", Method::PUT, "/devices/{}").body(BodyKind::Json)];

static ID: Checks = Checks::new().length(2, 4);
static TOP: Checks = Checks::new().at_least("1");
static TAGS: Checks = Checks::new().items(&Checks::new().length(1, 2));

struct Devices;

impl Service for Devices {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn call(&self, route: usize, mut incoming: Incoming) -> Handling {
        if route > 0 {
            return no_such_route();
        }
        Box::pin(async move {
            incoming.read(|incoming| {
                let (id, top) = (incoming.path::<String>(0, "id"), incoming.required_query::<i32>("top"));
                let tags = incoming.query_list::<String>("tags", Default::default());
                let device = incoming.json::<Device>();
                incoming.check(At::Path, "id", Wire::view(&id), &ID);
                incoming.check(At::Query, "top", Wire::view(&top), &TOP);
                incoming.check(At::Query, "tags", Wire::view(&tags), &TAGS);
                incoming.check(At::Body, "", Wire::view(&device), &DEVICE);
            })?;
            Ok(incoming.answer((), |(), answer| answer.status(204)))
        })
    }
}

async fn put(target: &str, body: &'static str) -> (u16, Vec<String>) {
    let request = Request::put(target).body(Body::from(body)).unwrap();
    let response = Router::new().add(Devices).call(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect(usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let details = body["details"].as_array().cloned().unwrap_or_default();
    let text = |detail: &Value, name: &str| detail[name].as_str().unwrap().to_owned();
    (status, details.iter().map(|detail| format!("{}: {}", text(detail, "target"), text(detail, "message"))).collect())
}

#[tokio::test]
async fn what_fits_is_served() {
    assert_eq!(put("/devices/abc?top=1&tags=a,bc", r#"{"name":"abc"}"#).await, (204, vec![]));
}

#[tokio::test]
async fn one_answer_names_all_that_is_wrong() {
    let body =
        r#"{"name":"Abc","tags":5,"status":"no","child":{"status":"no"},"pet":{"kind":"cat","lives":10,"owner":1}}"#;
    let (status, details) = put("/devices/a?top=0&tags=ab,,abc", body).await;
    assert_eq!(status, 400);
    assert_eq!(
        details,
        [
            "body: tags: expected an array, found a number",
            "body: child: the property `name` is missing",
            "body: pet.owner: expected a string, found a number",
            "path id: expected at least 2 characters",
            "query top: expected a number of at least 1",
            "query tags: [1]: expected at least 1 character",
            "query tags: [2]: expected at most 2 characters",
            "body: name: expected a text with the pattern `^[a-z]+$`",
            "body: status: expected one of `enabled`, `disabled`",
            "body: child.status: expected one of `enabled`, `disabled`",
            "body: pet.lives: expected a number below 10",
        ]
    );
}

/// The blank value that stands for what could not be read is not within the limits either.
#[tokio::test]
async fn nothing_is_said_twice() {
    for (target, body, expected) in [
        ("/devices/abc", r#"{"name":"a"}"#, "query top: it is missing"),
        ("/devices/abc?top=x", r#"{"name":"a"}"#, "query top: expected a 32-bit integer, found another text"),
        ("/devices/abc?top=1&top=0", r#"{"name":"a"}"#, "query top: it is there more than once"),
        ("/devices/abc?top=1", r#"{"name":1}"#, "body: name: expected a string, found a number"),
        ("/devices/abc?top=1", "{}", "body: the property `name` is missing"),
        ("/devices/abc?top=1", "[]", "body: expected an object, found an array"),
        ("/devices/abc?top=1", "", "body: it is missing"),
        ("/devices/abc?top=1", "{", "body: EOF while parsing an object at line 1 column 1"),
    ] {
        assert_eq!(put(target, body).await, (400, vec![expected.to_owned()]), "{target} {body}");
    }
}
