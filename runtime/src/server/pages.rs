//! Lists in pages.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::error::ServiceError;
use super::extract;
use super::links;
use crate::url::encode_query;

/// Takes a list apart into pages.
///
/// A page ends with an item, and the next begins with the one that has the next greater key, whatever was added or deleted in between:
/// nothing that stays comes twice or not at all. Keys are for that what sorts the items, and each item has one of its own: a name, or a
/// number in the order of creation.
///
/// Where the list goes on is told by a token, which holds the last key and is good for the same list only. It is no secret, and proves
/// nothing: leave out what the caller may not see before the list is taken apart.
///
/// ```
/// use std::collections::BTreeMap;
/// use specsmith_runtime::server::{Context, Page, Paginator, ServiceError};
///
/// /// With the URL of the next page in the body.
/// fn list(cx: &Context, hubs: &BTreeMap<String, u32>) -> Result<(Vec<u32>, Option<String>), ServiceError> {
///     let pages = Paginator::of(cx, "$skiptoken", 100)?;
///     let Page { items, next, .. } = pages.page(hubs, |(name, _)| String::clone(name));
///     Ok((items.into_iter().map(|(_, hub)| *hub).collect(), next))
/// }
///
/// /// With the token in headers.
/// fn query(text: &str, continuation: Option<&str>, ids: &[u64]) -> Result<Page<u64>, ServiceError> {
///     Ok(Paginator::new(&[text], 2, continuation)?.page(ids.iter().copied(), |id| *id))
/// }
///
/// let first = query("SELECT * FROM devices", None, &[1, 4, 6])?;
/// assert_eq!(first.items, [1, 4]);
/// let last = query("SELECT * FROM devices", first.next.as_deref(), &[5, 6])?;
/// assert_eq!((last.items, last.next), (vec![5, 6], None));
/// assert_eq!(query("SELECT id FROM devices", first.next.as_deref(), &[6]).unwrap_err().status(), 400);
/// # Ok::<(), ServiceError>(())
/// ```
#[derive(Debug)]
pub struct Paginator<K> {
    list: Sha256,
    after: Option<K>,
    size: usize,
    link: Option<Link>,
}

/// The URL of a page, up to its token.
#[derive(Debug)]
struct Link(String);

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the list goes on; `None` on the last page. A URL if the paginator is one [of a request](Paginator::of), otherwise a
    /// token.
    pub next: Option<String>,
}

impl<K: Ord + Display + FromStr> Paginator<K> {
    /// For a list that is asked for by GET: the token is in this parameter of the query, also if the document has none of that
    /// name, and [`Page::next`] is the URL of the next page on the request's own origin.
    ///
    /// ```
    /// # use specsmith_runtime::server::{Context, Paginator, ServiceError};
    /// # fn list(cx: &Context) -> Result<(), ServiceError> {
    /// let pages = Paginator::of(cx, "$skiptoken", 1000)?.page(1_u64..5000, |number| *number);
    /// assert!(pages.next.unwrap().starts_with(&cx.origin()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// 400 where the token is none, or one of a list with another path or query.
    pub fn of(cx: &Context, parameter: &str, size: usize) -> Result<Paginator<K>, ServiceError> {
        let asked = cx.uri().query().unwrap_or_default();
        let is_token = |part: &&str| extract::values(Some(part), parameter).next().is_some();
        let kept: Vec<&str> = asked.split('&').filter(|part| !part.is_empty() && !is_token(part)).collect();
        let mut query = String::new();
        for part in &kept {
            links::push_part(&mut query, part);
            query.push('&');
        }
        query.pop();
        // The value comes when there is one. It is text, which can be written.
        let _ = encode_query(&mut query, parameter, &"");
        let url = format!("{}?{query}", links::absolute(&cx.origin(), cx.uri().path()));
        // The order in which a client writes parameters makes no other list.
        let mut parts = kept;
        parts.sort_unstable();
        parts.push(cx.uri().path());
        let token = extract::first(Some(asked), parameter);
        let pages = Paginator::new(&parts, size, token.as_deref())?;
        Ok(Paginator { link: Some(Link(url)), ..pages })
    }

    /// For a list whose token comes and goes as it is, as in headers. `list` is all that makes it another list than others: the text of a
    /// query, for instance. An empty token is none.
    ///
    /// A page has `size` items, or one if that is none.
    ///
    /// # Errors
    ///
    /// 400 where the token is none, or one of another list.
    pub fn new(list: &[&str], size: usize, token: Option<&str>) -> Result<Paginator<K>, ServiceError> {
        let mut hash = Sha256::new_with_prefix(list.len().to_string());
        for part in list {
            hash.update(format!(":{}:{part}", part.len()));
        }
        let after = match token.filter(|token| !token.is_empty()) {
            Some(token) => Some(read(&hash, token).ok_or_else(|| {
                let message = "The continuation token is damaged, or is not one of this list but of another query.";
                ServiceError::plain(StatusCode::BAD_REQUEST, message)
            })?),
            None => None,
        };
        Ok(Paginator { list: hash, after, size: size.max(1), link: None })
    }

