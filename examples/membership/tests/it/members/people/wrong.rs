//! Every fault that a row of a file can have, and what must be told of it.

/// A column, a code and a sentence.
pub(super) type Fault = (&'static str, &'static str, &'static str);

const EMPTY: &str = "must not be empty";
const CONTROL: &str = "must not contain control characters";
const NO_EMAIL: &str = "must be an e-mail address, such as `ada@example.com`";
const NO_STATUS: &str = "must be one of `active`, `inactive`, `suspended`, `pending`";
const NO_TYPE: &str = "there is no membership type of this name";
const TWICE: &str = "row 2 of this file has the same address";
const TAKEN: &str = "a member with this address exists already";

/// How many kinds of wrong rows there are.
pub(super) const KINDS: u64 = WRONG.len() as u64;

/// Rows as they stand in a file. Row 2 of the file has the address `first@example.org`, members
/// have `Taken0@Example.org` and so on; `ROUND` says how often the row was there before. `LONG` is
/// a name with a character too many, `ENDLESS` an address that is too long.
const WRONG: [(&[u8], &[Fault]); 21] = [
    (b"A,B,c@d.example", &[("row", "wrong_column_count", "has 3 cells, but the header has 5")]),
    (
        b"A,B,c@d.example,,Gold,",
        &[("row", "wrong_column_count", "has 6 cells, but the header has 5")],
    ),
    (b" ,B,c@d.example,,Gold", &[("first_name", "required", EMPTY)]),
    (b"A,\"\",c@d.example,,Gold", &[("last_name", "required", EMPTY)]),
    (
        b"LONG,B,c@d.example,,Gold",
        &[("first_name", "too_long", "must have at most 100 characters")],
    ),
    (b"\"Ann\nLee\",B,c@d.example,,Gold", &[("first_name", "invalid_characters", CONTROL)]),
    (b"A,B\0,c@d.example,,Gold", &[("last_name", "invalid_characters", CONTROL)]),
    ("A\u{202e}B,B,c@d.example,,Gold".as_bytes(), &[("first_name", "invalid_characters", CONTROL)]),
    (b"Jos\xe9,B,c@d.example,,Gold", &[("first_name", "invalid_utf8", "must be UTF-8")]),
    (b"A,B,,,Gold", &[("email", "required", EMPTY)]),
    (b"A,B,nobody,,Gold", &[("email", "invalid_email", NO_EMAIL)]),
    (b"A,B,a@b@c.example,,Gold", &[("email", "invalid_email", NO_EMAIL)]),
    (b"A,B,\"a\nb@c.example\",,Gold", &[("email", "invalid_characters", CONTROL)]),
    (b"A,B,ENDLESS,,Gold", &[("email", "too_long", "must have at most 254 characters")]),
    (b"A,B,FIRST@example.ORG,,Gold", &[("email", "duplicate_in_file", TWICE)]),
    (b"A,B,tAKENROUND@eXAMPLE.org,,Gold", &[("email", "email_taken", TAKEN)]),
    (b"A,B,c@d.example,asleep,Gold", &[("status", "invalid_status", NO_STATUS)]),
    (b"A,B,c@d.example,,", &[("membership_type", "required", EMPTY)]),
    (b"A,B,platinumROUND@d.example,,Platinum", &[("membership_type", "unknown", NO_TYPE)]),
    (
        b",\x07,@,?,\xff",
        &[
            ("first_name", "required", EMPTY),
            ("last_name", "invalid_characters", CONTROL),
            ("email", "invalid_email", NO_EMAIL),
            ("status", "invalid_status", NO_STATUS),
            ("membership_type", "invalid_utf8", "must be UTF-8"),
        ],
    ),
    (
        b"A,B,first@Example.org,,Tin",
        &[("email", "duplicate_in_file", TWICE), ("membership_type", "unknown", NO_TYPE)],
    ),
];

/// The wrong row of a turn, one kind after the other, and its faults.
pub(super) fn of_turn(turn: u64) -> (Vec<u8>, &'static [Fault]) {
    let kind = usize::try_from(turn % KINDS).unwrap();
    let (row, faults) = WRONG[kind];
    let row = match std::str::from_utf8(row) {
        Ok(text) => text
            .replace("LONG", &"é".repeat(101))
            .replace("ENDLESS", &format!("{}@example.org", "a".repeat(250)))
            .replace("ROUND", &(turn / KINDS).to_string())
            .into_bytes(),
        Err(_) => row.to_vec(),
    };
    (row, faults)
}
