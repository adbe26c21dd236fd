//! Connections that are slow, idle, too many, from outside, or cut.

use std::time::Duration;

use iothub_emulator::{Builder, Cut, Emulator, Fault};

use crate::support::{Raw, ask, blocking};

async fn start(builder: Builder) -> Emulator {
    builder.start().await.unwrap()
}

#[tokio::test]
async fn slow_and_idle_connections_are_cut() {
    let emulator = start(Emulator::builder().idle_timeout(Duration::from_millis(150))).await;
    let address = emulator.address().unwrap();
    for sent in ["", "GET /$emul", "GET /$emulator/health HTTP/1.1\r\nhost: localhost\r\nx"] {
        let rest = blocking(move || {
            let mut raw = Raw::connect(address);
            raw.send(sent);
            raw.rest()
        });
        assert!(!rest.await.contains(" 200 "), "{sent:?}");
    }
    let rest = blocking(move || {
        let mut raw = Raw::connect(address);
        raw.request("GET", "/$emulator/health", "");
        assert!(raw.answer().0.starts_with("HTTP/1.1 200"));
        // One is as good as the other.
        raw.request("GET", "/$emulator/health", "");
        assert!(raw.answer().0.starts_with("HTTP/1.1 200"));
        raw.rest()
    });
    assert_eq!(rest.await, "");
    emulator.stop().await;
}

#[tokio::test]
async fn a_request_says_whom_it_is_for() {
    let emulator = start(Emulator::builder()).await;
    let address = emulator.address().unwrap();
    blocking(move || {
        for (head, expected) in [
            ("GET /$emulator/health HTTP/1.1", "400"),
            ("GET /$emulator/health HTTP/1.1\r\nhost: a\r\nhost: b", "400"),
            ("GET /$emulator/health HTTP/1.1\r\nhost: localhost", "200"),
            ("GET http://localhost/$emulator/health HTTP/1.1\r\nhost: localhost", "200"),
            ("GET /$emulator/health HTTP/1.0", "200"),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(&format!("{head}\r\n\r\n"));
            let status = raw.answer().0.split(' ').nth(1).unwrap().to_owned();
            assert_eq!(status, expected, "{head}");
        }
    })
    .await;
}

#[tokio::test]
async fn as_many_connections_as_there_may_be() {
    let emulator = start(Emulator::builder().max_connections(1)).await;
    let address = emulator.address().unwrap();
    blocking(move || {
        let mut first = Raw::connect(address);
        first.request("GET", "/$emulator/health", "");
        first.answer();
        let mut second = Raw::connect(address);
        second.request("GET", "/$emulator/health", "");
        // It waits until there is room.
        first.request("GET", "/$emulator/health", "");
        first.answer();
        drop(first);
        assert!(second.answer().0.starts_with("HTTP/1.1 200"));
    })
    .await;
}

#[tokio::test]
async fn the_admin_api_is_not_for_those_outside() {
    // An address that others can reach, whoever comes.
    let emulator = start(Emulator::builder().listen("0.0.0.0:0").admin_token("made-up")).await;
    assert!(emulator.url().starts_with("http://127.0.0.1:"), "{}", emulator.url());
    let port = emulator.address().unwrap().port();
    let address = ([127, 0, 0, 1], port).into();
    blocking(move || {
        assert_eq!(ask(address, "GET", "/$emulator/clock", "").0, 401);
        assert_eq!(ask(address, "POST", "/$emulator/reset", "authorization: Bearer made-ip\r\n").0, 401);
        assert_eq!(ask(address, "GET", "/$emulator/clock", "authorization: Bearer made-up\r\n").0, 200);
        assert_eq!(ask(address, "GET", "/$emulator/health", "").0, 200);
    })
    .await;
    let emulator = start(Emulator::builder()).await;
    let address = emulator.address().unwrap();
    blocking(move || {
        assert_eq!(ask(address, "GET", "/$emulator/clock", "").0, 200);
        assert_eq!(ask(address, "GET", "/$emulator/clock", "origin: https://evil.example\r\n").0, 403);
    })
    .await;
}

#[tokio::test]
async fn connections_are_cut_where_a_fault_wants_it() {
    let emulator = start(Emulator::builder()).await;
    let address = emulator.address().unwrap();
    for (cut, expected) in [(Cut::Request, ""), (Cut::Answer, "")] {
        emulator.inject(Fault::new().path("/devices").cut(cut)).unwrap();
        let rest = blocking(move || {
            let mut raw = Raw::connect(address);
            raw.request("GET", "/devices/d1?api-version=2016-11-14", "");
            raw.rest()
        });
        assert_eq!(rest.await, expected, "{cut:?}");
    }
    emulator.inject(Fault::new().path("/devices").cut(Cut::Body)).unwrap();
    let rest = blocking(move || {
        let mut raw = Raw::connect(address);
        raw.request("GET", "/devices/d1?api-version=2016-11-14", "");
        raw.rest()
    })
    .await;
    let (head, body) = rest.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(body.len(), length.parse::<usize>().unwrap() / 2, "{rest}");
}

#[tokio::test]
async fn a_stop_waits_for_nobody_who_only_listens() {
    let emulator = start(Emulator::builder()).await;
    let address = emulator.address().unwrap();
    let (ready, begun) = tokio::sync::oneshot::channel();
    let stream = blocking(move || {
        let mut raw = Raw::connect(address);
        raw.request("GET", "/$emulator/events", "accept: text/event-stream\r\n");
        let (head, _) = raw.answer();
        ready.send(()).unwrap();
        (head, raw.rest())
    });
    let stop = async {
        begun.await.unwrap();
        emulator.stop().await;
    };
    let ((head, rest), ()) = tokio::join!(stream, stop);
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    // The last chunk: it ended, and did not break off.
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
}

#[tokio::test]
async fn a_port_is_free_after_the_stop() {
    let emulator = start(Emulator::builder()).await;
    let address = emulator.address().unwrap().to_string();
    let taken = Emulator::builder().listen(&address).start().await.unwrap_err();
    assert!(taken.to_string().contains(&address), "{taken}");
    emulator.stop().await;
    start(Emulator::builder().listen(&address)).await.stop().await;
}
