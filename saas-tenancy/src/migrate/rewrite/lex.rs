//! Just enough of SQL's lexical rules to find words outside strings and comments.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name, folded to lower case as the server does, or a quoted name as it is.
    Word(String),
    /// Any other character outside strings and comments.
    Symbol(char),
    /// A string of any style.
    Text,
}

/// A token and the bytes it stands at.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

impl Token {
    /// The word, if it is one.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            Kind::Symbol(_) | Kind::Text => None,
        }
    }

    pub(super) fn is(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol(symbol)
    }
}

/// Splits a file. Input that is not valid SQL gives some tokens: the server judges it.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let (kind, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if rest.starts_with("--") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, comment(rest))
        } else if first == '\'' {
            (Some(Kind::Text), quoted(rest, '\''))
        } else if first == '"' {
            let length = quoted(rest, '"');
            let name = rest[1..length].trim_end_matches('"').replace("\"\"", "\"");
            (Some(Kind::Word(name)), length)
        } else if let Some(length) = dollar(rest) {
            (Some(Kind::Text), length)
        } else if is_word(first) {
            word(rest)
        } else {
            (Some(Kind::Symbol(first)), first.len_utf8())
        };
        if let Some(kind) = kind {
            found.push(Token { kind, span: at..at + length });
        }
        at += length;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !c.is_ascii()
}

/// A word, or a string with an escape prefix: `e'it\'s'`.
fn word(rest: &str) -> (Option<Kind>, usize) {
    let length = rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len());
    if rest[..length].eq_ignore_ascii_case("e") && rest[length..].starts_with('\'') {
        return (Some(Kind::Text), length + escaped(&rest[length..]));
    }
    (Some(Kind::Word(rest[..length].to_ascii_lowercase())), length)
}

/// The length of a quoted text, in which a doubled quote stands for one.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// The length of a string in which a backslash escapes the next character.
fn escaped(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == '\'' && chars.next_if(|(_, next)| *next == '\'').is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// The length of a comment; they nest.
fn comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a string between dollar tags: `$body$ … $body$`.
fn dollar(rest: &str) -> Option<usize> {
    let tag_end = rest.strip_prefix('$')?.find('$')? + 2;
    let tag = &rest[..tag_end];
    let inner = &tag[1..tag_end - 1];
    if !inner.chars().all(is_word) || inner.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(rest[tag_end..].find(tag).map_or(rest.len(), |end| tag_end + end + tag_end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(sql: &str) -> Vec<String> {
        tokens(sql).iter().filter_map(|token| token.word().map(str::to_owned)).collect()
    }

    #[test]
    fn words_in_strings_and_comments_are_not_words() {
        let sql = r#"A 'b' e'it\'s c' -- d
            /* e /* f */ g */ $$ h $$ $x$ i $$ j $x$ "K k" l$1 'm''n' "o""p" E q"#;
        assert_eq!(words(sql), ["a", "K k", "l$1", "o\"p", "e", "q"]);
    }

    proptest! {
        #[test]
        fn every_input_has_tokens_in_order(sql in r#"([a-z$'"/*\- \\;(),é]|\$\$){0,60}"#) {
            let found = tokens(&sql);
            prop_assert!(found.iter().all(|token| sql.get(token.span.clone()).is_some()));
            prop_assert!(found.is_sorted_by(|a, b| a.span.end <= b.span.start));
        }
    }
}
