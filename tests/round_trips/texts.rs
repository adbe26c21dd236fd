//! Arbitrary texts as parameters: what a client sends arrives, and what could not arrive is not sent.

use std::fmt::Debug;

use iothub::hub::models as hub;
use iothub::hub::server::{device_api, job_api};
use iothub::{Error, ErrorKind, Response};
use proptest::collection::vec;
use proptest::prelude::*;

use super::Both;
use super::both::now;

/// What came of a call: the request that arrived, or the client's error.
fn arrived<S: 'static, T: Debug>(
    both: &Both,
    call: impl IntoFuture<Output = Result<Response<T>, Error>>,
) -> Result<S, Error> {
    let error = now(call.into_future()).unwrap_err();
    match both.recorder.asked().pop() {
        Some((_, request)) => Ok(*request.downcast().unwrap_or_else(|_| panic!("another operation's request"))),
        None => Err(error),
    }
}

/// Any characters, with more of those that mean something somewhere, and of what they mean escaped.
fn text() -> impl Strategy<Value = String> {
    const SPECIAL: [&str; 24] = [
        "%", "%2F", "%2e", "%41", "%00", "%25", "%C3%BC", "/", ".", "..", "+", "&", "=", "?", "#", ";", ",", "\\",
        "\"", " ", "\t", "\r\n", "\u{0}", "\u{7f}",
    ];
    let special = proptest::sample::select(&SPECIAL[..]).prop_map(str::to_owned);
    vec(prop_oneof![any::<char>().prop_map(String::from), special], 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn in_a_path(text in text()) {
        let both = Both::new();
        match arrived::<device_api::GetDeviceRequest, _>(&both, both.hub.devices().get(&text)) {
            Ok(request) => prop_assert_eq!(request.device_id, text),
            // It would be another path.
            Err(error) if ["", ".", ".."].contains(&text.as_str()) => prop_assert_eq!(error.kind(), ErrorKind::Build),
            Err(error) => prop_assert!(text.contains('\0') && error.status().unwrap() == 400, "{:?}", error),
        }
    }

    #[test]
    fn in_a_query(text in text(), number in any::<i32>()) {
        let both = Both::new();
        let word = hub::JobStatus::Other(text.clone());
        let request: job_api::QueryJobsRequest = arrived(&both, both.hub.jobs().query().status(&word)).unwrap();
        prop_assert_eq!(request.status, Some(word));
        let request: device_api::GetDevicesRequest = arrived(&both, both.hub.devices().list().top(number)).unwrap();
        prop_assert_eq!(request.top, Some(number));
    }

    #[test]
    fn in_a_header(text in text(), number in any::<i32>()) {
        let both = Both::new();
        let call = both.hub.jobs().query().continuation(&text).page_size(number);
        let fits = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) && text.trim() == text;
        match arrived::<job_api::QueryJobsRequest, _>(&both, call) {
            Ok(request) => prop_assert_eq!((request.continuation, request.page_size), (Some(text), Some(number))),
            Err(error) => prop_assert!(!fits && error.kind() == ErrorKind::Build, "{:?}", error),
        }
    }
}
