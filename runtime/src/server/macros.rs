//! What a trait of a server has beside its methods, for all that implement it.

/// Lets an `Arc` of what implements a trait implement it too, and its server carry out the operations, by their indexes in the table
/// of routes.
#[doc(hidden)]
#[macro_export]
macro_rules! __service {
    ($service:ident => $server:ident, $routes:ident, {
        $($index:literal $method:ident($request:ident) -> $response:ident,)+
    }) => {
        impl<T: $service> $service for ::std::sync::Arc<T> {
            $(
                #[inline]
                fn $method(
                    &self,
                    cx: &$crate::server::Context,
                    request: $request,
                ) -> impl ::std::future::Future<
                    Output = ::std::result::Result<$response, $crate::server::ServiceError>,
                > + ::std::marker::Send {
                    $service::$method(&**self, cx, request)
                }
            )+
        }

        impl<T: $service> $crate::server::Service for $server<T> {
            #[inline]
            fn routes(&self) -> &'static [$crate::server::Route] {
                &$routes
            }

            fn call(
                &self,
                route: usize,
                mut incoming: $crate::server::Incoming,
            ) -> $crate::server::Handling {
                let service = ::std::clone::Clone::clone(&self.0);
                match route {
                    $($index => ::std::boxed::Box::pin(async move {
                        let request = incoming.read($request::read)?;
                        let response = $service::$method(&*service, incoming.context(), request).await?;
                        ::std::result::Result::Ok(incoming.answer(response, $response::write))
                    }),)+
                    _ => $crate::server::no_such_route(),
                }
            }
        }
    };
}
