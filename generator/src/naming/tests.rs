use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// What Rust takes as an identifier, said once more and otherwise.
fn assert_identifier(ident: &Ident) {
    let text = ident.as_str();
    let bare = text.strip_prefix("r#").unwrap_or(text);
    let first = bare.as_bytes().first().copied().unwrap_or_default();
    assert!(first == b'_' || first.is_ascii_alphabetic(), "{text}");
    assert!(bare.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()), "{text}");
    assert_ne!(bare, "_");
    let keyword = "abstract as async await become box break const continue crate do dyn else enum extern false final fn \
                   for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct \
                   super trait true try type typeof unsafe unsized use virtual where while yield Self"
        .split_whitespace()
        .any(|keyword| keyword == bare);
    assert_eq!(keyword, text.starts_with("r#"), "{text}");
    assert!(!text.starts_with("r#") || !["self", "Self", "super", "crate"].contains(&bare), "{text}");
}

#[test]
fn names_are_taken_apart_as_a_reader_would() {
    let table = [
        ("camelCase", "camel case"),
        ("PascalCase", "pascal case"),
        ("snake_case", "snake case"),
        ("kebab-case", "kebab case"),
        ("SCREAMING_CASE", "screaming case"),
        ("dotted.name", "dotted name"),
        ("a/b, c d", "a b c d"),
        ("  spaces   between ", "spaces between"),
        ("__init__", "init"),
        ("", ""),
        // Acronyms.
        ("HTTPServer", "http server"),
        ("HttpServer", "http server"),
        ("IotHub", "iot hub"),
        ("IoTHub", "iot hub"),
        ("IoTHubDescription", "iot hub description"),
        ("getSASUri", "get sas uri"),
        ("IPAddress", "ip address"),
        ("sasURL", "sas url"),
        ("VMScaleSets", "vm scale sets"),
        ("APIv2Key", "api v2 key"),
        ("TLSv1_2", "tls v1 2"),
        ("enableIPv6", "enable ipv6"),
        ("IPv4Address", "ipv4 address"),
        ("OAuth2", "oauth2"),
        ("useOAuth2Token", "use oauth2 token"),
        ("ODataError", "odata error"),
        ("Iot", "iot"),
        ("MySQLServer", "mysql server"),
        ("azureSaaSApps", "azure saas apps"),
        // Plurals of acronyms.
        ("IDs", "ids"),
        ("VMs", "vms"),
        ("VMsInPool", "vms in pool"),
        ("partitionIDs", "partition ids"),
        ("URLs_2", "urls 2"),
        ("vCPUsAvailable", "vcpus available"),
        // `s` is not always one.
        ("IDset", "i dset"),
        ("isXStore", "is x store"),
        // ETags.
        ("eTag", "etag"),
        ("ETag", "etag"),
        ("etag", "etag"),
        ("eTags", "etags"),
        ("If-Match-ETag", "if match etag"),
        ("createOrUpdateIfMatchETag", "create or update if match etag"),
        ("resourceETagValue", "resource etag value"),
        ("PETagency", "pe tagency"),
        // Digits.
        ("x509Thumbprint", "x509 thumbprint"),
        ("X509Thumbprint", "x509 thumbprint"),
        ("sasTtlAsIso8601", "sas ttl as iso8601"),
        ("sha256", "sha256"),
        ("sha1RSA", "sha1 rsa"),
        ("S3Bucket", "s3 bucket"),
        ("base64URL", "base64 url"),
        ("K8SCluster", "k8s cluster"),
        ("View3DMatrix", "view3d matrix"),
        ("Basic1Day", "basic1 day"),
        ("Gen2VM", "gen2 vm"),
        ("level 1", "level 1"),
        ("diskMBpsReadWrite", "disk mbps read write"),
        ("sizeInGiB", "size in gib"),
        // Symbols and other scripts.
        ("$top", "top"),
        ("@odata.type", "odata type"),
        ("x-ms-client-request-id", "x ms client request id"),
        ("device's name", "devices name"),
        ("größe", "gre"),
        ("С", "u0421"),
        ("日本", "u65e5 u672c"),
        ("*", "star"),
        ("+", "plus"),
        ("<=", "less equal"),
        ("_", "underscore"),
        (" ", "space"),
        ("()", "open close"),
        ("€", "u20ac"),
        ("\u{202e}", "u202e"),
    ];
    for (name, expected) in table {
        assert_eq!(words(name).join(" "), expected, "{name}");
    }
}

#[test]
fn symbols_are_spelled_where_asked_for() {
    let spelled = |name| spelled_in_case(Case::Pascal, name).to_string();
    assert_eq!(spelled("-name"), "MinusName");
    assert_eq!(spelled("+1"), "Plus1");
    assert_eq!(spelled("-1"), "Minus1");
    assert_eq!(spelled("a <= b_c"), "ALessEqualBC");
    assert_eq!(spelled("C#"), "CHash");
    assert_eq!(spelled("plain name"), "PlainName");
}

