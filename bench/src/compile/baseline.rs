//! The same interface as most generators write it: serde's derives, and an async function an operation with the HTTP client's
//! calls in it. Models have no constructors, no setters and no place for unknown properties, which keeps it cheap.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::Files;

/// Adds a line to a text.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {{
        // Writing to a string does not fail.
        let _ = writeln!($out, $($text)*);
    }};
}

pub(super) const MANIFEST: &str = r#"[package]
name = "baseline"
version = "0.1.0"
edition = "2024"

[dependencies]
chrono = { version = "0.4", default-features = false, features = ["serde"] }
reqwest = { version = "0.13", default-features = false, features = ["json", "query"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"#;

const LIB: &str = r#"#![allow(warnings)]

/// What can go wrong; `E` is the error that the operation's document describes.
#[derive(Debug)]
pub enum Error<E> {
    Http(reqwest::Error),
    Json(serde_json::Error),
    Service(u16, Option<E>),
}

impl<E> From<reqwest::Error> for Error<E> {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

impl<E> From<serde_json::Error> for Error<E> {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
"#;

/// The crate's files, from the IR as JSON.
pub(super) fn files(ir: &Value) -> Files {
    let mut files = Files::new();
    let mut lib = LIB.to_owned();
    for client in list(&ir["clients"]) {
        let name = text(&client["name"]);
        line!(lib, "pub mod r#{name};");
        let of_client = |item: &&Value| text(&item["client"]) == name;
        let models: Vec<&Value> = list(&ir["models"]).iter().filter(of_client).collect();
        let operations: Vec<&Value> = list(&ir["operations"]).iter().filter(of_client).collect();
        files.push((format!("{name}/models.rs").into(), self::models(&models)));
        let groups: BTreeSet<&str> = operations.iter().map(|operation| text(&operation["group"])).collect();
        let mut module = String::from("pub mod models;\n");
        for group in &groups {
            line!(module, "mod {group}_calls;");
            let calls = operations.iter().filter(|operation| text(&operation["group"]) == *group);
            let mut file = String::from(USES);
            line!(file, "impl Client {{");
            calls.for_each(|operation| self::operation(&mut file, group, client, operation));
            line!(file, "}}");
            files.push((format!("{name}/{group}_calls.rs").into(), file));
        }
        line!(
            module,
            "\n#[derive(Debug, Clone)]\npub struct Client {{\n    pub http: reqwest::Client,\n    pub base: String,"
        );
        for parameter in list(&client["parameters"]) {
            line!(module, "    pub {}: String,", text(&parameter["rust"]));
        }
        line!(module, "}}");
        files.push((format!("{name}/mod.rs").into(), module));
    }
    files.push(("lib.rs".into(), lib));
    files
}

const USES: &str = "use std::collections::BTreeMap;\n\nuse serde::{Deserialize, Serialize};\nuse serde_json::{Map, Value};\n\n\
                    use super::{Client, models};\nuse crate::{Error, encode};\n\n";

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A type of the IR in the words of serde, chrono and the standard library.
fn rust_type(ty: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for character in ty.chars().chain([' ']) {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        let known = match word.as_str() {
            // A model may have the name of a type of ours.
            _ if out.ends_with("models::") => &word,
            "DateTime" => "chrono::DateTime<chrono::Utc>",
            "Date" => "chrono::NaiveDate",
            "Rfc1123" | "Duration" | "Base64" | "Base64Url" | "Secret" | "Decimal" | "ETag" | "Condition" => "String",
            "UnixTime" => "i64",
            "Nullable" => "Option",
            "Bytes" | "Body" => "Vec<u8>",
            other => other,
        };
        out.push_str(known);
        word.clear();
        out.push(character);
    }
    out.trim_end().replace("v1::", "")
}

fn models(models: &[&Value]) -> String {
    let mut out = String::from(
        "use std::collections::BTreeMap;\n\nuse serde::{Deserialize, Serialize};\nuse serde_json::{Map, Value};\n",
    );
    for model in models {
        let rust = &model["rust"];
        let name = text(&rust["path"]).rsplit("::").next().unwrap_or_default();
        let other = text(&rust["other"]);
        let variants = list(&rust["variants"]);
        match text(&model["kind"]) {
            "struct" => structure(&mut out, name, list(&rust["fields"])),
            "enum" if text(&rust["type"]) == "i64" => line!(out, "\npub type {name} = i64;"),
            "enum" => enumeration(&mut out, name, variants, other),
            _ => {
                line!(out, "\n#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]");
                line!(out, "#[serde(tag = {:?})]\npub enum {name} {{", text(&rust["tag"]));
                for variant in variants {
                    let ty = rust_type(text(&variant["type"])).replace("models::", "");
                    line!(
                        out,
                        "    #[serde(rename = {:?})]\n    {}(Box<{ty}>),",
                        text(&variant["value"]),
                        text(&variant["name"])
                    );
                }
                line!(out, "    #[serde(untagged)]\n    {other}(Map<String, Value>),\n}}");
            }
        }
    }
    out
}

fn structure(out: &mut String, name: &str, fields: &[Value]) {
    line!(out, "\n#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]\npub struct {name} {{");
    for field in fields {
        let ty = rust_type(text(&field["type"])).replace("models::", "");
        let skip = if ty.starts_with("Option<") { ", default, skip_serializing_if = \"Option::is_none\"" } else { "" };
        line!(
            out,
            "    #[serde(rename = {:?}{skip})]\n    pub {}: {ty},",
            text(&field["property"]),
            text(&field["name"])
        );
    }
    line!(out, "}}");
}

fn enumeration(out: &mut String, name: &str, variants: &[Value], other: &str) {
    line!(out, "\n#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]\npub enum {name} {{");
    for variant in variants {
        line!(out, "    #[serde(rename = {:?})]\n    {},", text(&variant["value"]), text(&variant["name"]));
    }
    line!(out, "    #[serde(untagged)]\n    {other}(String),\n}}\n");
    line!(out, "impl {name} {{\n    pub fn as_str(&self) -> &str {{\n        match self {{");
    for variant in variants {
        line!(out, "            Self::{} => {:?},", text(&variant["name"]), text(&variant["value"]));
    }
    line!(out, "            Self::{other}(value) => value,\n        }}\n    }}\n}}\n");
    line!(
        out,
        "impl std::fmt::Display for {name} {{\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{"
    );
    line!(out, "        f.write_str(self.as_str())\n    }}\n}}");
}

/// A parameter as a function takes it.
struct Argument<'a> {
    name: &'a str,
    wire: &'a str,
    place: &'a str,
    ty: String,
    required: bool,
    json: bool,
}

impl Argument<'_> {
    /// The type that the function takes.
    fn taken(&self) -> String {
        let ty = match self.ty.as_str() {
            "String" => "&str".to_owned(),
            "bool" | "i32" | "i64" | "u64" | "f32" | "f64" => self.ty.clone(),
            ty => format!("&{ty}"),
        };
        if self.required { ty } else { format!("Option<{ty}>") }
    }

    /// Its text, where it is there.
    fn text(&self) -> String {
        match self.ty.strip_prefix("Vec<") {
            Some(_) => format!("{}.iter().map(ToString::to_string).collect::<Vec<_>>().join(\",\")", self.name),
            None => format!("{}.to_string()", self.name),
        }
    }

    /// The statement that puts it into the request.
    fn put(&self) -> Option<String> {
        let (name, wire) = (self.name, self.wire);
        let statement = match self.place {
            "query" | "form" => format!("http_request = http_request.query(&[({wire:?}, {})]);", self.text()),
            "query-flag" => format!("if {name} {{ http_request = http_request.query(&[({wire:?}, \"\")]); }}"),
            "header" => format!("http_request = http_request.header({wire:?}, {});", self.text()),
            "header-prefix" => {
                format!(
                    "for (key, value) in {name} {{ http_request = http_request.header(format!(\"{wire}{{key}}\"), value); }}"
                )
            }
            "body" if self.json => format!("http_request = http_request.json({name});"),
            "body" => format!("http_request = http_request.body({name}.to_owned());"),
            _ => return None,
        };
        Some(if self.required { statement } else { format!("if let Some({name}) = {name} {{ {statement} }}") })
    }
}

fn operation(out: &mut String, group: &str, client: &Value, operation: &Value) {
    let rust = &operation["rust"];
    let method = text(&rust["method"]);
    if method.is_empty() {
        return;
    }
    let names = || {
        let arguments = list(&rust["arguments"]).iter().map(|one| (text(&one["parameter"]), text(&one["name"])));
        arguments.chain(list(&rust["options"]).iter().map(|one| (text(&one["parameter"]), text(&one["method"]))))
    };
    let parameters = list(&operation["parameters"]).iter().filter(|one| text(&one["given"]) == "method");
    let mut arguments: Vec<Argument<'_>> = parameters
        .filter_map(|one| {
            let wire = text(&one["name"]);
            let (_, name) = names().find(|(parameter, _)| *parameter == wire)?;
            let json = text(&one["body"]["kind"]) == "json";
            let (place, ty) = (text(&one["in"]), rust_type(text(&one["type"])));
            Some(Argument { name, wire, place, ty, required: one["required"] == true, json })
        })
        .collect();
    arguments.sort_by_key(|argument| !argument.required);

    let signature: String =
        arguments.iter().map(|argument| format!(", {}: {}", argument.name, argument.taken())).collect();
    let (output, decode) = output(operation);
    let responses = list(&operation["responses"]);
    let failures: Vec<&Value> = responses.iter().filter(|response| response["error"] == true).collect();
    let described = failures.iter().find(|response| text(&response["body"]["kind"]) == "json");
    let error = described.map_or_else(|| "Value".to_owned(), |response| rust_type(text(&response["body"]["type"])));

    line!(
        out,
        "    pub async fn {group}_{}(&self{signature}) -> Result<{output}, Error<{error}>> {{",
        method.trim_start_matches("r#")
    );
    line!(out, "        let url = {};", url(client, operation, &arguments));
    line!(
        out,
        "        let mut http_request = self.http.request(reqwest::Method::{}, &url);",
        text(&operation["method"])
    );
    for one in list(&operation["parameters"]).iter().filter(|one| one["value"].is_string()) {
        let call = if text(&one["in"]) == "header" { "header" } else { "query" };
        let (name, value) = (text(&one["name"]), text(&one["value"]));
        match call {
            "header" => line!(out, "        http_request = http_request.header({name:?}, {value:?});"),
            _ => line!(out, "        http_request = http_request.query(&[({name:?}, {value:?})]);"),
        }
    }
    for statement in arguments.iter().filter_map(Argument::put) {
        line!(out, "        {statement}");
    }
    line!(out, "        let answer = http_request.send().await?;\n        match answer.status().as_u16() {{");
    for response in responses.iter().filter(|response| response["error"] != true) {
        if let Some(status) = response["status"].as_u64() {
            line!(out, "            {status} => {{\n                {}\n            }}", decode(response));
        }
    }
    for status in failures.iter().filter_map(|response| response["status"].as_u64()) {
        line!(out, "            {status} => {{\n                let text = answer.text().await?;");
        line!(out, "                Err(Error::Service({status}, serde_json::from_str(&text).ok()))\n            }}");
    }
    line!(out, "            other => {{\n                let text = answer.text().await?;");
    line!(
        out,
        "                Err(Error::Service(other, serde_json::from_str(&text).ok()))\n            }}\n        }}\n    }}\n"
    );
}

/// What an operation returns, and how the answer becomes that.
fn output(operation: &Value) -> (String, fn(&Value) -> String) {
    const JSON: fn(&Value) -> String =
        |_| "let text = answer.text().await?;\n                Ok(serde_json::from_str(&text)?)".to_owned();
    const BYTES: fn(&Value) -> String = |_| "Ok(answer.bytes().await?.to_vec())".to_owned();
    const MAYBE: fn(&Value) -> String = |response| {
        if response["body"].is_null() {
            "Ok(None)".to_owned()
        } else {
            JSON(response).replace("Ok(", "Ok(Some(").replace("?)", "?))")
        }
    };
    let successes = || list(&operation["responses"]).iter().filter(|response| response["error"] != true);
    let types: BTreeSet<&str> =
        successes().map(|response| text(&response["body"]["type"])).filter(|ty| !ty.is_empty()).collect();
    let empty = successes().any(|response| response["body"].is_null());
    match types.iter().next() {
        None if successes().all(|response| response["body"].is_null()) => ("()".to_owned(), |_| "Ok(())".to_owned()),
        None => ("Vec<u8>".to_owned(), BYTES),
        Some(_) if types.len() > 1 => ("Option<Value>".to_owned(), MAYBE),
        Some(ty) if empty => (format!("Option<{}>", rust_type(ty)), MAYBE),
        Some(ty) => (rust_type(ty), JSON),
    }
}

/// The expression of an operation's URL.
fn url(client: &Value, operation: &Value, arguments: &[Argument<'_>]) -> String {
    let mut format = String::from("{}");
    let mut values = String::from("self.base");
    let mut unused: Vec<&Argument<'_>> = arguments.iter().filter(|argument| argument.place == "path").collect();
    let template = text(&operation["path"]);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        format.push_str(before);
        format.push_str("{}");
        rest = after;
        let shared = list(&client["parameters"]).iter().find(|parameter| text(&parameter["name"]) == name);
        let position = unused.iter().position(|argument| argument.wire == name);
        let value = match (position, shared) {
            (Some(position), _) => unused.remove(position).text(),
            (None, Some(parameter)) => format!("self.{}", text(&parameter["rust"])),
            (None, None) if unused.is_empty() => format!("{name:?}"),
            (None, None) => unused.remove(0).text(),
        };
        let _ = write!(values, ", encode(&{value})");
    }
    format.push_str(rest);
    format!("format!({format:?}, {values})")
}
