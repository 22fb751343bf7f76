//! A file of ten thousand people with everything that real files have, and every fault that a row
//! can have: told exactly, in all isolations.

mod wrong;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::wrong::{Fault, KINDS};
use super::csv::{export, import, people};
use crate::app::{App, rows::Rows};

/// How many rows the file has.
const ROWS: u64 = 10_000;

/// Every how many rows one is wrong.
const BAD_EVERY: u64 = 97;

const FIRST: [&str; 16] = [
    "Zoë",
    "Łukasz",
    "María José",
    "小龍",
    "نور",
    "Þórunn",
    "Nguyễn",
    "Ana 🎉",
    "X Æ A-12",
    "d'Arcy",
    "Jean-Luc",
    "İpek",
    "Παρασκευή",
    "Любовь",
    "👩‍👩‍👧 Kim",
    "=cmd()",
];
const LAST: [&str; 16] = [
    "O'Brien",
    "Smith, Jr.",
    "von und zu",
    "李",
    "الهاشمي",
    "Ångström",
    "Ó \"Red\" Néill",
    "Çelik",
    "'t Hooft",
    "Müller-Lüdenscheidt",
    "Nuñez; Co",
    "-Minus",
    "@home",
    "Ō",
    "de la Cruz",
    "+44",
];
const STATUS: [&str; 6] = ["active", "Pending", " suspended ", "INACTIVE", "", "active"];
const TYPES: [&str; 4] = ["Gold", "gold", "Förder, klein", "FÖRDER, KLEIN"];

/// A file under way: its bytes, the faults that must be told of it, and the people in it that are
/// right, as an export shows them.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    row: u64,
    line: u64,
    faults: Vec<Value>,
    good: BTreeSet<Vec<String>>,
}

impl File {
    /// Adds a row as it stands.
    fn add(&mut self, row: &[u8]) {
        self.row += 1;
        self.text(row);
        self.text(if self.row.is_multiple_of(3) { b"\r\n" } else { b"\n" });
    }

    fn text(&mut self, text: &[u8]) {
        self.line += text.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.bytes.extend(text);
    }

    fn person(&mut self, n: u64, random: &mut Random) {
        let [first, last] = [FIRST, LAST].map(|all| random.pick(&all));
        let (status, kind) = (random.pick(&STATUS), random.pick(&TYPES));
        let email = format!("{}.{n}@exämple-{}.org", random.pick(&["p", "P", "o'b+x"]), n % 7);
        self.add([first, last, &email, status, kind].map(quoted).join(",").as_bytes());
        let status = match status.trim().to_lowercase() {
            one if one.is_empty() => "active".to_owned(),
            one => one,
        };
        let kind = if kind.to_lowercase() == "gold" { "Gold" } else { "Förder, klein" };
        self.good.insert([first, last, &email, &status, kind].map(str::to_owned).to_vec());
    }

    /// Adds a row that is wrong, and what must be told of it.
    fn wrong(&mut self, row: &[u8], faults: &[Fault]) {
        let line = self.line;
        self.add(row);
        for (field, code, detail) in faults {
            self.faults.push(json!({
                "row": self.row, "line": line, "field": field, "code": code, "detail": detail,
            }));
        }
    }
}

/// The cell as a careful program writes it: in quotes if it must be.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Numbers that are the same on every machine.
struct Random(u64);

impl Random {
    fn pick<'a>(&mut self, options: &[&'a str]) -> &'a str {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        options[usize::try_from(self.0 >> 33).unwrap() % options.len()]
    }
}

/// The file. Empty lines and line breaks in cells move the lines apart from the rows.
fn file() -> File {
    let mut file = File { line: 1, ..File::default() };
    file.bytes.extend("\u{feff}".as_bytes());
    file.add(b"first_name,last_name,email,status,membership_type");
    file.add(b"First,One,first@example.org,,Gold");
    let first = ["First", "One", "first@example.org", "active", "Gold"].map(str::to_owned);
    file.good.insert(first.to_vec());
    let mut random = Random(7);
    for n in 1..ROWS {
        if n % 500 == 0 {
            file.text(b"\n\r\n");
        }
        if n % BAD_EVERY == 0 {
            let (row, faults) = wrong::of_turn(n / BAD_EVERY);
            file.wrong(&row, faults);
        } else {
            file.person(n, &mut random);
        }
    }
    file
}

/// What an export shows, without the apostrophes that make formulas harmless.
fn without_apostrophes(people: BTreeSet<Vec<String>>) -> BTreeSet<Vec<String>> {
    let plain = |cell: String| match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.to_owned(),
        _ => cell,
    };
    people.into_iter().map(|cells| cells.into_iter().map(plain).collect()).collect()
}

#[tokio::test]
async fn ten_thousand_people_with_bad_rows_are_imported_with_exact_faults_behind_every_wall() {
    let app = App::with_all_isolations().await;
    let mut wanted = file();
    let bad = (ROWS - 1) / BAD_EVERY;
    let told: BTreeSet<u64> = wanted.faults.iter().filter_map(|one| one["row"].as_u64()).collect();
    assert_eq!((wanted.row - 1, told.len()), (ROWS, usize::try_from(bad).unwrap()));
    let taken: Vec<String> = (0..=bad / KINDS).map(|n| format!("Taken{n}@Example.org")).collect();
    for email in &taken {
        wanted.good.insert(["Tim", "Taken", email, "active", "Gold"].map(str::to_owned).to_vec());
    }
    for tenant in ["acme", "globex", "initech"] {
        let gold = app.add_type(tenant, "Gold").await;
        app.add_type(tenant, "Förder, klein").await;
        for email in &taken {
            let tim = json!({
                "first_name": "Tim", "last_name": "Taken", "email": email,
                "membership_type_id": gold,
            });
            assert_eq!(app.request("POST", "/members", tenant, tim).await.0, 201);
        }
        let mut rows = Rows::of(app.world(), &[app.tenant(tenant).await]).await;
        let before = rows.fingerprint().await;

        let (status, refused) = import(&app, tenant, "", &wanted.bytes).await;
        assert_eq!((status, &refused["code"]), (422, &json!("import_failed")), "{tenant}");
        assert_eq!((&refused["imported"], &refused["skipped"]), (&json!(0), &json!(ROWS)));
        assert_faults(&refused, &wanted.faults);
        assert_eq!(rows.fingerprint().await, before, "{tenant}: nothing was changed");

        let (status, report) = import(&app, tenant, "?mode=partial", &wanted.bytes).await;
        assert_eq!(status, 200, "{tenant}");
        assert_eq!((&report["imported"], &report["skipped"]), (&json!(ROWS - bad), &json!(bad)));
        assert_faults(&report, &wanted.faults);
        let exported = without_apostrophes(people(&export(&app, tenant, "").await));
        assert_eq!(exported.len(), wanted.good.len(), "{tenant}");
        assert!(
            exported == wanted.good,
            "{tenant}: {:?}",
            exported.difference(&wanted.good).next()
        );
        assert_eq!(app.total(tenant, "").await, i64::try_from(wanted.good.len()).unwrap());
    }
}

/// The whole list, told one by one so that a failure shows the first that differs.
fn assert_faults(report: &Value, wanted: &[Value]) {
    let told = report["errors"].as_array().unwrap();
    for (told, wanted) in told.iter().zip(wanted) {
        assert_eq!(told, wanted);
    }
    assert_eq!(told.len(), wanted.len());
}
