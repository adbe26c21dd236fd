//! Which paths a rule is about.

/// Whether a path is the one of the pattern, or below it. A `*` is any text without slash; letters are compared without case.
pub(super) fn covers(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let mut segments = path.split('/');
    pattern.split('/').all(|wanted| segments.next().is_some_and(|segment| fits(wanted.as_bytes(), segment.as_bytes())))
}

/// Goes back to the last star only, so that the work is at most the product of both lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    loop {
        let (p, t) = at;
        match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                star = Some(at);
                at = (p + 1, t);
            }
            (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => at = (p + 1, t + 1),
            _ => match star {
                // The star takes one more.
                Some((p, t)) if t < text.len() => {
                    star = Some((p, t + 1));
                    at = (p + 1, t + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, path, covered) in [
            ("/", "/devices/d1", true),
            ("/devices", "/devices", true),
            ("/devices", "/DEVICES/d1", true),
            ("/devices/", "/devices/d1", true),
            ("/devices/d1", "/devices/d10", false),
            ("/devices/d1", "/devices", false),
            ("/devices/*", "/devices", false),
            ("/devices/*", "/devices/", true),
            ("/devices/*/messages", "/devices/d1/messages/events", true),
            ("/devices/*/messages", "/devices/d1/files", false),
            ("/devices/*/messages", "/devices/d1/x/messages", false),
            ("/devices/a*b*c", "/devices/axxbxbxc", true),
            ("/devices/a*b*c", "/devices/axxcxb", false),
            ("/devices/*1", "/devices/d11", true),
            ("/devices/**", "/devices/x", true),
        ] {
            assert_eq!(covers(pattern, path), covered, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let (pattern, text) = (format!("/{}b", "*a".repeat(2_000)), format!("/{}", "a".repeat(8_000)));
        assert!(!covers(&pattern, &text));
    }
}
