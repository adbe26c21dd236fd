//! A client's module and its struct.

use super::{Form, HEADER, RUNTIME};
use crate::ir::{Audience, Client, ConnectionString, Crate, Group, Parameter, Side};
use crate::render::{Code, inline_code, line, literal};

/// The groups that have methods.
pub(super) fn groups(client: &Client) -> impl Iterator<Item = &Group> {
    client.groups.iter().filter(|group| group.operations.iter().any(|operation| operation.side != Side::Server))
}

/// `mod.rs` of a client.
pub(super) fn module(ir: &Crate, client: &Client) -> String {
    let mut code = Code::new();
    line!(code, "{HEADER}");
    if !code.module_prose(&client.description) {
        code.module_doc(format_args!("The client `{}`.", client.module.bare()));
    }
    code.module_doc(format_args!(""));
    for document in &client.documents {
        let (file, version) = (inline_code(&document.file), inline_code(&document.version));
        code.module_doc(format_args!("Generated from {file}, version {version}."));
    }
    code.gap();
    let groups: Vec<&Group> = groups(client).filter(|_| ir.sides.client).collect();
    if ir.sides.client {
        line!(code, "#[cfg(feature = \"client\")]");
        line!(code, "mod client;");
    }
    for group in groups {
        line!(code, "#[cfg(feature = \"client\")]");
        if group.module == client.module {
            line!(code, "#[allow(clippy::module_inception)]");
        }
        line!(code, "pub mod {};", group.module);
    }
    line!(code, "pub mod models;");
    if !client.services.is_empty() {
        line!(code, "#[cfg(feature = \"server\")]");
        line!(code, "pub mod server;");
    }
    if ir.sides.client {
        code.gap();
        line!(code, "#[cfg(feature = \"client\")]");
        line!(code, "pub use self::client::Client;");
    }
    code.finish()
}

/// `client.rs`: what the groups share.
pub(super) fn file(client: &Client, form: Form) -> String {
    let mut code = Code::new();
    line!(code, "{HEADER}");
    code.module_doc(format_args!("What the operations of `{}` share.", client.module.bare()));
    code.gap();
    imports(&mut code, client, form);
    code.gap();
    let mut imports: Vec<String> = groups(client).map(|group| format!("{}::{}", group.module, group.ty)).collect();
    imports.sort();
    for import in imports {
        line!(code, "use super::{import};");
    }
    code.gap();
    structure(&mut code, client);
    code.gap();
    code.block(format_args!("impl Client"), "}", |code| {
        constants(code, client);
        if has_constructor(form) {
            constructor(code, client, form);
            from_connection_string(code, client, form);
        }
        builder(code, client);
        with_pipeline(code, client);
        accessors(code, client);
    });
    code.finish()
}

/// What the client needs of the runtime.
fn imports(code: &mut Code, client: &Client, form: Form) {
    let statement = |code: &mut Code, mut names: Vec<&str>| {
        names.sort_unstable_by_key(|name| name.to_ascii_lowercase());
        match names.as_slice() {
            [only] => line!(code, "use {RUNTIME}::codegen::v1::{only};"),
            names => line!(code, "use {RUNTIME}::codegen::v1::{{{}}};", names.join(", ")),
        }
    };
    let mut always = vec!["Pipeline"];
    if client.authentication.bearer.is_some() {
        always.extend(["ClientBuilder", "TokenSource"]);
    }
    if !has_constructor(form) {
        return statement(code, always);
    }
    let mut with_reqwest = vec!["Error"];
    with_reqwest.extend(client.authentication.connection_string.as_ref().map(pipeline_function));
    if form == Form::Package {
        line!(code, "#[cfg(feature = \"reqwest\")]");
        statement(code, with_reqwest);
        statement(code, always);
    } else {
        statement(code, with_reqwest.into_iter().chain(always).collect());
    }
}

