use std::path::Path;

use super::*;

/// What a manifest says, and every complaint: code, pointer, message, help.
fn read(text: &str) -> (Option<Manifest>, Vec<String>) {
    let mut diags = Diagnostics::default();
    let mut sources = Sources::default();
    let file = sources.add(Path::new("specsmith.yaml"), text.to_owned(), &mut diags).unwrap();
    assert!(diags.is_empty(), "{diags:?}");
    let manifest = parse(file, &sources, &mut diags);
    let complaints = diags.iter().map(|diagnostic| {
        let at = diagnostic.location.as_ref().unwrap();
        assert!(sources.position(at, Part::Node).is_some());
        let help = diagnostic.help.as_deref().unwrap_or("-");
        format!("{} {} | {} | {help}", diagnostic.code, at.pointer, diagnostic.message)
    });
    (manifest, complaints.collect())
}

const SMALL: &str = "
crate: { name: small, version: 0.1.0 }
out: generated
clients:
  hub:
    documents: [a.json]
";

#[test]
fn a_small_manifest() {
    let (manifest, complaints) = read(SMALL);
    let manifest = manifest.unwrap();
    assert_eq!(complaints, [""; 0]);
    assert_eq!(manifest.package.name, "small");
    assert_eq!(manifest.out, "generated");
    assert_eq!(manifest.runtime, None);
    assert!(!manifest.package.workspace_lints);
    let client = &manifest.clients[0];
    assert_eq!(client.module.as_str(), "hub");
    assert_eq!(client.documents[0].path, "a.json");
    assert!(client.documents[0].overlays.is_empty());
}

#[test]
fn the_manifest_of_this_repository() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../specsmith.yaml")).unwrap();
    let (manifest, complaints) = read(&text);
    assert_eq!(complaints, [""; 0]);
    let manifest = manifest.unwrap();
    let modules: Vec<_> = manifest.clients.iter().map(|client| client.module.as_str()).collect();
    assert_eq!(modules, ["hub", "device", "management"]);
    assert_eq!(manifest.default_features, ["hub", "device"]);
    assert_eq!(manifest.runtime.as_deref(), Some("runtime"));
    let hub = &manifest.clients[0];
    let overlays: Vec<&str> = hub.documents[0].overlays.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(overlays, ["specs/overlays/DeviceApi.yaml"]);
    assert_eq!(hub.groups[0].module.as_str(), "devices");
    let get = &hub.groups[0].operations[0];
    assert_eq!((get.name.as_str(), get.id.as_str()), ("get", "DeviceApi_GetDevice"));
    assert_eq!(get.at.pointer.as_str(), "/clients/hub/groups/devices/operations/get");
    assert_eq!(hub.models["DeviceTwinInfo"].0.as_str(), "Twin");
    assert_eq!(hub.fields["ExportImportDevice.eTag"].0.as_str(), "etag");
    assert_eq!(hub.parameter_names["*.deviceid"].0.as_str(), "device_id");
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        read("[]").1,
        ["SM601  | the manifest must be an object | write its fields under it, or between `{` and `}`"]
    );
    assert_eq!(
        read("crate: {}\nclients: {}").1,
        [
            "SM601 /crate | the required field `name` is missing | add it; it is a string",
            "SM601 /crate | the required field `version` is missing | add it; it is a string",
            "SM601  | the required field `out` is missing | add it; it is a path",
            "SM601 /clients | the field `clients` must be an object with a client or more | write an object with a client or more",
        ]
    );
    let (manifest, complaints) =
        read("crate: { name: a, version: 1.0.0 }\nout: o\nclients: { hub: { documents: [] } }");
    assert!(manifest.is_none());
    assert_eq!(
        complaints,
        [
            "SM601 /clients/hub/documents | the field `documents` must be a list with a path or more, or objects with `path` \
         and `overlays` | write a list with a path or more, or objects with `path` and `overlays`"
        ]
    );
}

#[test]
fn unknown_fields_are_refused_and_guessed_at() {
    let text =
        SMALL.replace("out: generated", "out: generated\nrun-time: x\nwhatever: 1").replace("documents", "document");
    assert_eq!(
        read(&text).1,
        [
            "SM602 /run-time | the field `run-time` is unknown | did you mean `runtime`?",
            "SM602 /whatever | the field `whatever` is unknown | the fields here are `crate`, `out`, `runtime`, \
         `default-features`, `clients`",
            "SM602 /clients/hub/document | the field `document` is unknown | did you mean `documents`?",
            "SM601 /clients/hub | the required field `documents` is missing | add it; it is a list with a path or more, or objects with \
         `path` and `overlays`",
        ]
    );
}

#[test]
fn validation_is_asked_for() {
    let validates = |line: &str| {
        let (manifest, complaints) = read(&format!("{SMALL}    {line}\n"));
        (manifest.unwrap().clients[0].validate, complaints)
    };
    assert_eq!(validates(""), (false, vec![]));
    assert_eq!(validates("validate-requests: true"), (true, vec![]));
    assert_eq!(validates("validate-requests: false"), (false, vec![]));
    assert_eq!(
        validates("validate-requests: yes please").1,
        [
            "SM601 /clients/hub/validate-requests | the field `validate-requests` must be `true` or `false` | write `true` or `false`"
        ]
    );
    assert_eq!(
        validates("validate-request: true").1,
        [
            "SM602 /clients/hub/validate-request | the field `validate-request` is unknown | did you mean `validate-requests`?"
        ]
    );
}

