use super::*;
use iothub::runtime::server::Route;

static GET: Route = Route::new("DeviceApi_GetDevice", Method::GET, "/devices/{}");

fn gate() -> Gate {
    Gate::new(HubClock::new(), Duration::ZERO, None)
}

fn parts(method: &str, path: &str) -> Parts {
    http::Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
}

/// What becomes of one request after another.
async fn fates(gate: &Gate, method: &str, path: &str, times: usize) -> Vec<String> {
    let mut fates = Vec::new();
    for _ in 0..times {
        let route = (method == "GET").then_some(&GET);
        fates.push(match gate.pass(&parts(method, path), route).await {
            Outcome::Pass => "pass".to_owned(),
            Outcome::Refuse(error) => {
                let retry = error.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
                format!("{} {} {}", error.status().as_u16(), error.code().unwrap(), retry.unwrap_or("-"))
            }
            Outcome::Cut(cut) => format!("{cut:?}"),
        });
    }
    fates
}

#[tokio::test]
async fn the_nth_of_those_that_match() {
    let gate = gate();
    let get = Fault::new().operation("DeviceApi_GetDevice").nth(2).times(2).status(StatusCode::SERVICE_UNAVAILABLE);
    let id = gate.add(get.retry_after(7)).unwrap();
    assert_eq!(fates(&gate, "PUT", "/devices/d1", 3).await, ["pass"; 3]);
    let busy = "503 ServiceUnavailable 7";
    assert_eq!(fates(&gate, "GET", "/devices/d1", 5).await, ["pass", busy, busy, "pass", "pass"]);
    let rule = gate.rule(id).unwrap();
    assert_eq!((rule.seen, rule.hits), (5, 2));
    assert!(gate.remove(id) && !gate.remove(id));

    gate.add(Fault::new().method(&Method::PUT).path("/devices/*/files").cut(Cut::Answer)).unwrap();
    assert_eq!(fates(&gate, "PUT", "/devices/d1", 1).await, ["pass"]);
    assert_eq!(fates(&gate, "POST", "/devices/d1/files", 1).await, ["pass"]);
    assert_eq!(fates(&gate, "PUT", "/devices/d1/files/x", 2).await, ["Answer", "pass"]);
}

#[tokio::test]
async fn several_rules() {
    let gate = gate();
    gate.add(Fault::new().always().status(StatusCode::TOO_MANY_REQUESTS).code("Mine")).unwrap();
    gate.add(Fault::new().nth(2).cut(Cut::Request)).unwrap();
    assert_eq!(fates(&gate, "GET", "/", 3).await, ["429 Mine -"; 3]);
    // The second has counted all the same.
    assert_eq!(gate.all()[1].hits, 1);
    gate.clear();
    assert_eq!(fates(&gate, "GET", "/", 1).await, ["pass"]);
}

#[tokio::test]
async fn delays_are_on_the_hubs_clock() {
    let clock = HubClock::new();
    let gate = Gate::new(clock.clone(), Duration::from_secs(3_600), None);
    gate.add(Fault::new().delay(Duration::from_secs(3_600))).unwrap();
    let request = parts("GET", "/");
    let mut pass = std::pin::pin!(gate.pass(&request, None));
    for seconds in [0, 7_199] {
        clock.advance(Duration::from_secs(seconds));
        let waits = tokio::select! { biased; _ = &mut pass => false, () = tokio::task::yield_now() => true };
        assert!(waits, "{seconds}");
    }
    clock.advance(Duration::from_secs(1));
    assert!(matches!(pass.await, Outcome::Pass));
}

#[tokio::test]
async fn too_many_requests() {
    let clock = HubClock::new();
    let gate = Gate::new(clock.clone(), Duration::ZERO, Some(Throttle::new(0.001)));
    assert_eq!(fates(&gate, "GET", "/", 2).await, ["pass", "429 ThrottlingException 1000"]);
    clock.advance(Duration::from_secs(1_001));
    assert_eq!(fates(&gate, "GET", "/", 1).await, ["pass"]);
}

#[test]
fn rules_that_are_none() {
    for (rule, said) in [
        (r#"{}"#, "one of status"),
        (r#"{"status":503,"cut":"answer"}"#, "exclude"),
        (r#"{"status":99}"#, "status is from"),
        (r#"{"status":100}"#, "status is from"),
        (r#"{"status":600}"#, "status is from"),
        (r#"{"cut":"body","code":"x"}"#, "need a status"),
        (r#"{"cut":"body","nth":0}"#, "at least 1"),
        (r#"{"cut":"body","count":0}"#, "at least 1"),
        (r#"{"cut":"body","count":1,"always":true}"#, "exclude"),
        (r#"{"cut":"body","method":"A B"}"#, "no method"),
        (r#"{"cut":"body","path":"devices"}"#, "slash"),
        (r#"{"delayMs":86400001}"#, "a day"),
    ] {
        let fault: Fault = serde_json::from_str(rule).unwrap();
        let error = gate().add(fault).unwrap_err();
        assert!(error.contains(said), "{rule}: {error}");
    }
    assert!(serde_json::from_str::<Fault>(r#"{"statuss":503}"#).is_err());
    assert!(gate().add(serde_json::from_str(r#"{"status":599,"delayMs":1,"nth":3,"count":2}"#).unwrap()).is_ok());
}

#[test]
fn rules_are_bounded() {
    let gate = gate();
    for _ in 0..RULES {
        gate.add(Fault::new().cut(Cut::Body)).unwrap();
    }
    assert!(gate.add(Fault::new().cut(Cut::Body)).is_err());
}