fn structure(code: &mut Code, client: &Client) {
    if client.title.0.is_empty() || !code.prose(&client.title) {
        code.doc(format_args!("A client of the service."));
    }
    code.doc(format_args!(""));
    code.doc(format_args!("A clone is cheap and shares the connections."));
    line!(code, "#[derive(Clone, Debug)]");
    code.block(format_args!("pub struct Client"), "}", |code| {
        line!(code, "pub(super) pipeline: Pipeline,");
        for parameter in &client.parameters {
            line!(code, "pub(super) {}: String,", parameter.name);
        }
    });
}

fn constants(code: &mut Code, client: &Client) {
    if let Some(endpoint) = &client.endpoint {
        code.doc(format_args!("Where the service is."));
        line!(code, "pub const ENDPOINT: &str = {};", literal(endpoint));
    }
    if let Some(version) = &client.api_version {
        code.gap();
        code.doc(format_args!("The version of the interface that is asked for, unless the pipeline has another."));
        line!(code, "pub const API_VERSION: &str = {};", literal(version));
    }
}

/// Whether there is a constructor that uses reqwest.
fn has_constructor(form: Form) -> bool {
    matches!(form, Form::Package | Form::Module { reqwest: true })
}

/// The signature's arguments: some of our own, and parameters of the client.
fn arguments(parameters: &[&Parameter], first: &[&str]) -> Vec<String> {
    let own = parameters.iter().map(|parameter| format!("{}: impl Into<String>", parameter.name));
    first.iter().map(|text| (*text).to_owned()).chain(own).collect()
}

fn constructor(code: &mut Code, client: &Client, form: Form) {
    let all: Vec<&Parameter> = client.parameters.iter().collect();
    code.gap();
    match &client.endpoint {
        Some(_) => code.doc(format_args!("A client of the service at [`ENDPOINT`](Self::ENDPOINT), over reqwest.")),
        None => {
            code.doc(format_args!("A client of the service at `endpoint`, a host or an `https` URL, over reqwest."))
        }
    }
    parameter_docs(code, &all);
    code.doc(format_args!(""));
    code.doc(format_args!("# Errors"));
    code.doc(format_args!(""));
    code.doc(format_args!("If the endpoint is not such a URL, or TLS cannot be set up."));
    if form == Form::Package {
        line!(code, "#[cfg(feature = \"reqwest\")]");
    }
    let (first, endpoint): (&[&str], &str) = match &client.endpoint {
        Some(_) => (&[], "Self::ENDPOINT"),
        None => (&["endpoint: &str"], "endpoint"),
    };
    line!(code, "#[inline]");
    code.list("pub fn new(", &arguments(&all, first), ") -> Result<Self, Error> {");
    code.indented(|code| {
        let own = client.parameters.iter().map(|parameter| parameter.name.to_string());
        let values: Vec<String> = std::iter::once(format!("Pipeline::over_reqwest({endpoint})?")).chain(own).collect();
        line!(code, "Ok(Self::with_pipeline({}))", values.join(", "));
    });
    line!(code, "}}");
}

fn pipeline_function(of: &ConnectionString) -> &'static str {
    match of {
        ConnectionString::Hub => "hub_pipeline",
        ConnectionString::Device(_) => "device_pipeline",
    }
}

fn from_connection_string(code: &mut Code, client: &Client, form: Form) {
    let Some(of) = &client.authentication.connection_string else { return };
    let function = pipeline_function(of);
    // The parameter that stands in the string.
    let in_it = |parameter: &Parameter| matches!(of, ConnectionString::Device(Some(id)) if parameter.wire == *id);
    let given: Vec<&Parameter> = client.parameters.iter().filter(|parameter| !in_it(parameter)).collect();
    let whose = match of {
        ConnectionString::Hub => "hub",
        ConnectionString::Device(_) => "device",
    };
    code.gap();
    code.doc(format_args!("A client by the connection string of a {whose}, over reqwest."));
    parameter_docs(code, &given);
    code.doc(format_args!(""));
    code.doc(format_args!("# Errors"));
    code.doc(format_args!(""));
    code.doc(format_args!("If the text is no connection string of a {whose}, or TLS cannot be set up."));
    if let ConnectionString::Device(_) = of {
        code.doc(format_args!(
            "If the device has a certificate in place of a key: such a client is made of a pipeline."
        ));
    }
    if form == Form::Package {
        line!(code, "#[cfg(feature = \"reqwest\")]");
    }
    line!(code, "#[inline]");
    code.list("pub fn from_connection_string(", &arguments(&given, &["text: &str"]), ") -> Result<Self, Error> {");
    code.indented(|code| {
        let id =
            client.parameters.iter().find(|parameter| in_it(parameter)).map(|parameter| parameter.name.to_string());
        match of {
            ConnectionString::Hub => line!(code, "let pipeline = {function}(text)?;"),
            ConnectionString::Device(_) => {
                line!(code, "let (pipeline, {}) = {function}(text)?;", id.as_deref().unwrap_or("_"));
            }
        }
        let own = client.parameters.iter().map(|parameter| parameter.name.to_string());
        let values = std::iter::once("pipeline".to_owned()).chain(own).collect::<Vec<_>>().join(", ");
        line!(code, "Ok(Self::with_pipeline({values}))");
    });
    line!(code, "}}");
}

