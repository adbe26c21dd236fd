//! Lists that come in pages.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use http::Method;

use crate::call::Pending;
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::request::Request;
use crate::response::{RawResponse, Response};
use crate::transport::BoxFuture;

/// How an operation's answer says where the next page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paging {
    /// By a URL in its body (`x-ms-pageable`), which is asked for with GET.
    Link,
    /// By a URL in its body, which is asked for with POST: where `operationName` names an operation that does so.
    PostLink,
    /// By a token in a header, which goes into a header of the same request sent again.
    Header {
        /// The header of the request.
        request: &'static str,
        /// The header of the answer.
        response: &'static str,
    },
}

/// The items of a page, and the URL of the next where the body has it.
type Items<T> = (Vec<T>, Option<String>);

/// A call of an operation that answers with a page: await it for one page, or go through [all items](PagedCall::into_stream) or
/// [all pages](PagedCall::into_pages).
///
/// ```
/// use specsmith_runtime::{Error, PagedCall};
///
/// async fn all(call: PagedCall<Vec<String>, String>) -> Result<Vec<String>, Error> {
///     let mut names = Vec::new();
///     let mut stream = call.into_stream();
///     while let Some(name) = stream.try_next().await? {
///         names.push(name);
///     }
///     Ok(names)
/// }
/// ```
#[must_use = "nothing is sent until the call is awaited or its pages are asked for"]
pub struct PagedCall<P, T> {
    pipeline: Pipeline,
    request: Request,
    from: Option<String>,
    decode: fn(&RawResponse) -> Result<P, Error>,
    items: fn(&RawResponse) -> Result<Items<T>, Error>,
}

impl<P: 'static, T: 'static> PagedCall<P, T> {
    /// A call whose answer's body is read by `decode`, or, page for page, by `items`.
    #[doc(hidden)]
    pub fn new(
        pipeline: &Pipeline,
        request: Request,
        decode: fn(&RawResponse) -> Result<P, Error>,
        items: fn(&RawResponse) -> Result<Items<T>, Error>,
    ) -> Self {
        Self { pipeline: pipeline.clone(), request, from: None, decode, items }
    }

    /// The request, to add to it.
    #[doc(hidden)]
    pub fn request(&mut self) -> &mut Request {
        &mut self.request
    }

    /// Begins with the page that a [`continuation`](Page::continuation) of the same list names.
    pub fn continue_from(mut self, continuation: impl Into<String>) -> Self {
        self.from = Some(continuation.into());
        self
    }

    /// All items, page after page. A page is asked for when an item of it is.
    pub fn into_stream(self) -> ItemStream<T> {
        ItemStream { pages: self.into_pages(), items: VecDeque::new() }
    }

    /// All pages. Each is asked for when it is.
    pub fn into_pages(self) -> PageStream<T> {
        let (cursor, items) = (Cursor::new(self.pipeline, self.request, self.from), self.items);
        PageStream { state: State::Idle(Box::new(cursor)), items }
    }
}

impl<P: 'static, T: 'static> IntoFuture for PagedCall<P, T> {
    type Output = Result<Response<P>, Error>;
    type IntoFuture = Pending<P>;

    fn into_future(self) -> Pending<P> {
        Pending::new(Cursor::new(self.pipeline, self.request, self.from).ask(), self.decode)
    }
}

impl<P, T> fmt::Debug for PagedCall<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagedCall").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A page of a list: its items, to which it dereferences, and where the list goes on.
#[derive(Clone, Debug)]
pub struct Page<T> {
    response: Response<Vec<T>>,
    continuation: Option<String>,
}

impl<T> Page<T> {
    /// The answer, with the items for its body.
    pub fn response(&self) -> &Response<Vec<T>> {
        &self.response
    }

    /// The items, by value.
    pub fn into_items(self) -> Vec<T> {
        self.response.into_body()
    }

    /// What to give to [`continue_from`](PagedCall::continue_from) for the page after this one; `None` on the last page.
    pub fn continuation(&self) -> Option<&str> {
        self.continuation.as_deref()
    }
}

impl<T> Deref for Page<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        self.response.body()
    }
}

/// Where a list goes on.
struct Cursor {
    pipeline: Pipeline,
    request: Request,
    next: Next,
    /// The links or tokens of pages that were asked for.
    seen: HashSet<String>,
}

enum Next {
    First,
    At(String),
    End,
}

