//! Reads Rust roughly: drops comments and literals, finds every path, expands `use` trees and resolves `self` and
//! `super`. What macros generate stays unseen.

/// A name, `::`, or a single character of punctuation. Comments and literals are gone.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(is_name_start)
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(crate) fn lex(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        let (len, text) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (block_comment_len(rest), None)
        } else if let Some(len) = literal_len(rest) {
            (len, None)
        } else if let Some(raw_name) = rest
            .strip_prefix("r#")
            .filter(|after| after.starts_with(is_name_start))
        {
            let len = raw_name
                .find(|c| !is_name_part(c))
                .unwrap_or(raw_name.len());
            (2 + len, Some(&raw_name[..len]))
        } else if is_name_start(c) {
            let len = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
            (len, Some(&rest[..len]))
        } else if c.is_ascii_digit() {
            (rest.find(|c| !is_name_part(c)).unwrap_or(rest.len()), None)
        } else if rest.starts_with("::") {
            (2, Some("::"))
        } else {
            (
                c.len_utf8(),
                (!c.is_whitespace()).then(|| &rest[..c.len_utf8()]),
            )
        };
        if let Some(text) = text {
            tokens.push(Token {
                text: text.to_owned(),
                line,
            });
        }
        line += rest[..len].matches('\n').count();
        rest = &rest[len..];
    }
    tokens
}

/// Block comments nest.
fn block_comment_len(source: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < source.len() {
        if source[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if source[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += source[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    source.len()
}

/// The length of the string or character literal that `source` begins with; lifetimes are none.
fn literal_len(source: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        source.strip_prefix(prefix).is_some_and(|after| {
            after.starts_with(['"', '\'']) || (prefix.ends_with('r') && after.starts_with('#'))
        })
    })?;
    let body = &source[prefix.len()..];
    if prefix.ends_with('r') {
        let num_hashes = body.len() - body.trim_start_matches('#').len();
        let opened = body[num_hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(num_hashes));
        let len = opened.find(&end).map_or(opened.len(), |at| at + end.len());
        return Some(prefix.len() + num_hashes + 1 + len);
    }
    let quote = body.chars().next()?;
    let inner = &body[1..];
    if quote == '\'' {
        // 'a' is a character, 'a without a quote after it a lifetime or a label.
        let mut chars = inner.chars();
        let is_character = chars.next()? == '\\' || chars.next() == Some('\'');
        if !is_character {
            return None;
        }
    }
    let mut is_escaped = false;
    let closing = inner.char_indices().find(|&(_, c)| {
        let ends = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    });
    Some(closing.map_or(source.len(), |(at, _)| prefix.len() + 1 + at + 1))
}

/// A path as it is meant: `use` trees expanded, `self` and `super` resolved to `crate::…`.
#[derive(Debug)]
pub(crate) struct FoundPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Whether the first segment can be the name of a crate: part of a longer path, or right after `use`.
    pub(crate) is_rooted: bool,
}

pub(crate) fn paths_in(tokens: &[Token], module: &[String]) -> Vec<FoundPath> {
    let mut found = Vec::new();
    // The modules written inside the file that are open, each with the depth of its brace.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < tokens.len() {
        let text = tokens[at].text.as_str();
        match text {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last().is_some_and(|(_, opened)| *opened > depth) {
                    inline.pop();
                }
            }
            "mod" if tokens.get(at + 2).is_some_and(|token| token.text == "{") => {
                depth += 1;
                inline.push((tokens[at + 1].text.clone(), depth));
                at += 3;
                continue;
            }
            _ => {}
        }
        let follows_separator = at > 0 && tokens[at - 1].text == "::";
        if !tokens[at].is_name() || follows_separator && !is_path_start(tokens, at - 1) {
            at += 1;
            continue;
        }
        let before = at
            .checked_sub(if follows_separator { 2 } else { 1 })
            .map(|idx| tokens[idx].text.as_str());
        let here: Vec<String> = module
            .iter()
            .cloned()
            .chain(inline.iter().map(|(name, _)| name.clone()))
            .collect();
        let mut paths = Vec::new();
        let end = read_path(tokens, at, &[], &mut paths);
        for (segments, line) in paths {
            let is_rooted = before != Some(".")
                && (segments.len() > 1 || matches!(before, Some("use" | "crate")));
            found.push(FoundPath {
                segments: resolve(segments, &here),
                line,
                is_rooted,
            });
        }
        at = end.max(at + 1);
    }
    found
}

/// Whether the `::` at `at` begins a path, as in `use ::tokio`, instead of continuing a type, as in `<T>::new`.
fn is_path_start(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).map(|idx| &tokens[idx]);
    before.is_none_or(|token| {
        token.text == "use" || !(token.is_name() || matches!(token.text.as_str(), ">" | ")" | "]"))
    })
}

/// Reads one path or `use` tree from `at` on and returns where it ends.
fn read_path(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    paths: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens[at].line;
    let text_at = |idx: usize| tokens.get(idx).map_or("", |token| token.text.as_str());
    loop {
        segments.push(tokens[at].text.clone());
        at += 1;
        if text_at(at) != "::" {
            break;
        }
        if text_at(at + 1) == "{" {
            at += 2;
            while at < tokens.len() && text_at(at) != "}" {
                // Commas are skipped, and `as` together with the new name.
                at = match text_at(at) {
                    "as" => at + 2,
                    _ if tokens[at].is_name() || text_at(at) == "*" => {
                        read_path(tokens, at, &segments, paths)
                    }
                    _ => at + 1,
                };
            }
            return at + 1;
        }
        if !(tokens.get(at + 1).is_some_and(Token::is_name) || text_at(at + 1) == "*") {
            break;
        }
        at += 1;
    }
    paths.push((segments, line));
    at
}

fn resolve(segments: Vec<String>, here: &[String]) -> Vec<String> {
    let num_supers = segments
        .iter()
        .skip(usize::from(segments[0] == "self"))
        .take_while(|segment| *segment == "super")
        .count();
    if segments[0] != "self" && num_supers == 0 || segments.len() == 1 {
        return segments;
    }
    let skipped = num_supers + usize::from(segments[0] == "self");
    let kept = &here[..here.len().saturating_sub(num_supers)];
    std::iter::once("crate".to_owned())
        .chain(kept.iter().cloned())
        .chain(segments.into_iter().skip(skipped))
        .collect()
}
