//! The table of routes: what a router knows of each operation.

use super::{Writer, operations};
use crate::ir::{ErrorFormat, Handler, RequestBody};
use crate::render::{Code, line, literal};

impl Writer<'_> {
    pub(super) fn routes(&mut self, code: &mut Code) {
        self.imports.add("Method");
        line!(code, "static ROUTES: [Route; {}] = [", self.service.handlers.len());
        code.indented(|code| {
            for (handler, operation) in operations(self.client, self.service) {
                let (id, path) = (literal(&operation.id), literal(&operation.route));
                let new = format!("Route::new({id}, Method::{}, {path})", operation.method.as_str());
                code.chain(&new, &self.links(handler), ",");
            }
        });
        line!(code, "];");
    }

    fn links(&mut self, handler: &Handler) -> Vec<String> {
        let mut links = Vec::new();
        match self.client.errors {
            ErrorFormat::Plain => {}
            ErrorFormat::DataPlane => links.push(format!(".errors({}::DataPlane)", self.imports.add("ErrorFormat"))),
            ErrorFormat::Arm => links.push(format!(".errors({}::Arm)", self.imports.add("ErrorFormat"))),
        }
        if handler.api_version {
            links.push(".api_version()".to_owned());
        }
        if !handler.query.is_empty() {
            let pairs = handler.query.iter().map(|(name, value)| format!("({}, {})", literal(name), literal(value)));
            links.push(format!(".query(&[{}])", pairs.collect::<Vec<_>>().join(", ")));
        }
        let body = match handler.body {
            RequestBody::None => None,
            RequestBody::Json { required: true } => Some("Json"),
            RequestBody::Json { required: false } => Some("OptionalJson"),
            RequestBody::Text { required: true } => Some("Text"),
            RequestBody::Text { required: false } => Some("OptionalText"),
            RequestBody::Stream => Some("Stream"),
            RequestBody::Form => Some("Form"),
        };
        if let Some(kind) = body {
            self.server.insert("BodyKind");
            links.push(format!(".body(BodyKind::{kind})"));
        }
        if !handler.produces.is_empty() {
            let media: Vec<String> = handler.produces.iter().map(literal).collect();
            links.push(format!(".produces(&[{}])", media.join(", ")));
        }
        if handler.matching.ignore_case {
            links.push(".ignore_case()".to_owned());
        }
        if handler.matching.trailing_slash {
            links.push(".trailing_slash()".to_owned());
        }
        links
    }
}