#[test]
fn values_must_be_of_use() {
    let text = SMALL
        .replace("name: small, version: 0.1.0", "name: 1a, version: 0.01.0, rust-version: 1.95, keywords: iot")
        .replace("out: generated", "out: ../generated\ndefault-features: [hub, hubs, else]");
    assert_eq!(
        read(&text).1,
        [
            format!("SM601 /crate/name | `1a` cannot be the field `name` | {}", check::PACKAGE_NAME).as_str(),
            format!("SM601 /crate/version | `0.01.0` cannot be the field `version` | {}", check::VERSION).as_str(),
            "SM601 /crate/rust-version | the field `rust-version` must be a string | put it in quotes",
            "SM601 /crate/keywords | the field `keywords` must be a list of strings | put it in square brackets",
            "SM601 /out | the output folder `../generated` is not one below the manifest | write a relative path with `/` and \
         without `..`; `--out` on the command line takes any",
            "SM601 /default-features/1 | there is no client `hubs` | did you mean `hub`?",
            "SM601 /default-features/2 | there is no client `else` | the clients are `hub`",
        ]
    );
}

#[test]
fn names_must_be_names_of_rust() {
    let (manifest, complaints) = read(&format!(
        "{SMALL}    groups:
      models: {{ operations: {{ get: A_Get }} }}
      devices: {{ operations: {{ Get: A_Get, type: A_Type, ok: A_Ok }} }}
    models: {{ A: iot_hub, B: IoTHub }}
    fields: {{ A.eTag: eTag, eTag: etag, A.a.b: r#type }}
    parameter-names: {{ '*.x': 1, .x: x }}
  Device: {{ documents: [b.json] }}
  server: {{ documents: [b.json] }}
"
    ));
    let manifest = manifest.unwrap();
    assert_eq!(manifest.clients.len(), 3, "with stand-ins for names, so that the documents are read");
    let hub = &manifest.clients[0];
    let operations =
        |group: usize| hub.groups[group].operations.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>();
    assert_eq!(
        (operations(0), operations(1)),
        (vec!["A_Get"], vec!["A_Type", "A_Ok"]),
        "none is said to be in no group"
    );
    assert_eq!(hub.models["B"].0.as_str(), "IoTHub");
    assert_eq!(hub.fields["A.a.b"].0.as_str(), "r#type");
    assert_eq!(
        complaints,
        [
            "SM603 /clients/hub/groups/models | `models` is the name of a module that is always there | choose another name",
            "SM603 /clients/hub/groups/devices/operations/Get | `Get` cannot be the name of a method | write an identifier of \
         Rust in snake case, such as `get`",
            "SM601 /clients/hub/groups/devices/operations/Get | another method already stands for the operation `A_Get` | \
         remove one of them",
            "SM603 /clients/hub/groups/devices/operations/type | `type` cannot be the name of a method | write an identifier of \
         Rust in snake case, such as `r#type`",
            "SM603 /clients/hub/models/A | `iot_hub` cannot be the name of a type | write an identifier of Rust in Pascal case, \
         such as `IotHub`",
            "SM603 /clients/hub/fields/A.eTag | `eTag` cannot be the name of a field | write an identifier of Rust in snake \
         case, such as `etag`",
            "SM601 /clients/hub/fields/eTag | `eTag` does not say which field is meant | write `Definition.property`",
            "SM601 /clients/hub/parameter-names/*.x | the name for `*.x` must be a string | put it in quotes",
            "SM601 /clients/hub/parameter-names/.x | `.x` does not say which parameter is meant | write \
         `OperationId.parameter` or `*.parameter`",
            "SM603 /clients/Device | `Device` cannot be the name of a module | write an identifier of Rust in snake case, such \
         as `device`",
            "SM603 /clients/server | `server` is the name of a feature that is always there | choose another name",
        ]
    );
}

#[test]
fn nothing_is_said_twice() {
    let text = format!("{SMALL}    models: {{ A: X, B: X }}\n")
        .replace("[a.json]", "[a.json, { path: a.json }, { pth: b }, 7]");
    assert_eq!(
        read(&text).1,
        [
            "SM601 /clients/hub/documents/1 | the client already has the document `a.json` | remove one of them",
            "SM602 /clients/hub/documents/2/pth | the field `pth` is unknown | did you mean `path`?",
            "SM601 /clients/hub/documents/2 | the required field `path` is missing | add it; it is a path",
            "SM601 /clients/hub/documents/3 | a document that is not just a path must be an object | write its fields under it, or between `{` and `}`",
            "SM601 /clients/hub/models/B | another definition is already called `X` | remove one of them",
        ]
    );
}

#[test]
fn versions() {
    for valid in ["0.1.0", "1.20.300", "1.0.0-beta.1", "1.0.0+build.7", "1.0.0-a-b+c-d"] {
        assert!(check::is_version(valid), "{valid}");
    }
    for invalid in ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "1.0.x", "+1.0.0", "1.+0.0"] {
        assert!(!check::is_version(invalid), "{invalid}");
    }
    assert!(check::is_rust_version("1.95") && !check::is_rust_version("1"));
}
