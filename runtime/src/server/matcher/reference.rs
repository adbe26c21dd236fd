//! The matcher beside one that tries every template in every way and sorts what matches.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A part of a segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(&'static str),
    One,
    Many,
}

/// What a template asks of a path, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Slash,
    Byte(u8),
    One,
    Many,
}

#[derive(Clone, Debug)]
struct Plan {
    method: Method,
    segments: Vec<Vec<Part>>,
    pairs: Vec<(&'static str, &'static str)>,
    fold: bool,
    slash: bool,
}

/// A byte of a path, decoded; `None` is a slash that is not escaped.
struct Unit {
    byte: Option<u8>,
    span: Range<usize>,
}

/// How specific a template is, the smallest most: its segments' kinds and literals, and the texts of static ones.
type Key = (Vec<(u8, Reverse<usize>, Vec<Vec<u8>>)>, Vec<Vec<u8>>);

/// A way in which a route matches.
struct Way {
    index: usize,
    key: Key,
    tokens: Vec<Token>,
    slashed: bool,
    captures: Vec<Range<usize>>,
}

fn units(path: &str) -> Vec<Unit> {
    let bytes = path.as_bytes();
    let (mut units, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let escape = path.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, len) = match (bytes[at], escape) {
            (b'%', Some(byte)) => (Some(byte), 3),
            (b'/', _) => (None, 1),
            (byte, _) => (Some(byte), 1),
        };
        units.push(Unit { byte, span: at..at + len });
        at += len;
    }
    units
}

/// All ways to match, those with long holes first; the first is taken.
fn matches(tokens: &[Token], path: &[Unit], fold: bool) -> Option<Vec<Range<usize>>> {
    let Some((token, tokens)) = tokens.split_first() else { return path.is_empty().then(Vec::new) };
    let first = path.first();
    match token {
        Token::Slash => first.filter(|unit| unit.byte.is_none()).and_then(|_| matches(tokens, &path[1..], fold)),
        Token::Byte(expected) => {
            let byte = first?.byte?;
            let is = if fold { byte.eq_ignore_ascii_case(expected) } else { byte == *expected };
            if is { matches(tokens, &path[1..], fold) } else { None }
        }
        Token::One | Token::Many => (1..=path.len()).rev().find_map(|count| {
            let (hole, rest) = path.split_at(count);
            let pieces = hole.split(|unit| unit.byte.is_none());
            let fits =
                if *token == Token::One { pieces.count() == 1 } else { pieces.into_iter().all(|p| !p.is_empty()) };
            let in_character = rest.first().and_then(|unit| unit.byte).is_some_and(|byte| (0x80..0xC0).contains(&byte));
            if !fits || in_character {
                return None;
            }
            let mut holes = matches(tokens, rest, fold)?;
            holes.insert(0, hole[0].span.start..hole[count - 1].span.end);
            Some(holes)
        }),
    }
}

/// The parts of a segment. With other holes beside it, `{*}` is one like them.
fn effective(parts: &[Part]) -> Vec<Part> {
    let holes = parts.iter().filter(|part| !matches!(part, Part::Text(_))).count();
    let one = |part: &Part| if *part == Part::Many && holes > 1 { Part::One } else { part.clone() };
    parts.iter().map(one).collect()
}

fn tokens(segments: &[Vec<Part>]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for parts in segments {
        tokens.push(Token::Slash);
        for part in effective(parts) {
            match part {
                Part::Text(text) => tokens.extend(units(text).iter().filter_map(|unit| unit.byte).map(Token::Byte)),
                Part::One => tokens.push(Token::One),
                Part::Many => tokens.push(Token::Many),
            }
        }
    }
    tokens
}