#[test]
fn names_of_the_documents() {
    let table = [
        // Properties and parameters of the IoT Hub documents.
        ("eTag", "etag", "Etag"),
        ("x509Thumbprint", "x509_thumbprint", "X509Thumbprint"),
        ("lockDurationAsIso8601", "lock_duration_as_iso8601", "LockDurationAsIso8601"),
        ("LastActivityTimeUtc", "last_activity_time_utc", "LastActivityTimeUtc"),
        ("api-version", "api_version", "ApiVersion"),
        ("deviceid", "deviceid", "Deviceid"),
        ("type", "r#type", "Type"),
        ("self", "self_", "Self_"),
        ("gen", "r#gen", "Gen"),
        // Operations.
        ("DeviceApi_GetDevice", "device_api_get_device", "DeviceApiGetDevice"),
        (
            "IotHubResource_GetKeysForKeyName",
            "iot_hub_resource_get_keys_for_key_name",
            "IotHubResourceGetKeysForKeyName",
        ),
        // Values.
        ("RegistryRead, RegistryWrite", "registry_read_registry_write", "RegistryReadRegistryWrite"),
        ("Error, Information", "error_information", "ErrorInformation"),
        ("updateIfMatchETag", "update_if_match_etag", "UpdateIfMatchEtag"),
        ("F1", "f1", "F1"),
        ("2016-11-14", "v2016_11_14", "V2016_11_14"),
        ("2017-01-19", "v2017_01_19", "V2017_01_19"),
        ("1.10", "v1_10", "V1_10"),
        ("v 2 name", "v_2_name", "V2Name"),
        // Elsewhere in Azure.
        ("Standard_D2S_v3", "standard_d2s_v3", "StandardD2sV3"),
        ("Microsoft.Compute/virtualMachines", "microsoft_compute_virtual_machines", "MicrosoftComputeVirtualMachines"),
        ("$select", "select", "Select"),
        ("@nextLink", "next_link", "NextLink"),
        ("application/json", "application_json", "ApplicationJson"),
        ("", "empty", "Empty"),
    ];
    for (name, expected_snake, expected_pascal) in table {
        assert_eq!((snake(name).as_str(), pascal(name).as_str()), (expected_snake, expected_pascal), "{name}");
    }
    assert_eq!(screaming("DeviceApi_GetDevice").as_str(), "DEVICE_API_GET_DEVICE");
    assert_eq!(screaming("2016-11-14").as_str(), "V2016_11_14");
    assert_eq!(pascal_parts(&["Device", "status"]).as_str(), "DeviceStatus");
    assert_eq!(snake_parts(&["with", "type"]).as_str(), "with_type");
    assert_eq!(pascal_parts(&["Sha1", "2"]).as_str(), "Sha1_2");
}

#[test]
fn long_names_are_cut_and_differ() {
    let long = "long_word_".repeat(6_000);
    let (one, other) = (snake(&long), snake(&format!("{long}x")));
    assert!(one.as_str().starts_with("long_word_long_word_"));
    assert!(one.as_str().len() <= MAX_LENGTH);
    assert_ne!(one, other);
    assert_ne!(pascal(&"a".repeat(60_000)), pascal(&"a".repeat(59_999)));
    // The hash is part of the generated crate's interface, so it must never change.
    assert_eq!(
        pascal(&"Registry".repeat(20)).as_str(),
        "RegistryRegistryRegistryRegistryRegistryRegistryRegistryH436f4813"
    );
}

#[test]
fn parse_takes_only_what_rust_takes() {
    for valid in ["name", "Name", "r#type", "self_", "_name", "a1", "union"] {
        assert_eq!(Ident::parse(valid).map(|ident| ident.to_string()).as_deref(), Some(valid));
    }
    for invalid in ["", "_", "__", "type", "self", "r#self", "r#name", "1a", "a-b", "é", "a b", "r#", "Self"] {
        assert_eq!(Ident::parse(invalid), None, "{invalid}");
    }
}

#[test]
fn cases_are_those_of_the_lints() {
    let has = |text: &str, case| Ident::parse(text).unwrap().has_case(case);
    assert!(has("IoTHub", Case::Pascal));
    assert!(has("V2016_11_14", Case::Pascal));
    assert!(!has("Iot_Hub", Case::Pascal));
    assert!(!has("iotHub", Case::Pascal));
    assert!(has("iot_hub", Case::Snake));
    assert!(has("r#type", Case::Snake));
    assert!(!has("iotHub", Case::Snake));
    assert!(!has("iot__hub", Case::Snake));
    assert!(has("IOT_HUB", Case::Screaming));
}

fn assign(reserved: &[&str], wanted: impl IntoIterator<Item = Wanted>) -> Vec<String> {
    let mut scope = Scope::new(reserved);
    for (index, item) in wanted.into_iter().enumerate() {
        assert_eq!(scope.collect(item), index);
    }
    scope.assign().iter().map(Ident::to_string).collect()
}

