//! Methods, over all operations.

use std::collections::BTreeMap;

use http::{Method, Request};
use iothub::runtime::Body;
use iothub::runtime::server::{BodyKind, Route, Service};

use super::{Reached, Refused, Servers};
use crate::round_trips::servers;

/// All operations that are served, by path.
fn paths() -> BTreeMap<String, Vec<&'static Route>> {
    let mut paths = BTreeMap::<_, Vec<_>>::new();
    for route in servers(&Default::default()).iter().flat_map(Service::routes) {
        paths.entry(route.template().replace("{}", "x")).or_default().push(route);
    }
    paths
}

fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(format!("{path}?api-version=1")).body(Body::Empty).unwrap()
}

#[tokio::test]
async fn every_path_says_what_it_allows() {
    let servers = Servers::new();
    for (path, routes) in paths() {
        let arm = path.starts_with("/subscriptions");
        let mut allowed: Vec<&str> = routes.iter().map(|route| route.method().as_str()).collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        allowed.push("OPTIONS");
        allowed.sort_unstable();
        let allow = allowed.join(", ");

        let reply = servers.send(request(Method::OPTIONS, &path)).await;
        assert_eq!((reply.status, reply.header("allow"), reply.body.len()), (204, Some(&*allow), 0), "{path}");
        assert_eq!(reply.header("x-ms-request-id").unwrap().len(), 36);
        assert!(servers.called().is_empty());

        let listed = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        let others = [Method::TRACE, Method::CONNECT, "BREW".parse().unwrap(), "get".parse().unwrap()];
        for method in listed.into_iter().chain(others) {
            if allowed.contains(&method.as_str()) {
                continue;
            }
            let (what, is_head) = (format!("{method} {path}"), method == Method::HEAD);
            let reply = servers.send(request(method, &path)).await;
            assert_eq!((reply.status, reply.header("allow")), (405, Some(&*allow)), "{what}");
            if is_head {
                assert!(reply.body.is_empty() && reply.header("content-length") != Some("0"));
                continue;
            }
            Refused(405, &["There is no such operation with this method."]).check(
                &what,
                arm,
                &reply,
                &servers.called(),
            );
        }
    }
}

/// A HEAD is a GET whose body nobody sees.
#[tokio::test]
async fn every_get_has_a_head() {
    let servers = Servers::new();
    let mut count = 0;
    for (path, routes) in paths() {
        let Some(get) = routes.iter().find(|route| route.method() == Method::GET) else { continue };
        count += 1;
        let full = servers.send(request(Method::GET, &path)).await;
        let arm = path.starts_with("/subscriptions");
        Reached(get.id()).check(&path, arm, &full, &servers.called());
        let head = servers.send(request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.body.len(), servers.called()), (418, 0, vec![get.id()]), "{path}");
        let length = full.body.len().to_string();
        assert_eq!(head.header("content-length"), Some(&*length), "{path}");
        for name in ["content-type", "iothub-errorcode"] {
            assert_eq!(head.header(name), full.header(name), "{path}");
        }
    }
    assert!(count > 20, "{count}");
}

/// Where a body has to be there, none and a null are as good as none; where there is none to be, nobody looks at it.
#[tokio::test]
async fn every_body_has_to_be_there() {
    let servers = Servers::new();
    for (path, routes) in paths() {
        let arm = path.starts_with("/subscriptions");
        for route in routes {
            let what = format!("{} {path}", route.method());
            let send = |body: &'static str| {
                let mut request = request(route.method().clone(), &path);
                *request.body_mut() = Body::from(body);
                request.headers_mut().insert("content-type", "application/json".parse().unwrap());
                servers.send(request)
            };
            match route.body_kind() {
                BodyKind::Json => {
                    let reply = send("").await;
                    Refused(400, &["body: it is missing."]).check(&what, arm, &reply, &servers.called());
                    let reply = send("null").await;
                    Refused(400, &["body: expected an", "found null."]).check(&what, arm, &reply, &servers.called());
                }
                _ => {
                    let reply = send("{").await;
                    Reached(route.id()).check(&what, arm, &reply, &servers.called());
                }
            }
        }
    }
}