fn key(segments: &[Vec<Part>]) -> Key {
    let (mut kinds, mut texts) = (Vec::new(), Vec::new());
    for parts in segments {
        let mut literals = vec![Vec::new()];
        for token in tokens(std::slice::from_ref(parts)).iter().skip(1) {
            match token {
                Token::Byte(byte) => literals.last_mut().unwrap().push(byte.to_ascii_lowercase()),
                _ => literals.push(Vec::new()),
            }
        }
        let weight = literals.iter().map(Vec::len).sum();
        let kind = match (literals.len(), effective(parts).contains(&Part::Many), weight) {
            (1, ..) => 0,
            (_, true, _) => 3,
            (2, false, 0) => 2,
            _ => 1,
        };
        if kind == 0 {
            texts.append(&mut literals);
        }
        kinds.push((kind, Reverse(if kind == 0 { 0 } else { weight }), literals));
    }
    kinds.push((9, Reverse(0), Vec::new()));
    (kinds, texts)
}

impl Plan {
    fn route(&self) -> &'static Route {
        let mut template = String::new();
        for parts in &self.segments {
            template.push('/');
            for part in parts {
                template.push_str(match part {
                    Part::Text(text) => text,
                    Part::One => "{}",
                    Part::Many => "{*}",
                });
            }
        }
        let pairs: &'static [_] = Box::leak(self.pairs.clone().into_boxed_slice());
        let mut route = Route::new("", self.method.clone(), Box::leak(template.into_boxed_str())).query(pairs);
        route = if self.fold { route.ignore_case() } else { route };
        route = if self.slash { route.trailing_slash() } else { route };
        Box::leak(Box::new(route))
    }

    /// The template, and the one with a slash behind it.
    fn templates(&self) -> Vec<(Vec<Vec<Part>>, bool)> {
        let mut template = self.segments.clone();
        if !self.slash || template == [vec![]] {
            return vec![(template, false)];
        }
        template.pop_if(|last| last.is_empty());
        let slashed = [&template[..], &[vec![]]].concat();
        vec![(template, false), (slashed, true)]
    }

    fn is_like(&self, other: &Plan) -> bool {
        let text = |plan: &Plan| {
            let text = format!("{:?}", tokens(&plan.templates()[0].0));
            let lower = |byte: u8| format!("Byte({})", byte.to_ascii_lowercase());
            if plan.fold {
                (0..=255).fold(text, |text, byte| text.replace(&format!("Byte({byte})"), &lower(byte)))
            } else {
                text
            }
        };
        let pairs = |plan: &Plan| plan.pairs.iter().copied().collect::<BTreeSet<_>>();
        self.method == other.method
            && self.fold == other.fold
            && pairs(self) == pairs(other)
            && text(self) == text(other)
    }

    fn has_pairs(&self, query: Option<&str>) -> bool {
        let pairs = query.unwrap_or_default().split('&').map(|pair| pair.trim_end_matches('='));
        let pairs: Vec<&str> = pairs.collect();
        self.pairs.iter().all(|(name, value)| pairs.contains(&format!("{name}={value}").trim_end_matches('=')))
    }
}

fn is_bad(path: &str) -> bool {
    path.split('/').any(|segment| {
        let escapes = segment.split('%').skip(1).map(|behind| behind.get(..2).unwrap_or("?"));
        let is_escape = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits != "00";
        let bytes: Vec<u8> = units(segment).iter().filter_map(|unit| unit.byte).collect();
        escapes.into_iter().any(|digits| !is_escape(digits)) || matches!(&bytes[..], b"." | b"..")
    })
}

