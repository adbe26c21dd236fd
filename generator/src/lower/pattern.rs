//! Patterns as documents have them (ECMA 262, as JSON Schema wants it) in the syntax of the crate `regex-lite`, with which servers look for
//! them.
//!
//! The two mean different things by a dot, by `\s`, by brackets within brackets, and by escapes and braces that need not be there. What
//! `regex-lite` cannot do in linear time, and what other dialects understand otherwise than ECMA 262, is not translated.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use regex_lite::{RegexBuilder, escape};

/// How large a compiled pattern may become, in bytes. What needs more takes long to look for.
const SIZE: usize = 1 << 20;

const SPACE: &str = r"\t\n\v\f\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";
const NO_SPACE: &str = concat!(
    r"\x00-\x08\x0e-\x1f!-\x{9f}\u{a1}-\u{167f}\u{1681}-\u{1fff}\u{200b}-\u{2027}\u{202a}-\u{202e}\u{2030}-\u{205e}",
    r"\u{2060}-\u{2fff}\u{3001}-\u{fefe}\u{ff00}-\u{10ffff}"
);
const ANY: &str = r"\x00-\u{10ffff}";
const LINE_ENDS: &str = r"\n\r\u{2028}\u{2029}";

/// The pattern in the other syntax, or why there is none.
pub(super) fn translated(pattern: &str) -> Result<String, String> {
    if pattern.starts_with("/^") {
        return Err("nothing can stand before `^`, not even a `/`".to_owned());
    }
    let mut translator = Translator { rest: pattern.chars().peekable(), out: String::new() };
    translator.pattern()?;
    let out = translator.out;
    match RegexBuilder::new(&out).size_limit(SIZE).build() {
        Ok(_) => Ok(out),
        Err(error) => Err(error.to_string()),
    }
}

struct Translator<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
}

/// What stands for a character or several, in brackets.
enum Atom {
    One(char),
    Set(&'static str),
}

/// What an escape stands for.
enum Escape {
    Atom(Atom),
    Boundary(char),
}

impl Translator<'_> {
    fn pattern(&mut self) -> Result<(), String> {
        while let Some(found) = self.rest.next() {
            match found {
                '\\' => match self.escape()? {
                    Escape::Atom(Atom::One(one)) => self.literal(one),
                    Escape::Atom(Atom::Set(set)) => self.set(set),
                    Escape::Boundary(letter) => _ = write!(self.out, "\\{letter}"),
                },
                '.' => _ = write!(self.out, "[^{LINE_ENDS}]"),
                '[' => self.class()?,
                '(' if self.rest.peek() == Some(&'?') => self.group()?,
                '{' => self.brace(),
                ']' => self.literal(found),
                _ => self.out.push(found),
            }
        }
        Ok(())
    }

    fn literal(&mut self, one: char) {
        self.out.push_str(&escape(one.encode_utf8(&mut [0; 4])));
    }

    fn set(&mut self, set: &str) {
        _ = match set {
            r"\d" | r"\D" | r"\w" | r"\W" => write!(self.out, "{set}"),
            set => write!(self.out, "[{set}]"),
        };
    }

