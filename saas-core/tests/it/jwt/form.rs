//! The three parts: RFC 7515, sections 3.1 and 7.1.

use serde_json::{Value, json};

use crate::world::{World, base64url};

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn j06_a_token_has_three_parts_of_base64url() {
    let world = World::new();
    let token = world.token();
    let [header, payload, signature] = parts(&token);
    let cases = [
        ("nothing", String::new()),
        ("only dots", "..".to_owned()),
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{token}.{signature}")),
        (
            "five parts, as an encrypted one has",
            format!("{header}.{header}.{payload}.{signature}.x"),
        ),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload", format!("{header}..{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("padding", format!("{header}.{payload}.{signature}==")),
        ("padding inside", format!("{header}=.{payload}.{signature}")),
        ("a line feed", format!("{token}\n")),
        ("a blank", format!("{header}. {payload}.{signature}")),
        ("the other alphabet", format!("{header}.{payload}+/.{signature}")),
        ("not ASCII", format!("{header}.{payload}.{signature}ö")),
    ];
    world.refuses_all("segments", &cases);
}

#[test]
fn j06_the_payload_is_a_json_object() {
    let world = World::new();
    let header = world.header().to_string();
    let claims = world.claims();
    // Typed decoders take an array with the members in order for the object.
    let in_order =
        ["iss", "aud", "sub", "tid", "sid", "ep", "iat", "nbf", "exp", "auth_time", "amr", "acr"]
            .map(|name| claims.get(name).cloned().unwrap_or(Value::Null));
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let cases = [
        ("an array", "[1,2]".to_owned()),
        ("the claims as an array", json!(in_order).to_string()),
        ("a text", "\"claims\"".to_owned()),
        ("null", "null".to_owned()),
        ("nothing", " ".to_owned()),
        ("half an object", "{\"iss\":".to_owned()),
        ("two objects", format!("{claims}{claims}")),
        ("a control character", "{\"iss\":\"\u{0}\"}".to_owned()),
        ("arrays in arrays", deep(2_500)),
        ("objects in objects", format!("{}1{}", "{\"a\":".repeat(800), "}".repeat(800))),
        ("a claim twice", claims.to_string().replacen('{', "{\"ep\":7,", 1)),
    ];
    let cases = cases.map(|(name, payload)| (name, world.sign_text(&header, &payload)));
    world.refuses_all("claims", &cases);
    // Nested deeper it would be over 8 KiB, which is refused before.
    let deeper = world.sign_text(&header, &deep(10_000));
    assert_eq!(world.refusal(&deeper).reason(), "too_long");
}

#[test]
fn j06_one_signature_is_written_in_one_way_only() {
    let world = World::new();
    let token = world.token();
    let [header, payload, signature] = parts(&token);
    // 64 bytes end in 2 of 6 bits, so 16 last characters would decode to the same bytes.
    let (front, last) = signature.split_at(signature.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for other in alphabet.chars().filter(|other| !last.contains(*other)) {
        let twin = format!("{header}.{payload}.{front}{other}");
        assert_eq!(world.refusal(&twin).reason(), "signature", "{other}");
    }
}

#[test]
fn j07_an_unsigned_token_is_refused_however_its_algorithm_is_spelt() {
    let world = World::new();
    for alg in ["none", "None", "NONE", "nOnE", "", " none"] {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": world.key.kid()}).to_string();
        let unsigned = format!("{}.{}", base64url(header), base64url(world.claims().to_string()));
        world.refuses_all("segments", &[(alg, format!("{unsigned}."))]);
        world.refuses_all("algorithm", &[(alg, format!("{unsigned}.AA"))]);
    }
}

#[test]
fn j07_an_empty_or_cut_signature_is_refused() {
    let world = World::new();
    let token = world.token();
    let [header, payload, signature] = parts(&token);
    let hs256 = json!({"typ": "at+jwt", "alg": "HS256", "kid": world.key.kid()});
    let hs256 = base64url(hs256.to_string());
    world.refuses_all("segments", &[("HS256, empty", format!("{hs256}.{payload}."))]);
    world.refuses_all("algorithm", &[("HS256, cut", format!("{hs256}.{payload}.AAAA"))]);
    for keep in [2, 4, 42, 84] {
        let cut = format!("{header}.{payload}.{}", &signature[..keep]);
        world.refuses_all("signature", &[("cut", cut)]);
    }
}