/// What a matcher has to find among the plans that were added.
fn expected(plans: &[Option<Plan>], method: &Method, path: &str, query: Option<&str>) -> Option<Found> {
    let plan = |index: usize| plans[index].as_ref().unwrap();
    let mut ways = Vec::new();
    let path = units(path);
    for (index, plan) in plans.iter().enumerate().filter_map(|(index, plan)| Some((index, plan.as_ref()?))) {
        for (template, slashed) in plan.templates() {
            let tokens = tokens(&template);
            if let Some(captures) = matches(&tokens, &path, plan.fold) {
                ways.push(Way { index, key: key(&template), tokens, slashed, captures });
            }
        }
    }
    let any = plans.iter().position(Option::is_some);
    let Some(best) = ways.iter().map(|way| way.key.clone()).min() else {
        return Some(Found::NotFound { nearest: any });
    };
    ways.retain(|way| way.key == best);
    // Several that regard case and differ in it alone can all match behind a `{*}` or with two holes in a segment. Which of
    // them is taken is nowhere said.
    let mut exact = ways.iter().filter(|way| !plan(way.index).fold).map(|way| &way.tokens);
    let first = exact.next();
    if exact.any(|tokens| Some(tokens) != first) {
        return None;
    }
    let known = ways.iter().map(|way| way.index).next();
    ways.retain(|way| plan(way.index).has_pairs(query));
    ways.sort_by_key(|way| (Reverse(plan(way.index).pairs.len()), plan(way.index).fold, way.slashed, way.index));
    let with = |method: &Method| ways.iter().find(|way| plan(way.index).method == *method);
    let found = with(method).or_else(|| with(&Method::GET).filter(|_| *method == Method::HEAD));
    Some(match (found, ways.first()) {
        (Some(way), _) => Found::Endpoint { endpoint: way.index, captures: Captures(way.captures.clone()) },
        (None, None) => Found::NotFound { nearest: known },
        (None, Some(way)) => {
            let mut methods: BTreeSet<String> = ways.iter().map(|way| plan(way.index).method.to_string()).collect();
            methods.insert("OPTIONS".to_owned());
            if methods.contains("GET") {
                methods.insert("HEAD".to_owned());
            }
            let allow = methods.into_iter().collect::<Vec<_>>().join(", ");
            Found::MethodNotAllowed { endpoint: way.index, allow }
        }
    })
}