    /// After `{`: how often something is repeated, if it says that; otherwise the brace is itself.
    fn brace(&mut self) {
        // Longer numbers are none that could be used.
        let ahead: String = self.rest.clone().take(24).take_while(|c| *c != '}').collect();
        let (low, high) = ahead.split_once(',').unwrap_or((&ahead, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_repetition = !low.is_empty() && is_number(low) && is_number(high);
        if is_repetition && self.rest.clone().nth(ahead.len()) == Some('}') {
            _ = write!(self.out, "{{{ahead}}}");
            self.rest.nth(ahead.len());
        } else {
            self.literal('{');
        }
    }

    /// After `(`, before `?`.
    fn group(&mut self) -> Result<(), String> {
        let ahead: String = self.rest.clone().skip(1).take(2).collect();
        let named = ahead.starts_with('<') && !matches!(ahead.as_str(), "<=" | "<!");
        let skipped = match ahead.as_str() {
            "i)" => {
                self.out.push_str("(?i)");
                3
            }
            "i:" => {
                self.out.push_str("(?i:");
                3
            }
            _ if ahead.starts_with(':') => {
                self.out.push_str("(?:");
                2
            }
            _ if named => {
                self.out.push('(');
                2 + self.rest.clone().skip(2).take_while(|c| *c != '>').count() + 1
            }
            "<=" | "<!" => return Err(format!("`(?{ahead}` looks behind, which takes more than linear time")),
            _ if ahead.starts_with(['=', '!']) => {
                let kind = ahead.chars().next().unwrap_or_default();
                return Err(format!("`(?{kind}` looks ahead, which takes more than linear time"));
            }
            _ => return Err("it has a group that ECMA 262 does not know".to_owned()),
        };
        self.rest.nth(skipped - 1);
        Ok(())
    }

    /// After `[`.
    fn class(&mut self) -> Result<(), String> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        if self.rest.next_if_eq(&']').is_some() {
            _ = write!(self.out, "[{}{ANY}]", if negated { "" } else { "^" });
            return Ok(());
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        while self.rest.next_if_eq(&']').is_none() {
            let first = self.class_atom()?;
            let mut after = self.rest.clone();
            let is_range = after.next() == Some('-') && !matches!(after.next(), Some(']') | None);
            if !is_range {
                self.class_item(&first);
                continue;
            }
            self.rest.next();
            let last = self.class_atom()?;
            match (&first, &last) {
                (Atom::One(_), Atom::One(_)) => {
                    self.class_item(&first);
                    self.out.push('-');
                    self.class_item(&last);
                }
                // As browsers take it: the hyphen is one.
                _ => [&first, &Atom::One('-'), &last].into_iter().for_each(|atom| self.class_item(atom)),
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn class_atom(&mut self) -> Result<Atom, String> {
        match self.rest.next() {
            None => Err("a `[` has no `]`".to_owned()),
            Some('\\') => match self.escape()? {
                Escape::Atom(atom) => Ok(atom),
                Escape::Boundary('b') => Ok(Atom::One('\u{8}')),
                Escape::Boundary(letter) => Err(unknown(letter)),
            },
            Some(one) => Ok(Atom::One(one)),
        }
    }

    fn class_item(&mut self, atom: &Atom) {
        match atom {
            Atom::One(one) => {
                if matches!(one, '\\' | '[' | ']' | '^' | '-' | '&' | '~') {
                    self.out.push('\\');
                }
                self.out.push(*one);
            }
            Atom::Set(set) => self.out.push_str(set),
        }
    }

    /// After `\`.
    fn escape(&mut self) -> Result<Escape, String> {
        let one = match self.rest.next() {
            None => return Err("it ends in a `\\`".to_owned()),
            Some('d') => return Ok(Escape::Atom(Atom::Set(r"\d"))),
            Some('D') => return Ok(Escape::Atom(Atom::Set(r"\D"))),
            Some('w') => return Ok(Escape::Atom(Atom::Set(r"\w"))),
            Some('W') => return Ok(Escape::Atom(Atom::Set(r"\W"))),
            Some('s') => return Ok(Escape::Atom(Atom::Set(SPACE))),
            Some('S') => return Ok(Escape::Atom(Atom::Set(NO_SPACE))),
            Some(letter @ ('b' | 'B')) => return Ok(Escape::Boundary(letter)),
            Some('t') => '\t',
            Some('n') => '\n',
            Some('v') => '\u{b}',
            Some('f') => '\u{c}',
            Some('r') => '\r',
            Some('0') if !self.rest.peek().is_some_and(char::is_ascii_digit) => '\0',
            Some('0'..='9' | 'k') => return Err("it refers back to a group".to_owned()),
            Some('c') => self.control()?,
            Some('x') => self.hex(2).and_then(char::from_u32).ok_or_else(|| unknown('x'))?,
            Some('u') => self.unicode()?,
            Some(letter) if letter.is_ascii_alphabetic() => return Err(unknown(letter)),
            Some(other) => other,
        };
        Ok(Escape::Atom(Atom::One(one)))
    }

    fn control(&mut self) -> Result<char, String> {
        let letter = self.rest.next_if(char::is_ascii_alphabetic).ok_or_else(|| unknown('c'))?;
        char::from_u32(u32::from(letter) % 32).ok_or_else(|| unknown('c'))
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text: String = self.rest.clone().take(digits).collect();
        let is_hex = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(&text, 16).ok().filter(|_| is_hex)?;
        self.rest.nth(digits - 1);
        Some(value)
    }

    /// After `\u`: four digits, as many as there are in braces, or two times four for a character beyond the first 65,536.
    fn unicode(&mut self) -> Result<char, String> {
        let value = if self.rest.next_if_eq(&'{').is_some() {
            let digits = self.rest.clone().take_while(char::is_ascii_hexdigit).count();
            let value = (1..=6).contains(&digits).then(|| self.hex(digits)).flatten();
            value.filter(|_| self.rest.next() == Some('}'))
        } else {
            let first = self.hex(4);
            match first {
                Some(high @ 0xd800..=0xdbff) => {
                    let low = (self.rest.next() == Some('\\') && self.rest.next() == Some('u')).then(|| self.hex(4));
                    let low = low.flatten().filter(|low| (0xdc00..=0xdfff).contains(low));
                    low.map(|low| 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00))
                }
                first => first,
            }
        };
        value.and_then(char::from_u32).ok_or_else(|| unknown('u'))
    }
}

fn unknown(letter: char) -> String {
    format!("ECMA 262 gives `\\{letter}` no meaning here")
}

#[cfg(test)]
mod tests {
    use regex_lite::Regex;

    use super::translated;

    #[track_caller]
    fn finds(pattern: &str, in_these: &[&str], not_in: &[&str]) {
        let text = translated(pattern).unwrap_or_else(|reason| panic!("{pattern}: {reason}"));
        let regex = Regex::new(&text).unwrap();
        for (texts, expected) in [(in_these, true), (not_in, false)] {
            for text in texts {
                assert_eq!(regex.is_match(text), expected, "{pattern} as {regex} in {text:?}");
            }
        }
    }

    #[test]
    fn plain_patterns_stay_as_they_are() {
        for pattern in [
            "^[a-z]+$",
            "a|b",
            "(?:ab)*?c{2}d{3,}e{4,5}",
            r"\d\D\w\W\b\B",
            "(a(b))",
            "ü€",
            "(?i)abc",
            "",
            r"^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$",
        ] {
            assert_eq!(translated(pattern).unwrap(), pattern);
        }
    }

    #[test]
    fn those_of_iot_hub() {
        let id = r"^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$";
        finds(id, &["a", "-:.+%_#*?!(),=@;$'", &"x".repeat(128)], &["", "a b", "a/b", "ä", &"x".repeat(129), "a\n"]);
        finds("^[A-Za-z0-9-._]{1,64}$", &["a-b.c_d"], &["a,b", "a/b"]);
        finds("^([A-Fa-f0-9]{2}){20}$", &[&"aF".repeat(20)], &[&"a".repeat(39), &"g0".repeat(20)]);
    }

    #[test]
    fn dots_and_ends_of_lines() {
        finds("^a.c$", &["abc", "aäc", "a\u{1d11e}c"], &["a\nc", "a\rc", "a\u{2028}c", "abc\n", "\nabc"]);
    }

    #[test]
    fn spaces() {
        finds(r"^\s$", &[" ", "\t", "\u{b}", "\u{a0}", "\u{2003}", "\u{feff}"], &["a", "\u{200b}", "\u{85}"]);
        finds(r"^\S$", &["a", "\u{200b}", "\u{1d11e}", "!", "\0"], &[" ", "\u{a0}", "\u{3000}"]);
        finds(r"^[\s_]$", &[" ", "_", "\u{2029}"], &["s", "a"]);
        finds(r"^[^\s]$", &["a"], &[" ", "\u{a0}"]);
        finds(r"^[\S]$", &["a"], &[" "]);
    }

    #[test]
    fn every_character_is_a_space_or_none() {
        let both = ["\\s", "\\S"].map(|set| Regex::new(&translated(&format!("^{set}$")).unwrap()).unwrap());
        for one in (0..0x3100_u32).chain(0xfe00..0x1_0010).filter_map(char::from_u32) {
            let text = one.to_string();
            assert_ne!(both[0].is_match(&text), both[1].is_match(&text), "{one:?}");
        }
    }

    #[test]
    fn classes() {
        finds(r"^[\w-.]$", &["a", "-", "."], &["+", ","]);
        finds("^[a-]$", &["a", "-"], &["b"]);
        finds("^[-a]$", &["a", "-"], &["b"]);
        finds("^[+--]$", &["+", ",", "-"], &[".", "a"]);
        finds("^[[a]$", &["[", "a"], &["]"]);
        finds("^[[:alpha:]]$", &[":]", "a]", "[]"], &["b", "z"]);
        finds("^[a&&b~~c]$", &["a", "&", "b", "~", "c"], &["d"]);
        finds(r"^[\]\\\b]$", &["]", "\\", "\u{8}"], &["b"]);
        finds("^a[^]b$", &["a\nb", "axb"], &["ab"]);
        finds("a[]", &[], &["a", "a[]"]);
        finds("^]$", &["]"], &[""]);
        finds("^[^a-c]$", &["d", "\n"], &["b"]);
        finds(r"^[\d-x]$", &["1", "-", "x"], &["y"]);
    }

    #[test]
    fn escapes() {
        finds(r"^\/\-\_\@\'\<\>\ü$", &["/-_@'<>ü"], &[]);
        finds(r"^\x41\u0042\u{43}\uD834\uDD1E\cJ\0$", &["ABC\u{1d11e}\n\0"], &[]);
        finds(r"^\t\n\v\f\r$", &["\t\n\u{b}\u{c}\r"], &[]);
        finds(r"^[\x41-\u0043]$", &["A", "B", "C"], &["D"]);
        finds(r"^a\.b$", &["a.b"], &["acb"]);
    }

    #[test]
    fn braces_that_are_themselves() {
        finds("^{a}$", &["{a}"], &[]);
        finds("^a{,2}$", &["a{,2}"], &["aa"]);
        finds("^a{1$", &["a{1"], &[]);
        finds("^x{2}}$", &["xx}"], &[]);
    }

    #[test]
    fn groups() {
        finds("^(?<year>[0-9]{4})-(?<month>[0-9]{2})$", &["2017-08"], &["2017"]);
        finds("^(?i:a)b$", &["Ab", "ab"], &["aB"]);
    }

    #[test]
    fn what_cannot_be_translated() {
        for (pattern, reason) in [
            ("^(?![0-9]+$)(?!-)[a-z]$", "`(?!` looks ahead, which takes more than linear time"),
            ("(?=a)b", "`(?=` looks ahead, which takes more than linear time"),
            ("(?<=a)b", "`(?<=` looks behind, which takes more than linear time"),
            ("(?<!a)b", "`(?<!` looks behind, which takes more than linear time"),
            (r"(a)\1", "it refers back to a group"),
            (r"(?<a>b)\k<a>", "it refers back to a group"),
            (r"\012", "it refers back to a group"),
            ("(?>a)", "it has a group that ECMA 262 does not know"),
            ("(?s).", "it has a group that ECMA 262 does not know"),
            (r"\Aa\z", r"ECMA 262 gives `\A` no meaning here"),
            (r"[\B]", r"ECMA 262 gives `\B` no meaning here"),
            (r"\p{L}", r"ECMA 262 gives `\p` no meaning here"),
            (r"\uD834", r"ECMA 262 gives `\u` no meaning here"),
            (r"\u{110000}", r"ECMA 262 gives `\u` no meaning here"),
            (r"\xg1", r"ECMA 262 gives `\x` no meaning here"),
            (r"\c1", r"ECMA 262 gives `\c` no meaning here"),
            ("a\\", r"it ends in a `\`"),
            ("[a", "a `[` has no `]`"),
            ("[a-", "a `[` has no `]`"),
            ("/^[a-z]+$/", "nothing can stand before `^`, not even a `/`"),
        ] {
            assert_eq!(translated(pattern).unwrap_err(), reason, "{pattern}");
        }
        for pattern in
            ["(", ")", "*", "[z-a]", "a{2,1}", "((a{1000}){1000}){1000}", "a{99999999999}", "(?<a", &"(".repeat(1000)]
        {
            assert!(translated(pattern).is_err(), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_translated_or_not(pattern in r"([\\(){}\[\]^$.*+?|<>=!:,\-&~xukcdsb0-9a-f]|[ä𝄞\n]){0,16}", text in ".{0,8}") {
            if let Ok(translated) = translated(&pattern) {
                Regex::new(&translated).unwrap().is_match(&text);
            }
        }
    }
}
