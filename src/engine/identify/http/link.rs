//! Addresses of pages on one unit, and where the links on a page lead (RFC 3986). Other machines are never gone to.

use std::fmt::{self, Write as _};
use std::net::Ipv4Addr;

/// The longest path that is asked for.
const PATH_BYTES: usize = 2048;

/// A page on the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The unit.
    pub(super) ip: Ipv4Addr,
    /// Whether by `https`.
    pub(super) is_tls: bool,
    /// The port.
    pub(super) port: u16,
    /// The path with its query: begins with a slash, and is ASCII.
    pub(super) path: String,
}

impl Link {
    /// The first page.
    pub(super) fn root(ip: Ipv4Addr, is_tls: bool, port: u16) -> Self {
        Self {
            ip,
            is_tls,
            port,
            path: "/".to_owned(),
        }
    }

    /// As the `Host` header has it.
    pub(super) fn authority(&self) -> String {
        if self.port == default_port(self.is_tls) {
            self.ip.to_string()
        } else {
            format!("{}:{}", self.ip, self.port)
        }
    }

    /// Where a link on this page leads; `None` where it leads to another machine, or to no page.
    pub(super) fn follow(&self, link: &str) -> Option<Self> {
        let link = link.trim();
        let link = link.split_once('#').map_or(link, |(link, _part)| link);
        let mut to = self.clone();
        let rest = match scheme_of(link) {
            Some((scheme, rest)) => {
                to.is_tls = match scheme.to_ascii_lowercase().as_str() {
                    "http" => false,
                    "https" => true,
                    _ => return None,
                };
                rest
            }
            None => link,
        };
        let path = if let Some(rest) = rest.strip_prefix("//") {
            let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            to.port = self.port_of(authority, to.is_tls)?;
            match path.as_bytes().first() {
                Some(b'/') => path.to_owned(),
                _ => format!("/{path}"),
            }
        } else if to.is_tls != self.is_tls || rest.len() != link.len() {
            // `http:page` without slashes: nobody agrees on what it means.
            return None;
        } else {
            self.path_of(rest)
        };
        to.path = escaped(&without_dots(&path));
        (to.path.len() <= PATH_BYTES).then_some(to)
    }

    /// The port, where the authority is this unit.
    fn port_of(&self, authority: &str, is_tls: bool) -> Option<u16> {
        let (host, port) = match authority.split_once(':') {
            Some((host, "")) => (host, default_port(is_tls)),
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, default_port(is_tls)),
        };
        let ip: Ipv4Addr = host.parse().ok()?;
        (ip == self.ip && port != 0).then_some(port)
    }

    fn path_of(&self, link: &str) -> String {
        let (base, _query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        match link.as_bytes().first() {
            None => self.path.clone(),
            Some(b'/') => link.to_owned(),
            Some(b'?') => format!("{base}{link}"),
            Some(_) => {
                let folder_end = base.rfind('/').map_or(0, |at| at + 1);
                format!("{}{link}", &base[..folder_end])
            }
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

const fn default_port(is_tls: bool) -> u16 {
    if is_tls { 443 } else { 80 }
}

/// What stands before the first colon, where that can be a scheme, and what stands after it.
fn scheme_of(link: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = link.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    is_scheme.then_some((scheme, rest))
}

/// The path without `.` and `..`.
fn without_dots(path: &str) -> String {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let mut parts: Vec<&str> = Vec::new();
    let mut pieces = path.split('/').skip(1).peekable();
    while let Some(piece) = pieces.next() {
        let is_last = pieces.peek().is_none();
        match piece {
            "." => {}
            ".." => {
                parts.pop();
            }
            _ => {
                parts.push(piece);
                continue;
            }
        }
        if is_last {
            parts.push("");
        }
    }
    let mut clean = format!("/{}", parts.join("/"));
    if let Some(query) = query {
        clean.push('?');
        clean.push_str(query);
    }
    clean
}

/// What may not stand in a request as it is, is written with percent signs.
fn escaped(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(text, "%{byte:02X}").ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_on_the_unit_only() {
        let ip = Ipv4Addr::new(192, 0, 2, 1);
        let mut base = Link::root(ip, false, 80);
        base.path = "/a/b?c=1".to_owned();
        for (link, expected) in [
            ("https://192.0.2.1/", Some("https://192.0.2.1/")),
            ("HTTPS://192.0.2.1", Some("https://192.0.2.1/")),
            (
                "https://192.0.2.1:8443?x",
                Some("https://192.0.2.1:8443/?x"),
            ),
            ("http://192.0.2.1:80/x", Some("http://192.0.2.1/x")),
            ("//192.0.2.1/x", Some("http://192.0.2.1/x")),
            ("/login.html#top", Some("http://192.0.2.1/login.html")),
            ("login.html", Some("http://192.0.2.1/a/login.html")),
            ("../x/./y/..", Some("http://192.0.2.1/x/")),
            ("../../../x", Some("http://192.0.2.1/x")),
            ("?d=2", Some("http://192.0.2.1/a/b?d=2")),
            ("", Some("http://192.0.2.1/a/b?c=1")),
            (
                "/ä b\r\nX: y",
                Some("http://192.0.2.1/%C3%A4%20b%0D%0AX:%20y"),
            ),
            ("http://192.0.2.2/", None),
            ("https://unit.example/", None),
            ("https://192.0.2.1@evil.example/", None),
            ("https://192.0.2.1.evil.example/", None),
            (
                "https://192.0.2.1\\@evil.example/",
                Some("https://192.0.2.1/%5C@evil.example/"),
            ),
            ("https://192.0.2.1:0/", None),
            ("https://192.0.2.1:99999/", None),
            ("javascript:go()", None),
            ("https:login", None),
            ("data:image/png;base64,AAAA", None),
            ("ftp://192.0.2.1/", None),
        ] {
            let to = base.follow(link).map(|link| link.to_string());
            assert_eq!(to.as_deref(), expected, "{link:?}");
        }
        let long = "x".repeat(PATH_BYTES);
        assert_eq!(base.follow(&long), None, "a path has its bound");
    }
}
