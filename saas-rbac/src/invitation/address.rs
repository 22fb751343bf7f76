use crate::error::AccessError;

/// An address that mail can go to, with the domain in lower case.
pub(super) fn normal(text: &str) -> Result<String, AccessError> {
    let text = text.trim();
    let wrong = || AccessError::invalid("email", "an address like `ada@example.com`");
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let fits = (3..=254).contains(&text.len())
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && text.chars().all(is_plain);
    if fits { Ok(format!("{local}@{}", domain.to_lowercase())) } else { Err(wrong()) }
}

fn is_plain(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | '"' | ',' | ';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_its_domain_is_in_lower_case() {
        assert_eq!(normal(" Ada@Example.COM ").unwrap(), "Ada@example.com");
        let long = format!("{}@x.test", "a".repeat(65));
        for wrong in
            ["", "ada", "@x.test", "ada@", "a@b@c", "a b@c", "a\n@c", "<a@c>", "a@.c", &long]
        {
            assert!(normal(wrong).is_err(), "{wrong:?}");
        }
    }
}
