//! What programs, mistakes and attackers put where something else is expected.

/// A little less than a body may have.
const HUGE: usize = 1024 * 1024 - 4096;

/// What a value of JSON is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value of this type, as schemas call it.
    Of(&'static str),
    /// Nothing that JSON knows.
    Malformed,
}

/// Values of a field of JSON, as the bytes that are sent.
pub(crate) fn json() -> Vec<(Kind, Vec<u8>)> {
    const PLAIN: [(Kind, &[u8]); 35] = [
        (Kind::Of("null"), b"null"),
        (Kind::Of("boolean"), b"true"),
        (Kind::Of("integer"), b"-1"),
        (Kind::Of("integer"), b"0"),
        (Kind::Of("integer"), b"9223372036854775807"),
        (Kind::Of("number"), b"-9223372036854775809"),
        (Kind::Of("number"), b"99999999999999999999999999"),
        (Kind::Of("number"), b"1.5"),
        (Kind::Of("number"), b"-0.0"),
        (Kind::Of("number"), b"1e308"),
        (Kind::Malformed, b"1e999"),
        (Kind::Malformed, b"NaN"),
        (Kind::Malformed, b"-Infinity"),
        (Kind::Malformed, b"0x10"),
        (Kind::Malformed, b"01"),
        (Kind::Malformed, b"'a'"),
        (Kind::Of("string"), b"\"\""),
        (Kind::Of("string"), b"\" \\t \""),
        (Kind::Of("string"), b"\"NaN\""),
        (Kind::Of("string"), b"\"-1\""),
        (Kind::Of("string"), b"\"\\u0000\""),
        (Kind::Of("string"), b"\"a\\u0000b\""),
        (Kind::Of("string"), b"\"a\\u001b[31m\\u0007\\u007f\""),
        (Kind::Of("string"), b"\"'; drop table members; --\""),
        (Kind::Of("string"), b"\"%00\""),
        (Kind::Of("string"), b"\"../../../etc/passwd\""),
        // Right-to-left override, zero width, combining marks, a character beyond the first plane.
        (Kind::Of("string"), "\"a\u{202e}b\u{200b}c\u{301}\u{301}\u{301}\u{feff}\"".as_bytes()),
        (Kind::Of("string"), "\"\u{130}\u{131}\u{fb01}\u{ffff}\u{10ffff}\"".as_bytes()),
        (Kind::Malformed, b"\"\\ud800\""),
        (Kind::Malformed, b"\"\\udc00\\ud800\""),
        (Kind::Malformed, b"\"a\xff\xfeb\""),
        (Kind::Malformed, b"\"a\0b\""),
        (Kind::Malformed, b"\"a\nb\""),
        (Kind::Of("array"), b"[]"),
        (Kind::Of("object"), b"{\"$ne\":null}"),
    ];
    let mut all: Vec<_> = PLAIN.iter().map(|(kind, bytes)| (*kind, bytes.to_vec())).collect();
    let text = |text: &str, count: usize| format!("\"{}\"", text.repeat(count)).into_bytes();
    all.push((Kind::Of("string"), text("x", HUGE)));
    all.push((Kind::Of("string"), text("\u{1f600}", 5_000)));
    all.push((Kind::Malformed, [vec![b'['; 50_000], vec![b']'; 50_000]].concat()));
    all.push((Kind::Malformed, "{\"a\":".repeat(50_000).into_bytes()));
    all.push((Kind::Malformed, "9".repeat(100_000).into_bytes()));
    all.push((Kind::Of("array"), format!("[{}0]", "0,".repeat(100_000)).into_bytes()));
    all
}

/// Values of a parameter behind the `?`, as they are written there.
pub(crate) fn query() -> Vec<String> {
    const PLAIN: [&str; 22] = [
        "",
        "%20",
        "%00",
        "a%00b",
        "%FF%FE",
        "%ED%A0%80",
        "%",
        "%zz",
        "-1",
        "0",
        "+1",
        "1.5",
        "1e3",
        "NaN",
        "99999999999999999999",
        "null",
        "[]",
        "%27%3B%20drop%20table%20members%3B%20--",
        "%2e%2e%2f..%2f",
        "%E2%80%AE%E2%80%8B",
        "%1b%5b31m",
        "%25%5C_%25",
    ];
    let mut all: Vec<_> = PLAIN.iter().map(|&one| one.to_owned()).collect();
    all.push("x".repeat(60_000));
    all
}

/// Parts of a path in place of an id, as they are written there.
pub(crate) fn path() -> Vec<String> {
    const PLAIN: [&str; 19] = [
        "1",
        "-1",
        "x",
        "null",
        "NaN",
        "%00",
        "..",
        "%2e%2e",
        "..%2f..%2ftenant",
        "%2F",
        "%FF%FE",
        "%ED%A0%80",
        "%",
        "%27%3B%20drop%20table%20members%3B%20--",
        "00000000000000000000000000000007",
        "%7B00000000-0000-0000-0000-000000000007%7D",
        "00000000-0000-0000-0000-000000000007%00",
        "00000000-0000-0000-0000-000000000007%20",
        "%E2%80%AE",
    ];
    let mut all: Vec<_> = PLAIN.iter().map(|&one| one.to_owned()).collect();
    all.push("x".repeat(60_000));
    all
}

/// Headers that mean something to the application, or would to an attacker.
pub(crate) const HEADERS: [&str; 10] = [
    "if-match",
    "idempotency-key",
    "content-type",
    "content-length",
    "host",
    "x-tenant-id",
    "x-forwarded-host",
    "forwarded",
    "x-request-id",
    "authorization",
];

/// Values of a header.
pub(crate) fn header() -> Vec<Vec<u8>> {
    const PLAIN: [&[u8]; 13] = [
        b"",
        b"*",
        b"99999999999999999999",
        b"\"9223372036854775808\"",
        b"\"1\", *",
        b"\xff\xfe",
        b"a\tb",
        b"'; drop table members; --",
        b"%00",
        b"hooli",
        b"hooli.localhost",
        b"[::1",
        b"application/json; charset=utf-7",
    ];
    let mut all: Vec<_> = PLAIN.iter().map(|one| one.to_vec()).collect();
    all.push(vec![b'x'; 60_000]);
    all
}

/// Bodies that are no object of JSON.
pub(crate) fn bodies() -> Vec<Vec<u8>> {
    let utf16 = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = vec![utf16, vec![b'['; 100_000], "{\"a\":".repeat(100_000).into_bytes()];
    let plain: [&[u8]; 12] = [
        b"",
        b" ",
        b"\0",
        b"{",
        b"}",
        b"[]",
        b"[{}]",
        b"null",
        b"\"{}\"",
        b"\xff\xfe",
        b"{\"a\":\"\\ud800\"}",
        b"--x\r\ncontent-disposition: form-data\r\n\r\n",
    ];
    all.extend(plain.iter().map(|one| one.to_vec()));
    all
}
