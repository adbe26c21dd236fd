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

            fn call(&self, route: usize, incoming: $crate::server::Incoming) -> $crate::server::Handling {
                match route {
                    $($index => $crate::server::handle(
                        &self.0,
                        incoming,
                        $request::read,
                        <T as $service>::$method,
                        $response::write,
                    ),)+
                    _ => $crate::server::no_such_route(),
                }
            }
        }
    };
}
