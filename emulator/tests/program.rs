//! The program.

use std::net::TcpListener;
use std::sync::Arc;

use iothub::hub::models::Device;
use iothub::runtime::credential::ConnectionString;
use iothub::runtime::transport::reqwest::ReqwestTransport;

use crate::support::{Folder, Program, Raw, ask, command, read};

#[tokio::test]
async fn what_it_prints_works_at_once() {
    let folder = Folder::new();
    let port_file = folder.join("port");
    std::fs::write(&port_file, "of an earlier run").unwrap();
    let program = Program::start(&["--port-file", &port_file]);
    assert_eq!(read(&port_file), format!("{}\n", program.address().port()));
    assert_eq!(std::fs::read_dir(folder.join("")).unwrap().count(), 1);
    assert!(program.connection_string.ends_with(";UseDevelopmentEmulator=true"), "{}", program.connection_string);
    let hub = program.hub();
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    assert_eq!(hub.devices().get("d1").await.unwrap().device_id, "d1");
    assert_eq!(hub.twins().get("d1").await.unwrap().device_id.as_deref(), Some("d1"));
    let (status, body) = ask(program.address(), "GET", "/$emulator/health", "");
    assert!(status == 200 && body.contains("\"ok\""), "{body}");
}

#[tokio::test]
async fn tls_with_a_certificate_that_it_made() {
    let folder = Folder::new();
    let trust = folder.join("trust.pem");
    let arguments = ["--tls-self-signed", "--cert-out", &trust, "--host-name", "my-hub.hubs.example"];
    let program = Program::start(&arguments);
    assert!(program.url.starts_with("https://") && !program.connection_string.contains("Emulator"), "{}", program.url);
    let trust = reqwest::Certificate::from_pem(read(&trust).as_bytes()).unwrap();
    _ = rustls::crypto::ring::default_provider().install_default();
    let client = || reqwest::Client::builder().tls_certs_only([trust.clone()]).no_proxy();
    let transport = Arc::new(ReqwestTransport::from(client().build().unwrap()));
    let connection: ConnectionString = program.connection_string.parse().unwrap();
    let hub = iothub::hub::Client::with_pipeline(connection.pipeline(transport));
    hub.devices().put("d1", &Device::new("d1")).await.unwrap();
    // All names that it is for, wherever they lead.
    for host in ["localhost", "127.0.0.1", "my-hub.hubs.example", "other.hubs.example"] {
        let client = client().resolve(host, program.address()).build().unwrap();
        let url = format!("https://{host}:{}/$emulator/health", program.address().port());
        assert_eq!(client.get(&url).send().await.unwrap().status(), 200, "{host}");
    }
    let stranger = client().resolve("stranger.example", program.address()).build().unwrap();
    let url = format!("https://stranger.example:{}/$emulator/health", program.address().port());
    assert!(stranger.get(url).send().await.is_err());
    // Plain HTTP is no TLS.
    let mut raw = Raw::connect(program.address());
    raw.request("GET", "/$emulator/health", "");
    assert!(!raw.rest().contains("200"));
}

#[tokio::test]
async fn keys_are_given_or_kept() {
    let folder = Folder::new();
    let data = folder.join("data");
    let first = Program::start(&["--data-dir", &data]);
    let of = |program: &Program| program.connection_string.split_once("SharedAccessKeyName").unwrap().1.to_owned();
    let key = of(&first);
    first.hub().devices().put("d1", &Device::new("d1")).await.unwrap();
    first.kill();
    let second = Program::start(&["--data-dir", &data]);
    assert_eq!(of(&second), key);
    second.hub().devices().get("d1").await.unwrap();
    // One process at a time.
    let other = command(&["--listen", "127.0.0.1:0", "--data-dir", &data]).output().unwrap();
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(other.status.code() == Some(1) && said.contains("iothub.redb: another emulator"), "{said}");
    second.kill();
    let given = ["--key-name", "mine", "--key", "bWFkZSB1cA==", "--data-dir", &data];
    let third = Program::start(&given);
    assert!(of(&third).contains("=mine;SharedAccessKey=bWFkZSB1cA=="), "{}", of(&third));
    third.hub().devices().get("d1").await.unwrap();
    // The policy is kept like the others.
    third.kill();
    let fourth = Program::start(&["--data-dir", &data]);
    assert_eq!(of(&fourth), key);
    let mine = fourth.connection_string.replace(&key, &of_mine(&key));
    iothub::hub::Client::from_connection_string(&mine).unwrap().devices().get("d1").await.unwrap();
}