fn builder(code: &mut Code, client: &Client) {
    let Some(audience) = client.authentication.bearer else { return };
    let all: Vec<&Parameter> = client.parameters.iter().collect();
    code.gap();
    let (function, first): (&str, &[&str]) = match audience {
        Audience::Hub => {
            code.doc(format_args!(
                "Makes a client that sends access tokens of Microsoft Entra to the hub at `endpoint`, a host or"
            ));
            code.doc(format_args!("an `https` URL."));
            ("hub(endpoint, token", &["endpoint: impl Into<String>"])
        }
        Audience::Management => {
            code.doc(format_args!("Makes a client that sends access tokens of Microsoft Entra."));
            ("management(token", &[])
        }
    };
    parameter_docs(code, &all);
    line!(code, "#[inline]");
    let mut arguments = arguments(&all, first);
    arguments.push("token: impl TokenSource".to_owned());
    code.list("pub fn builder(", &arguments, ") -> ClientBuilder<Self> {");
    code.indented(|code| {
        if all.is_empty() {
            return line!(code, "ClientBuilder::{function}, Self::with_pipeline)");
        }
        for parameter in &all {
            line!(code, "let {0} = {0}.into();", parameter.name);
        }
        let values: Vec<String> = all.iter().map(|parameter| parameter.name.to_string()).collect();
        let values = values.join(", ");
        line!(code, "ClientBuilder::{function}, |pipeline| Self::with_pipeline(pipeline, {values}))");
    });
    line!(code, "}}");
}

fn with_pipeline(code: &mut Code, client: &Client) {
    let all: Vec<&Parameter> = client.parameters.iter().collect();
    code.gap();
    code.doc(format_args!("A client that sends through `pipeline`."));
    parameter_docs(code, &all);
    line!(code, "#[inline]");
    code.list("pub fn with_pipeline(", &arguments(&all, &["pipeline: Pipeline"]), ") -> Self {");
    code.indented(|code| {
        let own = client.parameters.iter().map(|parameter| format!("{0}: {0}.into()", parameter.name));
        let fields: Vec<String> = std::iter::once("pipeline".to_owned()).chain(own).collect();
        line!(code, "Self {{ {} }}", fields.join(", "));
    });
    line!(code, "}}");
    code.gap();
    code.doc(format_args!("What its calls go through."));
    line!(code, "#[inline]");
    code.block(format_args!("pub fn pipeline(&self) -> &Pipeline"), "}", |code| line!(code, "&self.pipeline"));
}

fn parameter_docs(code: &mut Code, parameters: &[&Parameter]) {
    if !parameters.is_empty() {
        code.doc(format_args!(""));
    }
    for parameter in parameters {
        code.argument(parameter.name.bare(), &parameter.description);
    }
}

fn accessors(code: &mut Code, client: &Client) {
    for group in groups(client) {
        code.gap();
        if !code.prose(&group.description) {
            code.doc(format_args!("The operations of {}.", inline_code(group.ty.as_str())));
        }
        line!(code, "#[inline]");
        code.block(format_args!("pub fn {}(&self) -> {}<'_>", group.module, group.ty), "}", |code| {
            line!(code, "{} {{ client: self }}", group.ty);
        });
    }
}
