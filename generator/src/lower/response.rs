//! Answers: what is declared, what a method gives back, where the ETag is, how pages follow.

use serde_json::Value;

use super::equal::same_schema;
use super::media;
use super::operation::Context;
use super::sendable;
use crate::ir::{
    EtagSource, Literal, Output, OutputVariant, Paging, Prose, Response, ResponseBody, ResponseHeader, Status, Type,
};
use crate::naming;
use crate::spec;

impl<'g> Context<'_, 'g> {
    pub(super) fn responses(&mut self, source: &'g spec::Operation, id: &str) -> Option<Vec<Response>> {
        let produces = source.produces.as_ref().unwrap_or(&self.document.produces);
        let mut responses = Vec::new();
        let mut inline: Vec<(&spec::Schema, Type)> = Vec::new();
        for (key, entry) in &source.responses {
            let Some(response) = self.graph.response(entry) else { continue };
            let status = match key.as_str() {
                "default" => Status::Default,
                code => match code.parse() {
                    Ok(code) => Status::Code(code),
                    Err(_) => {
                        Status::Class(u16::from(code.as_bytes().first().map_or(0, |digit| digit.wrapping_sub(b'0'))))
                    }
                },
            };
            let success = match status {
                Status::Code(code) => (200..300).contains(&code),
                Status::Class(class) => class == 2,
                // A document that declares nothing else means success by it, unless it says otherwise.
                Status::Default => source.responses.len() == 1,
            };
            let error = response.error.unwrap_or(!success);
            let body = match &response.schema {
                None => None,
                Some(schema) => {
                    let twin = inline.iter().find(|(other, _)| same_schema(self.graph, schema, other));
                    let ty = match twin {
                        Some((_, ty)) => ty.clone(),
                        None => self.schemas.ty(schema, &[id, "response"]),
                    };
                    if schema.reference.is_none() {
                        inline.push((schema, ty.clone()));
                    }
                    match media::response(produces, &ty) {
                        Ok(body) => Some(body),
                        Err(_) if error => None,
                        Err(media) => {
                            let at = self.media_at(source, source.produces.is_some(), "produces");
                            self.unsupported(&response.at, &format!("an answer of the type `{media}`"), Some(&at), id);
                            return None;
                        }
                    }
                }
            };
            for (name, header) in &response.headers {
                let name = header.header_prefix.as_ref().unwrap_or(name);
                self.schemas.diagnostics.extend(sendable::header_fault(name, &header.at));
            }
            let headers = response.headers.iter().map(|(name, header)| ResponseHeader {
                name: self.client.header_name(id, name, header),
                wire: Literal(header.header_prefix.clone().unwrap_or_else(|| name.clone())),
                prefix: header.header_prefix.is_some(),
                ty: self.schemas.ty(&header.schema, &[id, name]),
                description: Prose(header.description.clone().unwrap_or_default()),
            });
            let headers = headers.collect();
            let nullable = response.schema.as_ref().is_some_and(|schema| schema.nullable == Some(true));
            let description = Prose(response.description.clone());
            responses.push(Response { status, description, body, nullable, headers, error });
        }
        Some(responses)
    }

    pub(super) fn output(&mut self, responses: &[Response]) -> Output {
        let successes: Vec<&Response> = responses.iter().filter(|response| !response.error).collect();
        let mut bodies: Vec<&ResponseBody> = Vec::new();
        for body in successes.iter().filter_map(|response| response.body.as_ref()) {
            if !bodies.contains(&body) {
                bodies.push(body);
            }
        }
        match bodies.as_slice() {
            [] => Output::Empty,
            [body] if successes.iter().all(|response| response.body.is_some()) => Output::Body((*body).clone()),
            [body] => Output::Optional((*body).clone()),
            _ => {
                let variants = successes.iter().filter_map(|response| match response.status {
                    Status::Code(status) => Some(OutputVariant {
                        name: naming::pascal(&media::status_name(status)),
                        status,
                        body: response.body.clone(),
                        description: response.description.clone(),
                    }),
                    _ => None,
                });
                // The name is settled with the others of the module.
                Output::Either { name: naming::pascal("output"), variants: variants.collect() }
            }
        }
    }

    pub(super) fn etag(&mut self, source: &spec::Operation, responses: &[Response]) -> EtagSource {
        let said = source.extensions.get("x-specsmith-etag");
        match said {
            Some(Value::String(word)) if word == "header" => EtagSource::Header,
            Some(Value::String(word)) if word == "none" => EtagSource::Nowhere,
            Some(Value::Object(object)) if object.get("body").is_some_and(Value::is_string) => {
                let path = object.get("body").and_then(Value::as_str).unwrap_or_default();
                EtagSource::Body(path.split('.').map(|step| Literal(step.to_owned())).collect())
            }
            Some(_) => {
                self.extension_value(source, "x-specsmith-etag", "`header`, `none` or `{ body: path.to.member }`");
                EtagSource::Nowhere
            }
            None => {
                let declared =
                    responses.iter().filter(|response| !response.error).flat_map(|response| &response.headers);
                let mut declared = declared.filter(|header| header.wire.0.eq_ignore_ascii_case("etag"));
                declared.next().map_or(EtagSource::Unsaid, |_| EtagSource::Header)
            }
        }
    }

    pub(super) fn paging(&mut self, source: &spec::Operation) -> Option<Paging> {
        if let Some(said) = source.extensions.get("x-specsmith-paging") {
            let text = |name: &str| said.get(name).and_then(Value::as_str).map(|text| Literal(text.to_owned()));
            if let (Some(request), Some(response)) = (text("request-header"), text("response-header")) {
                return Some(Paging::Header { request, response, page_size: text("page-size-header") });
            }
            self.extension_value(
                source,
                "x-specsmith-paging",
                "`{ request-header, response-header, page-size-header? }`",
            );
        }
        source.pageable.as_ref().map(|pageable| Paging::NextLink {
            link: pageable.next_link.clone().map(Literal),
            items: Literal(pageable.item.clone()),
            operation: pageable.operation.clone().map(Literal),
        })
    }
}