#[test]
fn the_first_gets_the_name_and_the_next_its_second_wish() {
    let wanted = [
        Wanted::new(pascal("Job")).or(pascal("JobRequest")),
        Wanted::new(pascal("job")).or(pascal("JobResponse")),
        Wanted::new(pascal("JOB")),
    ];
    assert_eq!(assign(&[], wanted), ["Job", "JobResponse", "Job2"]);
}

#[test]
fn pins_win_wherever_they_stand() {
    let wanted = [Wanted::new(pascal("Twin")).or(pascal("DeviceTwin")), Wanted::pinned(pascal("Twin"))];
    assert_eq!(assign(&[], wanted), ["DeviceTwin", "Twin"]);
    // Not against reserved names, nor against an earlier pin.
    let wanted = [Wanted::pinned(pascal("Option")), Wanted::pinned(pascal("Twin")), Wanted::pinned(pascal("Twin"))];
    assert_eq!(assign(&["Option"], wanted), ["Option2", "Twin", "Twin2"]);
}

#[test]
fn a_unique_wish_is_not_lost_to_anothers_number() {
    let wanted = ["name", "Name", "name_2", "sha1", "SHA1"].map(|name| Wanted::new(snake(name)));
    assert_eq!(assign(&[], wanted), ["name", "name_3", "name_2", "sha1", "sha1_2"]);
    // Nor to anothers second wish.
    let wanted = [Wanted::new(snake("a")), Wanted::new(snake("a")).or(snake("b")), Wanted::new(snake("b"))];
    assert_eq!(assign(&[], wanted), ["a", "b_2", "b"]);
}

#[test]
fn numbers_suit_the_name() {
    let wanted = ["Asc", "Asc", "Sha1", "Sha1", "Self", "Self"].map(|name| Wanted::new(pascal(name)));
    assert_eq!(assign(&[], wanted), ["Asc", "Asc2", "Sha1", "Sha1_2", "Self_", "Self2"]);
    let wanted = ["type", "type", "self", "self"].map(|name| Wanted::new(snake(name)));
    assert_eq!(assign(&[], wanted), ["r#type", "type_2", "self_", "self_2"]);
    assert_eq!(assign(&["type"], [Wanted::new(snake("type"))]), ["type_2"]);
}

#[test]
fn models_do_not_hide_what_generated_code_names() {
    let first = |name| type_candidates(name).first().map(Ident::to_string).unwrap_or_default();
    assert_eq!(first("Error"), "ErrorModel");
    assert_eq!(first("eTag"), "EtagModel");
    assert_eq!(first("self"), "SelfModel");
    assert_eq!(first("Device"), "Device");
    let sorted = |names: &[&str]| names.iter().collect::<HashSet<_>>().len() == names.len();
    assert!(sorted(RESERVED_TYPES));
}

proptest! {
    #[test]
    fn any_name_gives_identifiers(name in "\\PC*|[a-zA-Z0-9_ .-]*|[ -~]*|(?s).*") {
        for case in [Case::Snake, Case::Pascal, Case::Screaming] {
            for ident in [in_case(case, &[&name]), in_case(case, &[&name, &name]), spelled_in_case(case, &name)] {
                assert_identifier(&ident);
                prop_assert!(ident.has_case(case), "{ident}");
                prop_assert!(ident.bare().len() <= MAX_LENGTH);
                prop_assert_eq!(Ident::parse(ident.as_str()), Some(ident.clone()));
                assert_identifier(&ident.numbered(2));
                prop_assert!(ident.numbered(2).has_case(case), "{}", ident.numbered(2));
            }
        }
    }

    #[test]
    fn snake_and_pascal_are_stable(name in "[a-zA-Z0-9_ -]{0,40}") {
        let snake = snake(&name);
        prop_assert_eq!(&super::snake(snake.bare()), &snake);
    }

    #[test]
    fn names_of_a_scope_are_unique(
        items in prop::collection::vec((prop::collection::vec("[ab]{1,2}(_?[23])?", 0..3), any::<bool>()), 0..30),
        pascal_case in any::<bool>(),
    ) {
        let case = if pascal_case { Case::Pascal } else { Case::Snake };
        let mut scope = Scope::new(&["a", "A", "b_2"]);
        let mut firsts = Vec::new();
        for (names, pinned) in &items {
            let candidates: Vec<_> = names.iter().map(|name| in_case(case, &[name])).collect();
            firsts.push(candidates.first().cloned());
            scope.collect(Wanted { candidates, pinned: *pinned });
        }
        let assigned = scope.assign();
        prop_assert_eq!(assigned.len(), items.len());
        let unique: HashSet<_> = assigned.iter().map(Ident::bare).collect();
        prop_assert_eq!(unique.len(), items.len());
        for (index, first) in firsts.iter().enumerate() {
            let Some(first) = first else { continue };
            let wishes = firsts.iter().filter(|other| other.as_ref() == Some(first)).count();
            if wishes == 1 && !["a", "A", "b_2"].contains(&first.bare()) {
                prop_assert_eq!(&assigned[index], first);
            }
        }
    }
}