    /// The key behind which the page begins; `None` for the first page. Who can begin there need not go through what is before it:
    /// `map.range((Bound::Excluded(key), Bound::Unbounded))`.
    pub fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// How many items a page has. To ask for one more than that is enough to make a page.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The page out of the items in the order of their keys: all of them, or those from [`after`](Paginator::after) on.
    pub fn page<T>(&self, items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> Page<T> {
        let is_before = |item: &T| self.after.as_ref().is_some_and(|after| key(item) <= *after);
        let mut rest = items.into_iter().skip_while(is_before);
        let items: Vec<T> = rest.by_ref().take(self.size).collect();
        let next = items.last().filter(|_| rest.next().is_some()).map(|last| self.next(&key(last).to_string()));
        Page { items, next }
    }

    fn next(&self, key: &str) -> String {
        let token = write(&self.list, key);
        match &self.link {
            Some(Link(url)) => format!("{url}{token}"),
            None => token,
        }
    }
}

/// The version of the form: a byte that says it, eight that depend on the list and the key, and the key.
const VERSION: u8 = 1;

/// A longer token is none of ours: keys are names, and a token has to fit into a header.
const MAX_LENGTH: usize = 8192;

fn check(list: &Sha256, key: &str) -> [u8; 8] {
    let digest: [u8; 32] = list.clone().chain_update(key).finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

fn write(list: &Sha256, key: &str) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(check(list, key));
    bytes.extend(key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read<K: FromStr>(list: &Sha256, token: &str) -> Option<K> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (version, bytes) = bytes.split_first()?;
    let (given, key) = bytes.split_first_chunk()?;
    let key = std::str::from_utf8(key).ok()?;
    if *version != VERSION || *given != check(list, key) {
        return None;
    }
    key.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Bound;

    use proptest::prelude::*;

    use super::*;
    use crate::server::testing::context;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn page(size: usize, token: Option<&str>, items: &[String]) -> Result<Page<String>, ServiceError> {
        Ok(Paginator::new(&["q"], size, token)?.page(items.iter().cloned(), String::clone))
    }

    #[test]
    fn the_last_page_has_no_next() {
        let items = names(&["a", "b", "c", "d"]);
        let first = page(2, None, &items).unwrap();
        assert_eq!(first.items, ["a", "b"]);
        let last = page(2, first.next.as_deref(), &items).unwrap();
        assert_eq!((last.items, last.next), (names(&["c", "d"]), None));
        assert_eq!(page(4, None, &items).unwrap().next, None);
        assert_eq!(page(2, None, &[]).unwrap(), Page { items: Vec::new(), next: None });
        // A size of none would never come to an end.
        assert_eq!(page(0, None, &items).unwrap().items, ["a"]);
        // Nor is an empty token one.
        assert_eq!(page(3, Some(""), &items).unwrap().items, ["a", "b", "c"]);
    }

    #[test]
    fn what_was_deleted_or_added_meanwhile() {
        let first = page(2, None, &names(&["b", "d", "f", "h"])).unwrap();
        let rest = |items: &[&str]| page(9, first.next.as_deref(), &names(items)).unwrap().items;
        assert_eq!(rest(&["b", "f", "h"]), ["f", "h"], "the last one of the first page");
        assert_eq!(rest(&["d", "h"]), ["h"], "the first one of the next");
        assert_eq!(rest(&["a", "b", "c", "d", "e", "f", "h"]), ["e", "f", "h"]);
        assert_eq!(rest(&[]), [""; 0]);
    }

    #[test]
    fn from_the_key_on() {
        let hubs: BTreeMap<u32, &str> = [(2, "b"), (10, "c"), (1, "a"), (30, "d")].into();
        let mut token: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let pages: Paginator<u32> = Paginator::new(&[], 1, token.as_deref()).unwrap();
            let start = pages.after().map_or(Bound::Unbounded, |after| Bound::Excluded(*after));
            let page = pages.page(hubs.range((start, Bound::Unbounded)), |(id, _)| **id);
            seen.extend(page.items.into_iter().map(|(_, name)| *name));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d"], "numbers are in the order of numbers");
    }

    #[test]
    fn a_token_is_good_for_its_own_list_only() {
        let token = Paginator::new(&["ab", "c"], 1, None).unwrap().page(["x", "y"], |item| (*item).to_owned()).next;
        let ask = |list: &[&str]| Paginator::<String>::new(list, 1, token.as_deref()).map(|pages| pages.after);
        assert_eq!(ask(&["ab", "c"]).unwrap().as_deref(), Some("x"));
        for list in [&["a", "bc"][..], &["abc"], &["ab"], &["ab", "c", ""], &["c", "ab"], &[], &["ab", "cx"]] {
            let error = ask(list).unwrap_err();
            assert_eq!(error.status(), 400, "{list:?}");
            assert!(error.message().contains("continuation token"), "{error}");
        }
        // The key is not one of this type.
        assert_eq!(Paginator::<u32>::new(&["ab", "c"], 1, token.as_deref()).unwrap_err().status(), 400);
    }

    #[test]
    fn links() {
        let next = |target: &str| {
            let pages = Paginator::of(&context(target), "$skiptoken", 1).unwrap();
            pages.page(["k", "l"], |key| (*key).to_owned()).next.unwrap()
        };
        let link = next("/subscriptions/s%201/hubs?api-version=2017-01-19&x=a%20b&flag");
        let (start, token) = link.rsplit_once('=').unwrap();
        assert_eq!(
            start,
            "http://localhost:8080/subscriptions/s%201/hubs?api-version=2017-01-19&x=a%20b&flag&$skiptoken"
        );
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')), "{token}");
        assert!(next("/hubs").starts_with("http://localhost:8080/hubs?$skiptoken="));
        assert!(next("/hubs?").starts_with("http://localhost:8080/hubs?$skiptoken="));
        assert!(next("/hubs?q={a}?").starts_with("http://localhost:8080/hubs?q=%7Ba%7D?&$skiptoken="));
    }

    #[test]
    fn links_are_followed_to_the_end() {
        let keys: Vec<u32> = (0..10).collect();
        let mut target = "/hubs?api-version=1&%24skiptoken=&a=b".to_owned();
        let mut seen = Vec::new();
        for at in 0..4 {
            let pages = Paginator::of(&context(&target), "$skiptoken", 3).unwrap();
            let page = pages.page(keys.iter().copied(), |key| *key);
            seen.extend(page.items);
            match page.next {
                Some(url) => {
                    assert_eq!(url.matches("skiptoken").count(), 1, "{url}");
                    let path = url.strip_prefix("http://localhost:8080").unwrap();
                    // Clients write it in other ways, too.
                    target = match at {
                        0 => path.replace("$skip", "%24skip"),
                        1 => path.replace("api-version=1&a=b", "a=b&api-version=1&"),
                        _ => path.to_owned(),
                    };
                }
                None => assert_eq!(at, 3),
            }
        }
        assert_eq!(seen, keys);
        // But of another list it is refused.
        for (from, to) in [("a=b", "a=c"), ("a=b", "a=b&c"), ("/hubs", "/keys"), ("a=b", "")] {
            let other = context(&target.replacen(from, to, 1));
            assert_eq!(Paginator::<u32>::of(&other, "$skiptoken", 3).unwrap_err().status(), 400, "{to}");
        }
    }

    proptest! {
        #[test]
        fn no_token_makes_it_panic(text in "\\PC*|[A-Za-z0-9_-]{0,40}", bytes: Vec<u8>) {
            for token in [text, URL_SAFE_NO_PAD.encode(bytes)] {
                let pages = Paginator::<String>::new(&["q"], 1, Some(&token));
                prop_assert_eq!(pages.is_ok(), token.is_empty());
            }
        }

        #[test]
        fn a_token_that_was_changed_is_refused(key: String, at: prop::sample::Index, by in 1_u8..=255) {
            let items = [key.clone(), format!("{key}x")];
            let token = page(1, None, &items).unwrap().next.unwrap();
            let after = Paginator::<String>::new(&["q"], 1, Some(&token)).unwrap().after;
            prop_assert_eq!(after, Some(key));
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            prop_assert!(page(1, Some(&URL_SAFE_NO_PAD.encode(&bytes)), &items).is_err());
            bytes.truncate(at);
            prop_assert!(bytes.is_empty() || page(1, Some(&URL_SAFE_NO_PAD.encode(&bytes)), &items).is_err());
        }

        #[test]
        fn every_item_comes_once(mut keys in prop::collection::btree_set(".{0,6}", 0..40), size in 1_usize..7, gone: Vec<prop::sample::Index>) {
            let all: Vec<String> = keys.iter().cloned().collect();
            let (mut token, mut seen, mut gone) = (None::<String>, Vec::new(), gone.into_iter());
            let mut deleted = Vec::new();
            loop {
                let found = Paginator::new(&[], size, token.as_deref()).unwrap().page(keys.clone(), String::clone);
                seen.extend(found.items);
                token = found.next;
                if token.is_none() {
                    break;
                }
                if let Some(at) = gone.next() {
                    let key = at.get(&all).clone();
                    keys.remove(&key);
                    deleted.push(key);
                }
            }
            prop_assert!(seen.is_sorted_by(|one, two| one < two));
            let missing: Vec<_> = all.iter().filter(|key| !seen.contains(key)).collect();
            prop_assert!(missing.iter().all(|key| deleted.contains(key)), "{missing:?}");
        }
    }
}
