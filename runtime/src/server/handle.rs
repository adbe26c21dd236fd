//! What every operation does, once for all of them.
//!
//! A trait's server names the method and the two functions around it. An async block for each operation in generated code would say
//! the same, and cost more to compile than all else that a server's trait has.

use std::sync::Arc;

use super::{Answer, Context, Handling, Incoming, ServiceError};

/// A method of a trait. Its future borrows from what it is called on, and from the context.
pub trait Method<'a, T, Q, R> {
    /// What comes of a call.
    type Outcome: Future<Output = Result<R, ServiceError>> + Send + 'a;

    /// Calls it.
    fn call(self, service: &'a T, cx: &'a Context, request: Q) -> Self::Outcome;
}

impl<'a, T: 'a, Q, R, F, O> Method<'a, T, Q, R> for F
where
    F: FnOnce(&'a T, &'a Context, Q) -> O,
    O: Future<Output = Result<R, ServiceError>> + Send + 'a,
{
    type Outcome = O;

    fn call(self, service: &'a T, cx: &'a Context, request: Q) -> O {
        self(service, cx, request)
    }
}

/// Reads a request, calls the method, and writes what that answers.
pub fn handle<T, Q, R, M>(
    service: &Arc<T>,
    mut incoming: Incoming,
    read: fn(&mut Incoming) -> Q,
    method: M,
    write: fn(R, &mut Answer),
) -> Handling
where
    T: Send + Sync + 'static,
    Q: Send + 'static,
    R: Send + 'static,
    M: for<'a> Method<'a, T, Q, R> + Send + 'static,
{
    let service = Arc::clone(service);
    Box::pin(async move {
        let request = incoming.read(read)?;
        let response = method.call(&service, incoming.context(), request).await?;
        Ok(incoming.answer(response, write))
    })
}
