//! Tests from outside: the generator through its library, and the code that it writes through the compiler.

mod corpus;
mod features;
mod package;
mod scratch;
mod specs;
