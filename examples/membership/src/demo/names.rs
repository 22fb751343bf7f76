//! People with names from many places, and the addresses that are made of them.

use super::{places::PLACES, random::Random};

/// A person of the demo data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) first_name: String,
    pub(super) last_name: String,
    /// The part of an address in front of the `@`, without what makes it unique.
    pub(super) mailbox: String,
    pub(super) domain: &'static str,
}

impl Person {
    /// Draws somebody.
    pub(super) fn draw(random: &mut Random) -> Self {
        let place = random.weighted(PLACES);
        let (first, last) = (Name::draw(random, place.first), Name::draw(random, place.last));
        let mut first_name = first.text.to_owned();
        if first.latin.is_none() && random.below(100) < 6 {
            // Some have two names, written in several ways.
            first_name.push_str(random.pick(&[" ", "-"]));
            first_name.push_str(Name::draw(random, place.first).text);
        }
        if random.below(500) == 0 {
            first_name.push_str(random.pick(&[" 🌸", " ⚽", " 🎻"]));
        }
        Self {
            first_name,
            last_name: last.text.to_owned(),
            mailbox: format!("{}.{}", first.letters(), last.letters()),
            domain: one_of(random, place.domains),
        }
    }
}

/// A name, and how it is written in an address if leaving its marks out does not tell.
#[derive(Debug, Clone, Copy)]
struct Name {
    text: &'static str,
    latin: Option<&'static str>,
}

impl Name {
    fn draw(random: &mut Random, list: &'static str) -> Self {
        Self::read(one_of(random, list))
    }

    fn read(entry: &'static str) -> Self {
        match entry.split_once('=') {
            Some((text, latin)) => Self { text, latin: Some(latin) },
            None => Self { text: entry, latin: None },
        }
    }

    /// What of a name an address can hold.
    fn letters(self) -> String {
        let mut letters = String::new();
        for letter in self.latin.unwrap_or(self.text).chars() {
            if letter.is_ascii_alphabetic() {
                letters.push(letter.to_ascii_lowercase());
            } else {
                letters.push_str(without_marks(letter));
            }
        }
        letters
    }
}

/// An entry of a list with `|` between its entries.
fn one_of(random: &mut Random, list: &'static str) -> &'static str {
    let count = list.split('|').count();
    let index = random.below(count as u64);
    list.split('|').nth(usize::try_from(index).unwrap_or(0)).unwrap_or(list)
}

/// A Latin letter as plain ones; empty for everything else.
fn without_marks(letter: char) -> &'static str {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ą' | 'ă' | 'å' | 'Á' | 'Å' => "a",
        'ä' | 'Ä' | 'æ' => "ae",
        'ç' | 'č' | 'ć' | 'Ç' | 'Č' => "c",
        'đ' | 'ð' => "d",
        'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' | 'É' | 'ế' | 'ễ' => "e",
        'ğ' => "g",
        'í' | 'ì' | 'î' | 'ï' | 'ı' | 'İ' | 'ị' => "i",
        'ł' | 'Ł' => "l",
        'ñ' | 'ń' => "n",
        'ó' | 'ò' | 'ô' | 'ő' | 'Ó' => "o",
        'ö' | 'ø' | 'Ö' | 'Ø' => "oe",
        'ř' => "r",
        'š' | 'ş' | 'ș' | 'Š' | 'Ş' => "s",
        'ß' => "ss",
        'ț' => "t",
        'ú' | 'ù' | 'ů' | 'ű' => "u",
        'ü' | 'Ü' => "ue",
        'ý' => "y",
        'ž' | 'ź' | 'ż' | 'Ž' | 'Ż' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_makes_a_mailbox_of_plain_letters() {
        for (_, place) in PLACES {
            for entry in place.first.split('|').chain(place.last.split('|')) {
                let name = Name::read(entry);
                let written = name.latin.unwrap_or(name.text);
                let least = written.chars().filter(|c| c.is_alphabetic()).count();
                let letters = name.letters();
                assert!(letters.len() >= least, "{name:?} loses letters: {letters}");
                assert!(letters.chars().all(|c| c.is_ascii_lowercase()), "{name:?}: {letters}");
                assert_eq!(name.text.trim(), name.text, "{name:?}");
            }
        }
    }

    #[test]
    fn addresses_end_in_domains_that_nobody_can_own() {
        for (_, place) in PLACES {
            for domain in place.domains.split('|') {
                let ends = [".example", ".example.com", ".example.net", ".example.org"];
                assert!(ends.iter().any(|end| domain.ends_with(end)), "{domain}");
            }
        }
    }
}