fn segment() -> impl Strategy<Value = Vec<Part>> {
    let text = || select(vec!["a", "a", "b", "A", "ab", "-", "%2D", "%61", "%C3%A9"]).prop_map(Part::Text);
    let hole = || select(vec![Part::One, Part::One, Part::Many]);
    prop_oneof![
        4 => text().prop_map(|text| vec![text]),
        2 => Just(vec![Part::One]),
        3 => Just(vec![Part::Many]),
        1 => (hole(), text()).prop_map(|(hole, text)| vec![hole, text]),
        1 => (text(), hole()).prop_map(|(text, hole)| vec![text, hole]),
        1 => (hole(), text(), hole()).prop_map(|(hole, text, other)| vec![hole, text, other]),
        1 => (text(), hole(), text()).prop_map(|(text, hole, other)| vec![text, hole, other]),
        1 => Just(vec![Part::One, Part::One]),
        1 => (text(), text(), hole(), hole(), text(), hole()).prop_map(|(a, b, c, d, e, f)| vec![a, b, c, d, e, f]),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let method = select(vec![Method::GET, Method::GET, Method::PUT, Method::HEAD, Method::OPTIONS]);
    let pairs = prop_oneof![
        6 => Just(vec![]),
        1 => Just(vec![("q", "1")]),
        1 => Just(vec![("r", ""), ("q", "1")]),
        1 => Just(vec![("q", "1"), ("r", "")]),
    ];
    let segments = prop_oneof![
        8 => prop::collection::vec(segment(), 1..5),
        1 => prop::collection::vec(segment(), 1..4).prop_map(|segments| [segments, vec![vec![]]].concat()),
        1 => Just(vec![vec![]]),
    ];
    (method, segments, pairs, any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(|(method, segments, pairs, fold, slash)| Plan { method, segments, pairs, fold, slash })
}

/// Some plans, and a path that is like one of them or like none.
fn plans_and_path() -> impl Strategy<Value = (Vec<Plan>, String)> {
    let piece = || {
        prop_oneof![
            8 => select(vec!["a", "b", "A", "ab", "a-b", "a/b", "a/a/a"]),
            1 => select(vec!["B", "-", "%2d", "%61", "%41", "é", "%C3%A9", "%2F", "/", "", "%FF"]),
        ]
    };
    let bad = select(vec![".", "..", "%2e", "%00", "%", "%a", "%zz"]);
    let wild = prop_oneof![20 => piece(), 1 => bad];
    prop::collection::vec(plan(), 0..12).prop_flat_map(move |plans| {
        let count = plans.len();
        let filled = (0..count.max(1), prop::collection::vec(piece(), 30), prop::bool::weighted(0.1));
        let like = {
            let plans = plans.clone();
            filled.prop_map(move |(index, pieces, slash)| {
                let mut pieces = pieces.into_iter();
                let mut path = String::new();
                for parts in plans.get(index).map(|plan| &plan.segments[..]).unwrap_or_default() {
                    path.push('/');
                    for part in parts {
                        path.push_str(match part {
                            Part::Text(text) => text,
                            _ => pieces.next().unwrap_or("a"),
                        });
                    }
                }
                if slash { path + "/" } else { path }
            })
        };
        let free = prop::collection::vec(wild.clone(), 1..6).prop_map(|segments| format!("/{}", segments.join("/")));
        (Just(plans), prop_oneof![3 => like, 1 => free])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_trie_finds_what_trying_all_finds(
        (plans, path) in plans_and_path(),
        method in select(vec![Method::GET, Method::GET, Method::PUT, Method::HEAD, Method::OPTIONS]),
        query in select(vec![None, Some("q=1"), Some("r&q=1"), Some("q=2&r=")]),
    ) {
        let mut matcher = Matcher::new();
        let mut added: Vec<Option<Plan>> = Vec::new();
        for (index, plan) in plans.iter().enumerate() {
            let alike = added.iter().position(|other| other.as_ref().is_some_and(|other| plan.is_like(other)));
            prop_assert_eq!(matcher.add(plan.route(), index).err(), alike);
            added.push(alike.is_none().then(|| plan.clone()));
        }
        let found = matcher.find(&method, &path, query);
        if is_bad(&path) {
            prop_assert!(matches!(found, Found::BadPath(_)), "{:?}", found);
            return Ok(());
        }
        match (expected(&added, &method, &path, query), found) {
            (None, found) => prop_assert!(!matches!(found, Found::BadPath(_))),
            // Which of several endpoints is named for the form of an error is not important.
            (Some(Found::NotFound { nearest }), found) => {
                prop_assert!(matches!(found, Found::NotFound { nearest: near } if near.is_some() == nearest.is_some()), "{:?}", found);
            }
            (Some(Found::MethodNotAllowed { allow: expected, .. }), Found::MethodNotAllowed { allow, .. }) => {
                prop_assert_eq!(allow, expected);
            }
            (Some(expected), found) => prop_assert_eq!(found, expected),
        }
    }

    #[test]
    fn nothing_makes_it_panic(
        templates in prop::collection::vec("(/|\\{\\}|\\{\\*\\}|a|%C3|%A9|%|[{}*é-]){0,12}", 0..6),
        path in prop_oneof!["\\PC{0,20}", "(/|a|-|é|%C3|%A9|%2F){0,20}", "/(/|a|-|é|%C3|%A9|%2F){0,20}"],
        query in prop::option::of("\\PC{0,10}"),
        fold in any::<bool>(),
    ) {
        let mut matcher = Matcher::new();
        for (index, template) in templates.iter().enumerate() {
            let route = Route::new("", Method::GET, Box::leak(template.clone().into_boxed_str())).query(&[("", "")]);
            let route = if fold { route.ignore_case() } else { route.trailing_slash() };
            let _ = matcher.add(Box::leak(Box::new(route)), index);
        }
        if let Found::Endpoint { captures, .. } = matcher.find(&Method::GET, &path, query.as_deref()) {
            for hole in (0..).map_while(|hole| captures.get(hole)) {
                prop_assert!(path.get(hole).is_some_and(|text| !text.is_empty()));
            }
        }
    }
}
