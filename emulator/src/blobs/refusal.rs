//! What is answered where something cannot be done, in the words of Azure Storage.

use std::time::SystemTime;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use iothub::runtime::Body;
use iothub::runtime::server::ServiceError;
use iothub::runtime::time::DateTime;

use super::xml;
use crate::errors;

const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

/// Why a request for blobs is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<ServiceError>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into(), headers: Vec::new(), source: None }
    }

    /// The same with a header.
    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Refusal {
        self.headers.push((name, value));
        self
    }

    /// The code.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What is said to whoever asked.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// 404: there is no such container.
    pub(crate) fn no_container() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "ContainerNotFound", "The specified container does not exist.")
    }

    /// 404: there is no such blob.
    pub(crate) fn no_blob() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist.")
    }

    /// 409: the container is there.
    pub(crate) fn container_exists() -> Refusal {
        Refusal::new(StatusCode::CONFLICT, "ContainerAlreadyExists", "The specified container already exists.")
    }

    /// 409: the blob is there.
    pub(crate) fn blob_exists() -> Refusal {
        Refusal::new(StatusCode::CONFLICT, "BlobAlreadyExists", "The specified blob already exists.")
    }

    /// 412: a condition does not hold.
    pub(crate) fn condition_not_met() -> Refusal {
        let message = "The condition specified using HTTP conditional header(s) is not met.";
        Refusal::new(StatusCode::PRECONDITION_FAILED, "ConditionNotMet", message)
    }

    /// 413: more than there may be at once.
    pub(crate) fn too_large(most: u64) -> Refusal {
        let message = format!("The request body is too large and exceeds the maximum permissible limit: {most} bytes.");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge", message)
    }

    /// 413: no room for it.
    pub(crate) fn full() -> Refusal {
        let message = "The emulator has no room for it: delete other blobs.";
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge", message)
    }

    /// 400: the name of a block is not as long as others.
    pub(crate) fn invalid_block() -> Refusal {
        let message = "The specified blob or block content is invalid: names of blocks are equally long.";
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidBlobOrBlock", message)
    }

    /// 400: there is no such block.
    pub(crate) fn invalid_block_list() -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidBlockList", "The specified block list is invalid.")
    }

    /// 409: there are enough blocks.
    pub(crate) fn too_many_blocks() -> Refusal {
        let message = "The uncommitted block count cannot exceed the maximum limit.";
        Refusal::new(StatusCode::CONFLICT, "BlockCountExceedsLimit", message)
    }

    /// 400: the block list is no such XML.
    pub(super) fn invalid_xml() -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidXmlDocument", "XML specified is not syntactically valid.")
    }

    /// 400: the name is none.
    pub(super) fn invalid_name() -> Refusal {
        let message = "The specified resource name contains invalid characters, or is too short or too long.";
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidResourceName", message)
    }

    /// 400: a parameter of the query.
    pub(super) fn invalid_parameter(name: &str) -> Refusal {
        let message = format!("Value for one of the query parameters specified in the request URI is invalid: {name}.");
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidQueryParameterValue", message)
    }

    /// 400: a header.
    pub(super) fn invalid_header(name: &str) -> Refusal {
        let message = format!("The value for one of the HTTP headers is not in the correct format: {name}.");
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidHeaderValue", message)
    }

    /// 400: a header is missing.
    pub(super) fn missing_header(name: &str) -> Refusal {
        let message = format!("An HTTP header that's mandatory for this request is not specified: {name}.");
        Refusal::new(StatusCode::BAD_REQUEST, "MissingRequiredHeader", message)
    }

    /// 400: too much is to be remembered of a blob.
    pub(super) fn metadata_too_large() -> Refusal {
        let message = "The size of the specified metadata exceeds the maximum size permitted.";
        Refusal::new(StatusCode::BAD_REQUEST, "MetadataTooLarge", message)
    }

    /// 400: the bytes are others than those that were sent.
    pub(super) fn md5_mismatch() -> Refusal {
        let message =
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.";
        Refusal::new(StatusCode::BAD_REQUEST, "Md5Mismatch", message)
    }

    /// 400: the digest is none.
    pub(super) fn invalid_md5() -> Refusal {
        let message = "The MD5 value specified in the request is invalid: it has 128 bits, in Base64.";
        Refusal::new(StatusCode::BAD_REQUEST, "InvalidMd5", message)
    }

    /// 400: the body broke off.
    pub(super) fn incomplete() -> Refusal {
        let message = "The body has not as many bytes as Content-Length says.";
        Refusal::new(StatusCode::BAD_REQUEST, "IncompleteBody", message)
    }

    /// 408: the body does not come.
    pub(super) fn too_slow() -> Refusal {
        Refusal::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "The body did not arrive in time.")
    }

    /// 411: nobody knows how much is to come.
    pub(super) fn no_length() -> Refusal {
        let message = "Content-Length HTTP header is not specified.";
        Refusal::new(StatusCode::LENGTH_REQUIRED, "MissingContentLengthHeader", message)
    }

    /// 416: there are no such bytes.
    pub(super) fn invalid_range() -> Refusal {
        let message = "The range specified is invalid for the current size of the resource.";
        Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
    }

    /// 401: nobody is asking.
    pub(super) fn no_token() -> Refusal {
        let message = "Server failed to authenticate the request. There is no signature in the query.";
        Refusal::new(StatusCode::UNAUTHORIZED, "NoAuthenticationInformation", message)
    }

    /// 403: the signature is not one that counts here and now.
    pub(super) fn bad_token() -> Refusal {
        let message = "Server failed to authenticate the request. The signature is of somebody else, for something else, or has expired.";
        Refusal::new(StatusCode::FORBIDDEN, "AuthenticationFailed", message)
    }

    /// 403: the signature does not allow that.
    pub(super) fn not_permitted() -> Refusal {
        let message = "This request is not authorized to perform this operation using this permission.";
        Refusal::new(StatusCode::FORBIDDEN, "AuthorizationPermissionMismatch", message)
    }

    /// 405: nothing is done with that method.
    pub(super) fn no_method() -> Refusal {
        let message = "The resource doesn't support specified Http Verb.";
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "UnsupportedHttpVerb", message)
    }

    /// 501: Azure has it, the emulator has not.
    pub(super) fn not_implemented(what: &str) -> Refusal {
        let message = format!("The emulator does not have this: {what}.");
        Refusal::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    /// The same as an error of the hub.
    pub(crate) fn in_service(self) -> ServiceError {
        match self.source {
            Some(source) => source,
            None => ServiceError::new(self.status, self.code, self.message),
        }
    }

    /// The answer.
    pub(super) fn response(self, id: &str, time: SystemTime) -> Response<Body> {
        let time = DateTime::try_from(time).map(|time| time.to_string()).unwrap_or_default();
        let message = format!("{}\nRequestId:{id}\nTime:{time}", self.message);
        let mut response = Response::new(Body::from(xml::error(self.code, &message)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(self.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(ERROR_CODE, HeaderValue::from_static(self.code));
        response
    }
}

/// 500 for what goes wrong in the hub.
impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Refusal {
        let message = "The server encountered an internal error.";
        Refusal { source: Some(error), ..Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message) }
    }
}

/// 404: there is no such hub, so there are no such blobs.
pub(super) fn no_hub(host: &str) -> Refusal {
    let error = errors::hub_not_found(host);
    let message = error.message().to_owned();
    Refusal::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
}
