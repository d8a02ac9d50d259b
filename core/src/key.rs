//! Keys of an application's values: a text, or a typed constant.

use std::fmt;
use std::marker::PhantomData;

/// A key with the type of its value, so that the compiler knows what `get(CART)` is.
///
/// ```
/// use session_core::Key;
///
/// const CART: Key<Vec<u64>> = Key::new("cart");
/// assert_eq!(CART.name(), "cart");
/// ```
///
/// A name that begins with `_` is the project's own (Django's rule, D22); as a constant it does not compile:
///
/// ```compile_fail
/// const HIDDEN: session_core::Key<u32> = session_core::Key::new("_hidden");
/// ```
pub struct Key<T> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// A key of this name.
    ///
    /// # Panics
    ///
    /// Where the name begins with `_`. Write keys as constants, then this is an error of the compiler.
    pub const fn new(name: &'static str) -> Self {
        assert!(!is_reserved(name), "a key that begins with `_` is reserved");
        Self { name, value: PhantomData }
    }

    /// The name under which the value is stored.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.name)
    }
}

/// What names a value of type `T`: a [`Key<T>`], or a text, which names a value of whatever type the caller asks for.
pub trait AsKey<T>: sealed::Sealed {
    /// The name under which the value is stored.
    fn name(&self) -> &str;
}

impl<T> AsKey<T> for Key<T> {
    fn name(&self) -> &str {
        self.name
    }
}

impl<T> AsKey<T> for &str {
    fn name(&self) -> &str {
        self
    }
}

impl<T> AsKey<T> for &String {
    fn name(&self) -> &str {
        self
    }
}

/// Keys that begin with `_` belong to the session itself.
pub(crate) const fn is_reserved(name: &str) -> bool {
    matches!(name.as_bytes().first(), Some(b'_'))
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Key<T> {}
    impl Sealed for &str {}
    impl Sealed for &String {}
}
