//! Tables of routes, paths, and what is found.

mod bounds;
mod iot_hub;

use super::*;

/// A route out of a line: method, template, fixed query, and `i` for any case, `s` for a slash at the end.
fn route(line: &'static str) -> &'static Route {
    let mut words = line.split(' ');
    let method = Method::from_bytes(words.next().unwrap().as_bytes()).unwrap();
    let target = words.next().unwrap();
    let (template, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let mut route = Route::new(line, method, template).query(Box::leak(pairs.into_boxed_slice()));
    for flag in words {
        route = if flag == "i" { route.ignore_case() } else { route.trailing_slash() };
    }
    Box::leak(Box::new(route))
}

/// Routes, and a way to say what they make of a request.
struct Table {
    matcher: Matcher,
    lines: Vec<&'static str>,
}

impl Table {
    fn new(lines: &[&'static str]) -> Table {
        let mut table = Table { matcher: Matcher::new(), lines: Vec::new() };
        for line in lines {
            assert_eq!(table.add(line), Ok(()), "{line}");
        }
        table
    }

    fn add(&mut self, line: &'static str) -> Result<(), &'static str> {
        let added = self.matcher.add(route(line), self.lines.len());
        self.lines.push(line);
        added.map_err(|same| self.lines[same])
    }

    /// `GET /a/{} <- b`, `405 GET, HEAD, OPTIONS`, `404 near GET /a/{}`, or `400 …`.
    fn find(&self, request: &str) -> String {
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        match self.matcher.find(&Method::from_bytes(method.as_bytes()).unwrap(), path, query) {
            Found::Endpoint { endpoint, captures } => {
                let holes = (0..).map_while(|hole| captures.get(hole)).map(|hole| &path[hole]);
                let holes = holes.collect::<Vec<_>>().join(" | ");
                let line = self.lines[endpoint];
                if holes.is_empty() { line.to_owned() } else { format!("{line} <- {holes}") }
            }
            Found::MethodNotAllowed { endpoint, allow } => {
                assert!(endpoint < self.lines.len());
                format!("405 {allow}")
            }
            Found::NotFound { nearest } => format!("404 near {}", nearest.map_or("nothing", |near| self.lines[near])),
            Found::BadPath(why) => format!("400 {why}"),
        }
    }

    fn check(&self, rows: &[(&str, &str)]) {
        for (request, expected) in rows {
            let found = self.find(request);
            let matches = found == *expected || *expected == "404" && found.starts_with("404 near ");
            assert!(matches, "{request}: {found}, not {expected}");
        }
    }
}

#[test]
fn paths_that_nothing_can_have() {
    let dots = "400 the path has a segment `.` or `..`";
    let (nul, escape) = ("400 the path has an escaped NUL", "400 the path has a `%` that is no escape");
    let table = Table::new(&["GET /{*}", "GET /a/{}"]);
    for (path, expected) in [
        ("/.", dots),
        ("/a/..", dots),
        ("/../a", dots),
        ("/a/./b", dots),
        ("/a/%2e", dots),
        ("/a/%2E%2e", dots),
        ("/a/.%2e/b", dots),
        ("/a/%2e.", dots),
        ("/nothing/../x/y", dots),
        ("/a/%00", nul),
        ("/a/b%00c", nul),
        ("/%zz", escape),
        ("/a/%", escape),
        ("/a/%4", escape),
        ("/a/%%41", escape),
        ("/a/%4g/c", escape),
        ("/a/%é", escape),
    ] {
        table.check(&[(&format!("GET {path}"), expected), (&format!("PUT {path}"), expected)]);
    }
    assert_eq!(Table::new(&[]).find("GET /.."), dots);
}

#[test]
fn what_is_no_path_is_not_found() {
    let table = Table::new(&["GET /{*}", "GET /"]);
    table.check(&[
        ("GET *", "404 near GET /{*}"),
        ("GET ", "404"),
        ("GET a/b", "404"),
        ("GET /", "GET /"),
        ("GET //", "404"),
        ("GET //a", "404"),
        ("GET /a//b", "404"),
        ("GET /a/", "404"),
        ("GET /a", "GET /{*} <- a"),
    ]);
    assert_eq!(Table::new(&[]).find("GET /a"), "404 near nothing");
}

#[test]
fn the_most_specific_path_decides() {
    Table::new(&[
        "GET /a/{}/c",
        "GET /a/b/d",
        "GET /a/{}",
        "PUT /a/b",
        "GET /a/{}:go",
        "GET /a/{}:go:go",
        "POST /a/{}-{}",
        "GET /{}/x/y",
        "GET /{}/{}/{}",
        "GET /{*}",
    ])
    .check(&[
        ("GET /a/b/c", "GET /a/{}/c <- b"),
        ("GET /a/b/d", "GET /a/b/d"),
        ("GET /a/b/e", "GET /{}/{}/{} <- a | b | e"),
        ("GET /a/x/y", "GET /{}/x/y <- a"),
        ("GET /a/x/c", "GET /a/{}/c <- x"),
        ("GET /a/b", "405 OPTIONS, PUT"),
        ("GET /a/c", "GET /a/{} <- c"),
        ("GET /a/c:go", "GET /a/{}:go <- c"),
        ("GET /a/c:go:go", "GET /a/{}:go:go <- c"),
        ("GET /a/:go:go", "GET /a/{}:go <- :go"),
        ("GET /a/:go", "GET /a/{} <- :go"),
        ("GET /a/c-d:go", "GET /a/{}:go <- c-d"),
        ("GET /a/c-d", "405 OPTIONS, POST"),
        ("POST /a/c-d-e", "POST /a/{}-{} <- c-d | e"),
        ("GET /a/c%3ago/c", "GET /a/{}/c <- c%3ago"),
        ("GET /a", "GET /{*} <- a"),
        ("GET /a/b/c/d", "GET /{*} <- a/b/c/d"),
        ("PUT /a/b/c/d", "405 GET, HEAD, OPTIONS"),
    ]);
}

#[test]
fn holes_over_several_segments() {
    Table::new(&[
        "GET /{*}/providers/Microsoft.X/foo/{}",
        "GET /{*}/providers/Microsoft.X/foo",
        "GET /{*}/providers/{}/foo",
        "GET /files/{*} s",
        "GET /v1/{*}:cancel",
        "GET /copy/{*}/to/{*}",
        "GET /copy/{*}/to/{*}/now",
        "GET /{*}/providers/{}",
        "GET /q{*}",
    ])
    .check(&[
        ("GET /s/1/providers/Microsoft.X/foo/a", "GET /{*}/providers/Microsoft.X/foo/{} <- s/1 | a"),
        ("GET /s/1/providers/Microsoft.X/foo", "GET /{*}/providers/Microsoft.X/foo <- s/1"),
        ("GET /s/1/providers/Microsoft.Y/foo", "GET /{*}/providers/{}/foo <- s/1 | Microsoft.Y"),
        ("GET /providers/providers/providers", "GET /{*}/providers/{} <- providers | providers"),
        ("GET /p/providers/providers/x", "GET /{*}/providers/{} <- p/providers | x"),
        (
            "GET /s/providers/Microsoft.X/foo/a/providers/Microsoft.X/foo/b",
            "GET /{*}/providers/Microsoft.X/foo/{} <- s/providers/Microsoft.X/foo/a | b",
        ),
        ("GET /providers/Microsoft.X/foo/a", "404"),
        ("GET /s/providers/Microsoft.X/foo/a/", "404"),
        ("GET /s//t/providers/Microsoft.X/foo/a", "404"),
        ("GET /files/a/b%2Fc/d", "GET /files/{*} s <- a/b%2Fc/d"),
        ("GET /files/a/b/", "GET /files/{*} s <- a/b"),
        ("GET /files/a/b//", "404"),
        ("GET /files/", "404"),
        ("GET /files", "404"),
        ("GET /v1/a/b:cancel", "GET /v1/{*}:cancel <- a/b"),
        ("GET /v1/a%3Acancel", "GET /v1/{*}:cancel <- a"),
        ("GET /v1/a/:cancel", "404"),
        ("GET /v1/:cancel", "404"),
        ("GET /v1/a:cancel/b", "404"),
        ("GET /qa/b", "GET /q{*} <- a/b"),
        ("GET /q", "404"),
        ("GET /q/b", "404"),
        ("GET /copy/a/to/b", "GET /copy/{*}/to/{*} <- a | b"),
        ("GET /copy/a/to/b/to/c/d", "GET /copy/{*}/to/{*} <- a/to/b | c/d"),
        ("GET /copy/to/to/to/to", "GET /copy/{*}/to/{*} <- to/to | to"),
        ("GET /copy/a/to/to/now", "GET /copy/{*}/to/{*}/now <- a | to"),
        ("GET /copy/a/to/b/to/c/now", "GET /copy/{*}/to/{*}/now <- a/to/b | c"),
        ("GET /copy/a/to", "404"),
    ]);
}

#[test]
fn a_longer_template_goes_before_one_that_takes_all() {
    Table::new(&["GET /{*}", "GET /{*}/b/{}", "GET /{*}/{}", "GET /{*}/a/{*}", "GET /{*}/c/{*}"]).check(&[
        ("GET /x/y/b/z", "GET /{*}/b/{} <- x/y | z"),
        ("GET /x/y/z", "GET /{*}/{} <- x/y | z"),
        ("GET /x", "GET /{*} <- x"),
        // Both are as specific: the alphabet decides.
        ("GET /x/a/c/y", "GET /{*}/a/{*} <- x | c/y"),
        ("GET /x/c/a/y", "GET /{*}/a/{*} <- x/c | y"),
    ]);
}

#[test]
fn services_with_and_without_regard_to_case() {
    Table::new(&[
        "GET /devices/{} i",
        "PUT /Devices/{}",
        "POST /devices/Query",
        "GET /a",
        "GET /A i",
        "PUT /a s",
        "GET /{}:Go",
        "PUT /{}:go i",
        "GET /x/{}b",
        "GET /x/{}bb i",
    ])
    .check(&[
        ("PUT /Devices/x", "PUT /Devices/{} <- x"),
        ("GET /Devices/x", "GET /devices/{} i <- x"),
        ("POST /Devices/x", "405 GET, HEAD, OPTIONS, PUT"),
        ("POST /devices/x", "405 GET, HEAD, OPTIONS"),
        ("PUT /devices/x", "405 GET, HEAD, OPTIONS"),
        ("GET /devices/Query", "405 OPTIONS, POST"),
        ("GET /devices/query", "GET /devices/{} i <- query"),
        ("GET /a", "GET /a"),
        ("GET /A", "GET /A i"),
        ("PUT /a", "PUT /a s"),
        ("PUT /A", "405 GET, HEAD, OPTIONS"),
        ("PUT /a/", "PUT /a s"),
        ("POST /a", "405 GET, HEAD, OPTIONS, PUT"),
        ("GET /A/", "404"),
        ("GET /x:Go", "GET /{}:Go <- x"),
        ("PUT /x:Go", "PUT /{}:go i <- x"),
        ("PUT /x:GO", "PUT /{}:go i <- x"),
        ("GET /x:GO", "405 OPTIONS, PUT"),
        ("GET /x/abb", "GET /x/{}bb i <- a"),
        ("GET /x/ab", "GET /x/{}b <- a"),
    ]);
}

#[test]
fn trailing_slashes() {
    Table::new(&[
        "GET /a s",
        "PUT /a/",
        "POST /b/ s",
        "GET /c/",
        "GET / s",
        "GET /d/ s",
        "HEAD /a/",
        "GET /e s",
        "GET /e/",
    ])
    .check(&[
        ("GET /a", "GET /a s"),
        ("GET /a/", "GET /a s"),
        ("HEAD /a", "GET /a s"),
        ("HEAD /a/", "HEAD /a/"),
        ("PUT /a/", "PUT /a/"),
        ("PUT /a", "405 GET, HEAD, OPTIONS"),
        ("POST /a/", "405 GET, HEAD, OPTIONS, PUT"),
        ("POST /b", "POST /b/ s"),
        ("POST /b/", "POST /b/ s"),
        ("GET /c/", "GET /c/"),
        ("GET /c", "404"),
        ("GET /", "GET / s"),
        ("GET //", "404"),
        ("GET /d", "GET /d/ s"),
        ("GET /a//", "404"),
        ("GET /e/", "GET /e/"),
        ("GET /e", "GET /e s"),
    ]);
}

#[test]
fn fixed_queries() {
    Table::new(&[
        "GET /x",
        "GET /x?comp=list",
        "GET /x?comp=list&type=a%b",
        "PUT /x?comp=meta",
        "HEAD /x?comp=meta",
        "DELETE /y?restore",
        "GET /{}",
        "GET /z?a=1",
        "GET /z?b=2",
    ])
    .check(&[
        ("GET /x", "GET /x"),
        ("GET /x?", "GET /x"),
        ("GET /x?comp=lists", "GET /x"),
        ("GET /x?Comp=list", "GET /x"),
        ("GET /x?comp", "GET /x"),
        ("GET /x?a=b&comp=list&c", "GET /x?comp=list"),
        ("GET /x?co%6Dp=li%73t", "GET /x?comp=list"),
        ("GET /x?type=a%25b&comp=list", "GET /x?comp=list&type=a%b"),
        ("GET /x?type=c&comp=list", "GET /x?comp=list"),
        ("HEAD /x?comp=list", "GET /x?comp=list"),
        ("HEAD /x?comp=meta", "HEAD /x?comp=meta"),
        ("PUT /x?comp=meta", "PUT /x?comp=meta"),
        ("PUT /x", "405 GET, HEAD, OPTIONS"),
        ("POST /x?comp=meta", "405 GET, HEAD, OPTIONS, PUT"),
        ("DELETE /y?restore", "DELETE /y?restore"),
        ("DELETE /y?restore=", "DELETE /y?restore"),
        ("DELETE /y?restore=1", "404 near DELETE /y?restore"),
        ("DELETE /y", "404 near DELETE /y?restore"),
        ("GET /y", "404 near DELETE /y?restore"),
        ("GET /y?restore", "405 DELETE, OPTIONS"),
        ("GET /z?b=2&a=1", "GET /z?a=1"),
        ("GET /z?b=2&a=2", "GET /z?b=2"),
    ]);
}

#[test]
fn routes_for_the_same_requests_are_reported() {
    for (first, second, alike) in [
        ("GET /a/{}", "GET /a/{}", true),
        ("GET /a", "GET /%61", true),
        ("GET /a", "PUT /a", false),
        ("GET /a", "GET /A", false),
        ("GET /a i", "GET /A i", true),
        ("GET /a i", "GET /a", false),
        ("GET /a/{}", "GET /a/{*}", false),
        ("GET /{}:a", "GET /{}:b", false),
        ("GET /{}-{}", "GET /{}-{}", true),
        ("GET /{}:A i", "GET /{}:a i", true),
        ("GET /a?x=1&y=2", "GET /a?y=2&x=1", true),
        ("GET /a?x=1&x=1", "GET /a?x=1", true),
        ("GET /a?x=1", "GET /a?x=2", false),
        ("GET /a?x=1", "GET /a", false),
        ("GET /a s", "GET /a", true),
        ("GET /a s", "GET /a/ s", true),
        ("GET /a s", "GET /a/", false),
        ("GET /a/", "GET /a s", false),
        ("HEAD /a", "GET /a", false),
        ("GET /{*}", "GET /{*}", true),
    ] {
        let mut table = Table::new(&[first]);
        let expected = if alike { Err(first) } else { Ok(()) };
        assert_eq!(table.add(second), expected, "{first}, {second}");
    }
}

#[test]
fn services_may_come_later() {
    let mut table = Table::new(&["GET /a/{} i", "POST /a/b"]);
    table.check(&[("PUT /a/x", "405 GET, HEAD, OPTIONS"), ("GET /a/b", "405 OPTIONS, POST")]);
    for line in ["PUT /a/{}", "DELETE /a/b i", "GET /c"] {
        assert_eq!(table.add(line), Ok(()));
    }
    assert_eq!(table.add("PUT /a/{}"), Err("PUT /a/{}"));
    table.check(&[
        ("POST /a/x", "405 GET, HEAD, OPTIONS, PUT"),
        ("GET /a/b", "405 DELETE, OPTIONS, POST"),
        ("GET /A/B", "405 DELETE, OPTIONS"),
        ("GET /c", "GET /c"),
        ("GET /d", "404 near GET /a/{} i"),
        ("GET /C", "404 near GET /a/{} i"),
        ("GET /c/d", "404 near GET /c"),
    ]);
}
