//! Names of people from many places, with the letters their addresses are made of.

use super::random::Random;

/// A name, and how it is written in an address. The second is empty when folding the first to
/// ASCII gives it.
type Name = (&'static str, &'static str);

/// The names of one place. First and last names are drawn apart.
struct Place {
    first: &'static [Name],
    last: &'static [Name],
    domains: &'static [&'static str],
}

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
        let (first, last) = (random.pick(place.first), random.pick(place.last));
        let mut first_name = first.0.to_owned();
        if random.below(100) < 6 && !first.0.is_empty() && first.1.is_empty() {
            // Some have two names, written in several ways.
            let separator = random.pick(&[" ", "-"]);
            first_name = format!("{first_name}{separator}{}", random.pick(place.first).0);
        }
        if random.below(500) == 0 {
            first_name.push_str(random.pick(&[" 🌸", " ⚽", " 🎻"]));
        }
        Self {
            first_name,
            last_name: last.0.to_owned(),
            mailbox: format!("{}.{}", letters(first), letters(last)),
            domain: random.pick(place.domains),
        }
    }
}

/// What of a name an address can hold.
fn letters((name, latin): Name) -> String {
    let mut letters = String::new();
    for letter in if latin.is_empty() { name } else { latin }.chars() {
        if letter.is_ascii_alphabetic() {
            letters.push(letter.to_ascii_lowercase());
        } else {
            letters.push_str(without_marks(letter));
        }
    }
    letters
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

/// The places, with how many of a hundred people come from there.
const PLACES: &[(u64, &Place)] = &[
    (
        22,
        &Place {
            first: &[
                ("Anna", ""),
                ("Jürgen", ""),
                ("Käthe", ""),
                ("Lukas", ""),
                ("Jörg", ""),
                ("Sophie", ""),
                ("Björn", ""),
                ("Mia", ""),
                ("Günther", ""),
                ("Lena", ""),
                ("Felix", ""),
                ("Änne", ""),
                ("Maximilian", ""),
                ("Hannah", ""),
            ],
            last: &[
                ("Müller", ""),
                ("Schäfer", ""),
                ("Weiß", ""),
                ("Großmann", ""),
                ("von der Heide", ""),
                ("Köhler", ""),
                ("Schmidt", ""),
                ("Jäger", ""),
                ("Krüger", ""),
                ("Özdemir", ""),
                ("Becker", ""),
                ("Hofmann", ""),
                ("zu Löwenstein", ""),
            ],
            domains: &["post.example", "mail.example.org", "verein.example"],
        },
    ),
    (
        15,
        &Place {
            first: &[
                ("Chloé", ""),
                ("François", ""),
                ("Zoë", ""),
                ("Jean", ""),
                ("Hélène", ""),
                ("Loïc", ""),
                ("Noémie", ""),
                ("Étienne", ""),
                ("Camille", ""),
                ("Théo", ""),
            ],
            last: &[
                ("Lefèvre", ""),
                ("d'Arcy", ""),
                ("Garçon", ""),
                ("L'Hôpital", ""),
                ("Dupont", ""),
                ("Benoît", ""),
                ("Saint-Exupéry", ""),
                ("Moreau", ""),
                ("N'Diaye", ""),
                ("Côté", ""),
            ],
            domains: &["courriel.example", "asso.example.org"],
        },
    ),
    (
        14,
        &Place {
            first: &[
                ("Seán", ""),
                ("Niamh", ""),
                ("Oliver", ""),
                ("Aoife", ""),
                ("Grace", ""),
                ("William", ""),
                ("Olivia", ""),
                ("Siân", ""),
                ("Harry", ""),
                ("D'Angelo", ""),
            ],
            last: &[
                ("O'Brien", ""),
                ("Ó Súilleabháin", ""),
                ("Smith", ""),
                ("McDonald", ""),
                ("Fitz-Gerald", ""),
                ("Jones", ""),
                ("O'Connor", ""),
                ("Taylor", ""),
                ("Evans", ""),
            ],
            domains: &["mail.example.com", "club.example", "inbox.example.net"],
        },
    ),
    (
        12,
        &Place {
            first: &[
                ("José", ""),
                ("María", ""),
                ("Íñigo", "inigo"),
                ("Begoña", ""),
                ("Andrés", ""),
                ("Lucía", ""),
                ("João", ""),
                ("Conceição", ""),
                ("Inês", ""),
                ("Martín", ""),
            ],
            last: &[
                ("García", ""),
                ("Núñez", ""),
                ("Muñoz", ""),
                ("Ibáñez", ""),
                ("Gonçalves", ""),
                ("de la Peña", ""),
                ("Simões", "simoes"),
                ("López", ""),
                ("Araújo", ""),
            ],
            domains: &["correo.example", "socios.example.org"],
        },
    ),
    (
        9,
        &Place {
            first: &[
                ("Łukasz", ""),
                ("Małgorzata", ""),
                ("Zuzana", ""),
                ("Jiří", ""),
                ("Željko", ""),
                ("Šárka", ""),
                ("Ștefan", "stefan"),
                ("Ildikó", ""),
                ("Żaneta", ""),
                ("Dušan", ""),
            ],
            last: &[
                ("Wójcik", ""),
                ("Dvořák", ""),
                ("Kovačić", ""),
                ("Szűcs", ""),
                ("Žižek", ""),
                ("Wałęsa", ""),
                ("Ionescu", ""),
                ("Nagy", ""),
                ("Říha", "riha"),
                ("Krawczyk", ""),
            ],
            domains: &["poczta.example", "posta.example.net"],
        },
    ),
    (
        7,
        &Place {
            first: &[
                ("Søren", ""),
                ("Åsa", ""),
                ("Jóhanna", ""),
                ("Bjørn", ""),
                ("Märta", ""),
                ("Þóra", "thora"),
                ("Väinö", ""),
                ("Ingrid", ""),
                ("Guðrún", ""),
            ],
            last: &[
                ("Ødegård", ""),
                ("Åkesson", ""),
                ("Þorsteinsson", "thorsteinsson"),
                ("Sørensen", ""),
                ("Mäkinen", ""),
                ("Lindström", ""),
                ("Bergström", ""),
                ("Jónsdóttir", ""),
            ],
            domains: &["post.example.net", "forening.example"],
        },
    ),
    (
        5,
        &Place {
            first: &[
                ("Ayşe", ""),
                ("İbrahim", ""),
                ("Gökçe", ""),
                ("Çağla", ""),
                ("Mehmet", ""),
                ("Zeynep", ""),
                ("Işık", "isik"),
            ],
            last: &[("Yılmaz", ""), ("Öztürk", ""), ("Şahin", ""), ("Çelik", ""), ("Doğan", "")],
            domains: &["posta.example", "mail.example.org"],
        },
    ),
    (
        5,
        &Place {
            first: &[
                ("美咲", "misaki"),
                ("翔太", "shota"),
                ("さくら", "sakura"),
                ("健一", "kenichi"),
                ("伟", "wei"),
                ("秀英", "xiuying"),
                ("娜", "na"),
                ("지우", "jiwoo"),
                ("민준", "minjun"),
            ],
            last: &[
                ("佐藤", "sato"),
                ("髙橋", "takahashi"),
                ("鈴木", "suzuki"),
                ("王", "wang"),
                ("欧阳", "ouyang"),
                ("김", "kim"),
                ("박", "park"),
            ],
            domains: &["mail.nihon.example", "youxiang.example", "uri.example.com"],
        },
    ),
    (
        5,
        &Place {
            first: &[
                ("Олена", "olena"),
                ("Дмитро", "dmytro"),
                ("Анастасия", "anastasia"),
                ("Георги", "georgi"),
                ("Ελένη", "eleni"),
                ("Γιώργος", "giorgos"),
            ],
            last: &[
                ("Шевченко", "shevchenko"),
                ("Ковальчук", "kovalchuk"),
                ("Иванова", "ivanova"),
                ("Παπαδόπουλος", "papadopoulos"),
                ("Димитров", "dimitrov"),
            ],
            domains: &["poshta.example", "tachydromeio.example"],
        },
    ),
    (
        3,
        &Place {
            first: &[
                ("فاطمة", "fatima"),
                ("محمد", "mohammed"),
                ("נועה", "noa"),
                ("دلال", "dalal"),
                ("יוסף", "yosef"),
            ],
            last: &[("الحسن", "alhasan"), ("خليل", "khalil"), ("לוי", "levi"), ("כהן", "cohen")],
            domains: &["barid.example", "doar.example"],
        },
    ),
    (
        3,
        &Place {
            first: &[
                ("Nguyễn Anh", "anh"),
                ("Thị Mai", "mai"),
                ("आरव", "aarav"),
                ("प्रिया", "priya"),
                ("Oluwaseun", ""),
                ("Chiamaka", ""),
                ("Tāne", "tane"),
            ],
            last: &[
                ("Trần", "tran"),
                ("Phạm", "pham"),
                ("शर्मा", "sharma"),
                ("पटेल", "patel"),
                ("Okonkwo", ""),
                ("Adébáyò", "adebayo"),
                ("Ngata", ""),
            ],
            domains: &["thu.example", "daak.example", "post.example.com"],
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_makes_a_mailbox_of_plain_letters() {
        for (_, place) in PLACES {
            for name in place.first.iter().chain(place.last) {
                let text = letters(*name);
                let latin = if name.1.is_empty() { name.0 } else { name.1 };
                let expected = latin.chars().filter(|c| c.is_alphabetic()).count();
                assert!(text.len() >= expected, "{name:?} loses letters: {text}");
                assert!(text.chars().all(|c| c.is_ascii_lowercase()), "{name:?}: {text}");
            }
        }
    }

    #[test]
    fn addresses_end_in_domains_that_nobody_can_own() {
        for (_, place) in PLACES {
            for domain in place.domains {
                let ends = [".example", ".example.com", ".example.net", ".example.org"];
                assert!(ends.iter().any(|end| domain.ends_with(end)), "{domain}");
            }
        }
    }
}
