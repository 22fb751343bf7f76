//! The names of people in many places.

/// The names of one place, in lists with `|` between them. Behind `=` stands how a name is written
/// in an address, where leaving its marks out does not tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) domains: &'static str,
}

/// The places, with how many of a hundred people come from there.
pub(super) const PLACES: &[(u64, Place)] = &[
    (
        22,
        Place {
            first: "Anna|Jürgen|Käthe|Lukas|Jörg|Sophie|Björn|Mia|Günther|Lena|Felix|Änne|\
            Maximilian|Hannah",
            last: "Müller|Schäfer|Weiß|Großmann|von der Heide|Köhler|Schmidt|Jäger|Krüger|\
            Özdemir|Becker|Hofmann|zu Löwenstein",
            domains: "post.example|mail.example.org|verein.example",
        },
    ),
    (
        15,
        Place {
            first: "Chloé|François|Zoë|Jean|Hélène|Loïc|Noémie|Étienne|Camille|Théo",
            last: "Lefèvre|d'Arcy|Garçon|L'Hôpital|Dupont|Benoît|Saint-Exupéry|Moreau|N'Diaye|\
            Côté",
            domains: "courriel.example|asso.example.org",
        },
    ),
    (
        14,
        Place {
            first: "Seán|Niamh|Oliver|Aoife|Grace|William|Olivia|Siân|Harry|D'Angelo",
            last: "O'Brien|Ó Súilleabháin|Smith|McDonald|Fitz-Gerald|Jones|O'Connor|Taylor|Evans",
            domains: "mail.example.com|club.example|inbox.example.net",
        },
    ),
    (
        12,
        Place {
            first: "José|María|Íñigo=inigo|Begoña|Andrés|Lucía|João|Conceição|Inês|Martín",
            last: "García|Núñez|Muñoz|Ibáñez|Gonçalves|de la Peña|Simões=simoes|López|Araújo",
            domains: "correo.example|socios.example.org",
        },
    ),
    (
        9,
        Place {
            first: "Łukasz|Małgorzata|Zuzana|Jiří|Željko|Šárka|Ștefan=stefan|Ildikó|Żaneta|Dušan",
            last: "Wójcik|Dvořák|Kovačić|Szűcs|Žižek|Wałęsa|Ionescu|Nagy|Říha=riha|Krawczyk",
            domains: "poczta.example|posta.example.net",
        },
    ),
    (
        7,
        Place {
            first: "Søren|Åsa|Jóhanna|Bjørn|Märta|Þóra=thora|Väinö|Ingrid|Guðrún",
            last: "Ødegård|Åkesson|Þorsteinsson=thorsteinsson|Sørensen|Mäkinen|Lindström|\
            Bergström|Jónsdóttir",
            domains: "post.example.net|forening.example",
        },
    ),
    (
        5,
        Place {
            first: "Ayşe|İbrahim|Gökçe|Çağla|Mehmet|Zeynep|Işık=isik",
            last: "Yılmaz|Öztürk|Şahin|Çelik|Doğan",
            domains: "posta.example|mail.example.org",
        },
    ),
    (
        5,
        Place {
            first: "美咲=misaki|翔太=shota|さくら=sakura|健一=kenichi|伟=wei|秀英=xiuying|娜=na|지우=jiwoo|\
            민준=minjun",
            last: "佐藤=sato|髙橋=takahashi|鈴木=suzuki|王=wang|欧阳=ouyang|김=kim|박=park",
            domains: "mail.nihon.example|youxiang.example|uri.example.com",
        },
    ),
    (
        5,
        Place {
            first: "Олена=olena|Дмитро=dmytro|Анастасия=anastasia|Георги=georgi|Ελένη=eleni|\
            Γιώργος=giorgos",
            last: "Шевченко=shevchenko|Ковальчук=kovalchuk|Иванова=ivanova|\
            Παπαδόπουλος=papadopoulos|Димитров=dimitrov",
            domains: "poshta.example|tachydromeio.example",
        },
    ),
    (
        3,
        Place {
            first: "فاطمة=fatima|محمد=mohammed|נועה=noa|دلال=dalal|יוסף=yosef",
            last: "الحسن=alhasan|خليل=khalil|לוי=levi|כהן=cohen",
            domains: "barid.example|doar.example",
        },
    ),
    (
        3,
        Place {
            first: "Nguyễn Anh=anh|Thị Mai=mai|आरव=aarav|प्रिया=priya|Oluwaseun|Chiamaka|Tāne=tane",
            last: "Trần=tran|Phạm=pham|शर्मा=sharma|पटेल=patel|Okonkwo|Adébáyò=adebayo|Ngata",
            domains: "thu.example|daak.example|post.example.com",
        },
    ),
];