impl Cursor {
    fn new(pipeline: Pipeline, request: Request, from: Option<String>) -> Cursor {
        let next = from.map_or(Next::First, Next::At);
        Cursor { pipeline, request, next, seen: HashSet::new() }
    }

    /// Asks for the next page.
    fn ask(&self) -> BoxFuture<'static, Result<RawResponse, Error>> {
        let operation = self.request.operation();
        let place = match &self.next {
            Next::At(place) => Some(place),
            Next::First | Next::End => None,
        };
        match (place, operation.pages()) {
            (Some(url), Some(Paging::Link)) => return self.pipeline.follow(operation, Method::GET, url),
            (Some(url), Some(Paging::PostLink)) => return self.pipeline.follow(operation, Method::POST, url),
            _ => {}
        }
        let Some(mut request) = self.request.again() else {
            let error = Error::build("the body is a stream, which cannot be sent for each page");
            return Box::pin(async move { Err(error.with_operation(operation.id())) });
        };
        if let (Some(token), Some(Paging::Header { request: name, .. })) = (place, operation.pages()) {
            request.header(name, token);
        }
        self.pipeline.send(request)
    }

    /// Notes where the list goes on behind a page.
    fn advance(&mut self, answer: &RawResponse, link: Option<String>) -> Result<Option<String>, Error> {
        let next = match self.request.operation().pages() {
            Some(Paging::Header { response, .. }) => answer.header(response).map(str::to_owned),
            Some(Paging::Link | Paging::PostLink) | None => link,
        };
        let next = next.filter(|place| !place.is_empty());
        let here = std::mem::replace(&mut self.next, next.clone().map_or(Next::End, Next::At));
        if let Next::At(place) = here {
            self.seen.insert(place);
        }
        match &next {
            Some(place) if self.seen.contains(place) => {
                Err(Error::decode("the list goes in a circle: a page names one before it as the next"))
            }
            _ => Ok(next),
        }
    }
}

/// The pages of a list, one after the other.
#[must_use = "no page is asked for until the stream is polled"]
pub struct PageStream<T> {
    state: State,
    items: fn(&RawResponse) -> Result<Items<T>, Error>,
}

enum State {
    Idle(Box<Cursor>),
    Busy(Box<Cursor>, BoxFuture<'static, Result<RawResponse, Error>>),
    /// At the end, or behind an error.
    Over,
}

impl<T> PageStream<T> {
    /// Asks for the next page; `None` behind the last. The same as `TryStreamExt::try_next` of other crates.
    ///
    /// # Errors
    ///
    /// As for a call of the operation. There is no page behind an error; [`Page::continuation`] of the last one goes on.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    fn page(&self, cursor: &mut Cursor, answer: RawResponse) -> Result<Page<T>, Error> {
        let read = (self.items)(&answer).and_then(|(items, link)| Ok((items, cursor.advance(&answer, link)?)));
        match read {
            Ok((items, continuation)) => Ok(Page { response: answer.with_body(items), continuation }),
            Err(error) => Err(answer.into_error(error)),
        }
    }
}

impl<T> Stream for PageStream<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Idle(cursor) if matches!(cursor.next, Next::End) => return Poll::Ready(None),
                State::Idle(cursor) => {
                    let answer = cursor.ask();
                    self.state = State::Busy(cursor, answer);
                }
                State::Busy(mut cursor, mut answer) => match answer.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.state = State::Busy(cursor, answer);
                        return Poll::Pending;
                    }
                    Poll::Ready(answer) => {
                        let page = answer.and_then(|answer| self.page(&mut cursor, answer));
                        if page.is_ok() {
                            self.state = State::Idle(cursor);
                        }
                        return Poll::Ready(Some(page));
                    }
                },
            }
        }
    }
}

impl<T> fmt::Debug for PageStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageStream").finish_non_exhaustive()
    }
}

/// The items of a list, one after the other.
#[must_use = "no page is asked for until the stream is polled"]
pub struct ItemStream<T> {
    pages: PageStream<T>,
    items: VecDeque<T>,
}

impl<T> ItemStream<T> {
    /// The next item; `None` behind the last. The same as `TryStreamExt::try_next` of other crates.
    ///
    /// # Errors
    ///
    /// As for a call of the operation. There is nothing behind an error.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error>
    where
        T: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }
}

impl<T: Unpin> Stream for ItemStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match Pin::new(&mut self.pages).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                // A page may be empty and not the last.
                Poll::Ready(Some(Ok(page))) => self.items = page.into_items().into(),
            }
        }
    }
}