fn of_mine(key: &str) -> String {
    let emulator = key.split_once(";UseDevelopmentEmulator").unwrap().1;
    format!("=mine;SharedAccessKey=bWFkZSB1cA==;UseDevelopmentEmulator{emulator}")
}

#[tokio::test]
async fn moved_time_is_kept_and_told() {
    let folder = Folder::new();
    let data = folder.join("data");
    let program = Program::start(&["--data-dir", &data]);
    program.hub().devices().put("d1", &Device::new("d1")).await.unwrap();
    let mut admin = Raw::connect(program.address());
    // Tokens run out by that, and clients find out by the `Date` of the refusal.
    let (status, _, body) = admin.exchange("POST", "/$emulator/clock", "", r#"{"advanceSeconds":864000}"#);
    assert_eq!(status, 200, "{body}");
    program.hub().devices().get("d1").await.unwrap();
    program.kill();
    let again = Program::start(&["--data-dir", &data]);
    let (_, body) = ask(again.address(), "GET", "/$emulator/clock", "");
    assert!(body.contains("\"movedSeconds\":864000.0"), "{body}");
    again.hub().devices().get("d1").await.unwrap();
}

#[test]
fn wrong_arguments() {
    for arguments in [
        &["--nonsense"][..],
        &["--listen", "127.0.0.1"],
        &["--listen", ":8080"],
        &["--listen", "::1:8080"],
        &["--listen", "localhost:http"],
        &["--key", "bWFkZSB1cA=="],
        &["--key-name", "a"],
        &["--key-name", "a", "--key", "bWFkZSB1cA==", "--key-name", "b"],
        &["--tls-cert", "x"],
        &["--tls-key", "x"],
        &["--tls-self-signed", "--tls-cert", "x", "--tls-key", "x"],
        &["--cert-out", "x"],
        &["--profile", "other"],
        &["--page-size", "0"],
        &["--lro-delay", "-1"],
        &["--lro-delay", "1e300"],
        &["--throttle", "0"],
        &["--throttle", "NaN"],
        &["--latency", "soon"],
        &["--log", "xml"],
        &["--key-name", "a", "--key", "!"],
        &["--key-name", "a;b", "--key", "bWFkZSB1cA=="],
        &["--key-name", "", "--key", "bWFkZSB1cA=="],
        &["--host-name", "a/b"],
        &["--host-name", ""],
        &["--arm-token", ""],
        &["--arm-token", "a\nb"],
        &["--admin-token", "a b"],
        &["--subscription", "a/b"],
        &["stray"],
    ] {
        let output = command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    for argument in ["--help", "-h", "--version"] {
        let output = command(&[argument]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty() && !output.stdout.is_empty(), "{argument}");
    }
}

#[test]
fn it_cannot_start() {
    let folder = Folder::new();
    let (file, damaged) = (folder.join("file"), folder.join("damaged"));
    std::fs::write(&file, "no PEM").unwrap();
    std::fs::create_dir(&damaged).unwrap();
    std::fs::write(folder.join("damaged/iothub.redb"), "once upon a time").unwrap();
    let in_nowhere = folder.join("nowhere/port");
    let certificate = folder.join("cert.pem");
    let program = Program::start(&["--tls-self-signed", "--cert-out", &certificate]);
    program.kill();
    let free = ["--listen", "127.0.0.1:0"];
    for (arguments, said) in [
        (&["--listen", "no.such.host.invalid:0"][..], "cannot listen"),
        (&["--tls-cert", &certificate, "--tls-key", &certificate], "no key in it"),
        (&["--tls-cert", &file, "--tls-key", &file], &file),
        (&["--tls-cert", &in_nowhere, "--tls-key", &file], &in_nowhere),
        (&["--data-dir", &damaged], "iothub.redb"),
        (&["--data-dir", &file], &file),
        (&["--port-file", &in_nowhere], &in_nowhere),
        (&["--port-file", &in_nowhere], "--port-file"),
        (&["--tls-self-signed", "--cert-out", &in_nowhere], "--cert-out"),
    ] {
        let mut all = if arguments[0] == "--listen" { Vec::new() } else { free.to_vec() };
        all.extend(arguments);
        let output = command(&all).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(said) && output.stdout.is_empty(), "{arguments:?}: {error}");
    }
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&["--listen", &address]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && error.contains(&address), "{error}");
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_when_what_is_in_flight_is_done() {
    for signal in ["INT", "TERM"] {
        let program = Program::start(&[]);
        let fault = r#"{"path":"/devices","delayMs":400}"#;
        let mut admin = Raw::connect(program.address());
        admin.request("POST", "/$emulator/faults", &format!("content-length: {}\r\n", fault.len()));
        admin.send(fault);
        assert!(admin.answer().0.starts_with("HTTP/1.1 201"));
        let (mut idle, mut busy) = (Raw::connect(program.address()), Raw::connect(program.address()));
        idle.request("GET", "/$emulator/health", "");
        idle.answer();
        busy.request("GET", "/devices/d1?api-version=2016-11-14", "");
        // It has got there when the fault has seen it.
        loop {
            admin.request("GET", "/$emulator/faults", "");
            if admin.answer().1.contains("\"seen\":1") {
                break;
            }
        }
        program.signal(signal);
        assert!(busy.answer().0.starts_with("HTTP/1.1 401"));
        assert_eq!([idle.rest(), busy.rest(), admin.rest()], [""; 3]);
        let (status, errors) = program.ended();
        assert_eq!((status.code(), errors.as_str()), (Some(0), ""), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn logs_tell_no_secrets() {
    for format in ["json", "pretty"] {
        let tokens = ["--arm-token", "secret-arm", "--admin-token", "secret-admin", "--log", format];
        let program = Program::start(&tokens);
        let device = program.hub().devices().put("d1", &Device::new("d1")).await.unwrap();
        let keys = device.authentication.as_ref().unwrap().symmetric_key.clone().unwrap();
        let primary = keys.primary_key.unwrap().expose().to_owned();
        let wrong =
            "authorization: SharedAccessSignature sr=127.0.0.1&sig=secret-signature&se=9999999999&skn=iothubowner\r\n";
        ask(program.address(), "GET", "/devices/d1?api-version=2016-11-14&sig=secret-query", wrong);
        ask(program.address(), "GET", "/subscriptions/x?secret-query", "authorization: Bearer secret-arm\r\n");
        ask(program.address(), "GET", "/$emulator/clock", "authorization: Bearer secret-admin\r\n");
        ask(program.address(), "GET", "/$emulator/clock", "authorization: Bearer secret-other\r\n");
        let own = program.connection_string.split("SharedAccessKey=").nth(1).unwrap();
        let own = own.split(';').next().unwrap().to_owned();
        program.signal("TERM");
        let (_, log) = program.ended();
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(lines.len(), 5, "{log}");
        for (line, parts) in lines.iter().zip([["PUT", "/devices/d1", "200"], ["GET", "/devices/d1", "401"]]) {
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        if format == "json" {
            for line in lines {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(
                    line["request_id"].is_string() && line["millis"].is_number() && line["path"].is_string(),
                    "{line}"
                );
            }
        }
        for secret in ["secret", &primary, &own] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}