impl<T> fmt::Debug for ItemStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde::Deserialize;

    use super::*;
    use crate::transport::{Transport, TransportError};
    use crate::{Body, Endpoint, ErrorKind, Operation, Retry};

    static HUBS: Operation = Operation::new("Hubs_List", Method::GET, "/hubs").paging(Paging::Link);
    static KEYS: Operation = Operation::new("Hubs_Keys", Method::POST, "/keys").paging(Paging::Link);
    static QUERY: Operation = Operation::new("Query", Method::POST, "/query")
        .paging(Paging::Header { request: "x-ms-continuation", response: "x-ms-continuation" });

    #[derive(Deserialize)]
    struct Hubs {
        value: Vec<u32>,
        #[serde(rename = "nextLink")]
        next_link: Option<String>,
    }

    fn hubs(raw: &RawResponse) -> Result<Hubs, Error> {
        serde_json::from_slice(raw.body()).map_err(|_| Error::decode("not a page"))
    }

    fn numbers(raw: &RawResponse) -> Result<Vec<u32>, Error> {
        serde_json::from_slice(raw.body()).map_err(|_| Error::decode("not a page"))
    }

    /// Answers by the request's line, its token and its body.
    struct Service {
        answer: fn(&str) -> (&'static str, Option<&'static str>),
        seen: Mutex<Vec<String>>,
    }

    impl Transport for Arc<Service> {
        fn send(&self, request: http::Request<Body>) -> BoxFuture<'_, Result<http::Response<Body>, TransportError>> {
            Box::pin(async move {
                let (head, body) = request.into_parts();
                let token =
                    head.headers.get("x-ms-continuation").map(|token| format!(" token {}", token.to_str().unwrap()));
                let body = body.collect(100).await.unwrap();
                let line = format!(
                    "{} {}{} {}",
                    head.method,
                    head.uri.path_and_query().unwrap(),
                    token.unwrap_or_default(),
                    std::str::from_utf8(&body).unwrap()
                );
                let line = line.trim().to_owned();
                let (body, token) = (self.answer)(&line);
                self.seen.lock().unwrap().push(line);
                assert!(self.seen.lock().unwrap().len() < 20, "this goes on and on");
                let mut answer = http::Response::builder();
                if let Some(token) = token {
                    answer = answer.header("x-ms-continuation", token);
                }
                Ok(answer.body(Body::from(body)).unwrap())
            })
        }
    }

    fn service(answer: fn(&str) -> (&'static str, Option<&'static str>)) -> (Arc<Service>, Pipeline) {
        let service = Arc::new(Service { answer, seen: Mutex::default() });
        let pipeline = Pipeline::new(Endpoint::new("arm.example").unwrap(), Arc::new(service.clone()));
        (service, pipeline.with_retry(Retry::none()))
    }

    fn list(pipeline: &Pipeline, operation: &'static Operation) -> PagedCall<Hubs, u32> {
        PagedCall::new(pipeline, Request::new(operation), hubs, |raw| {
            hubs(raw).map(|page| (page.value, page.next_link))
        })
    }

    fn query(pipeline: &Pipeline) -> PagedCall<Vec<u32>, u32> {
        let mut request = Request::new(&QUERY);
        request.body_json(b"q".to_vec());
        PagedCall::new(pipeline, request, numbers, |raw| numbers(raw).map(|items| (items, None)))
    }

    async fn all(mut stream: ItemStream<u32>) -> Result<Vec<u32>, Error> {
        let mut items = Vec::new();
        while let Some(item) = stream.try_next().await? {
            items.push(item);
        }
        assert!(stream.try_next().await.unwrap().is_none());
        Ok(items)
    }

    fn linked(line: &str) -> (&'static str, Option<&'static str>) {
        let body = match line {
            "GET /hubs" | "POST /keys" => r#"{"value":[1,2],"nextLink":"https://arm.example/hubs?page=2"}"#,
            "GET /hubs?page=2" => r#"{"value":[],"nextLink":"https://arm.example/hubs?page=3"}"#,
            "GET /hubs?page=3" => r#"{"value":[3],"nextLink":""}"#,
            other => panic!("{other}"),
        };
        (body, None)
    }

    #[tokio::test]
    async fn items_of_pages_that_are_linked() {
        let (service, pipeline) = service(linked);
        assert_eq!(all(list(&pipeline, &HUBS).into_stream()).await.unwrap(), [1, 2, 3]);
        assert_eq!(*service.seen.lock().unwrap(), ["GET /hubs", "GET /hubs?page=2", "GET /hubs?page=3"]);
        // A list that is asked for with POST goes on with GET.
        assert_eq!(all(list(&pipeline, &KEYS).into_stream()).await.unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn an_operation_may_have_its_pages_by_post() {
        static POSTED: Operation = Operation::new("States_List", Method::POST, "/states").paging(Paging::PostLink);
        let (service, pipeline) = service(|line| match line {
            "POST /states" => (r#"{"value":[1],"nextLink":"https://arm.example/next"}"#, None),
            _ => (r#"{"value":[2]}"#, None),
        });
        assert_eq!(all(list(&pipeline, &POSTED).into_stream()).await.unwrap(), [1, 2]);
        assert_eq!(*service.seen.lock().unwrap(), ["POST /states", "POST /next"]);
    }

    #[tokio::test]
    async fn no_page_is_asked_for_before_its_time() {
        let (service, pipeline) = service(linked);
        let seen = || service.seen.lock().unwrap().len();
        let mut stream = list(&pipeline, &HUBS).into_stream();
        assert_eq!(seen(), 0);
        stream.try_next().await.unwrap();
        stream.try_next().await.unwrap();
        assert_eq!(seen(), 1);
        let one = list(&pipeline, &HUBS).await.unwrap();
        assert_eq!((one.value.len(), seen()), (2, 2), "awaited, it is one page");
    }

    fn by_token(line: &str) -> (&'static str, Option<&'static str>) {
        match line {
            "POST /query q" => ("[1,2]", Some("a+/=")),
            "POST /query token a+/= q" => ("[3]", Some("b")),
            "POST /query token b q" => ("[4]", None),
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn items_of_pages_with_tokens() {
        let (_, pipeline) = service(by_token);
        assert_eq!(all(query(&pipeline).into_stream()).await.unwrap(), [1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn a_list_goes_on_where_it_was_left() {
        let (_, pipeline) = service(by_token);
        let mut pages = query(&pipeline).into_pages();
        let first = pages.try_next().await.unwrap().unwrap();
        assert_eq!(
            (&**first, first.continuation(), first.response().status().as_u16()),
            (&[1, 2][..], Some("a+/="), 200)
        );
        let token = first.continuation().unwrap().to_owned();
        assert_eq!(all(query(&pipeline).continue_from(token).into_stream()).await.unwrap(), [3, 4]);
        assert_eq!(query(&pipeline).continue_from("b").await.unwrap().body(), &[4]);
        let (_, pipeline) = service(linked);
        let link = "https://arm.example/hubs?page=3";
        assert_eq!(all(list(&pipeline, &HUBS).continue_from(link).into_stream()).await.unwrap(), [3]);
    }

    #[tokio::test]
    async fn a_circle_is_an_error() {
        let (linked, pipeline) = service(|line| match line {
            "GET /hubs" => (r#"{"value":[1],"nextLink":"/a"}"#, None),
            "GET /a" => (r#"{"value":[2],"nextLink":"/b"}"#, None),
            _ => (r#"{"value":[3],"nextLink":"/a"}"#, None),
        });
        assert_eq!(all(list(&pipeline, &HUBS).into_stream()).await.unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(linked.seen.lock().unwrap().len(), 3);
        let (tokens, pipeline) = service(|_| ("[1]", Some("same")));
        assert_eq!(all(query(&pipeline).into_stream()).await.unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(tokens.seen.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn no_link_leads_to_another_origin() {
        for link in ["https://evil.example/", "http://arm.example/", "//evil.example/"] {
            let (service, pipeline) = service(|_| (r#"{"value":[1],"nextLink":"https://evil.example/"}"#, None));
            assert_eq!(all(list(&pipeline, &HUBS).into_stream()).await.unwrap_err().kind(), ErrorKind::Decode);
            assert!(list(&pipeline, &HUBS).continue_from(link).await.is_err());
            assert_eq!(service.seen.lock().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn an_error_ends_the_stream() {
        let (_, pipeline) = service(|line| match line {
            "GET /hubs" => (r#"{"value":[1],"nextLink":"/a"}"#, None),
            _ => ("nonsense", None),
        });
        let mut stream = list(&pipeline, &HUBS).into_stream();
        assert_eq!(stream.try_next().await.unwrap(), Some(1));
        let error = stream.try_next().await.unwrap_err();
        assert_eq!((error.operation(), error.status().unwrap().as_u16()), (Some("Hubs_List"), 200));
        assert_eq!(stream.try_next().await.unwrap(), None);
    }
}
