//! One handler code, three walls: a client cannot tell which one its tenant is behind.

mod script;
mod strangers;
mod transcript;

use std::collections::HashSet;

use self::transcript::Transcript;
use crate::app::App;

/// `hooli` shares its tables with `acme`, and is asked when those are full already.
const TENANTS: [&str; 4] = ["acme", "globex", "initech", "hooli"];

#[tokio::test]
async fn the_same_requests_get_the_same_answers_behind_every_wall() {
    let app = App::with_all_isolations().await;
    let mut transcripts = Vec::new();
    for tenant in TENANTS {
        let mut transcript = Transcript::new(&app, tenant);
        script::run(&mut transcript).await;
        transcripts.push(transcript);
    }
    let first = &transcripts[0];
    assert!(first.answers.len() > 300, "{}", first.answers.len());
    // Created, read, changed, gone, refused in every way: the list asks for all of it.
    for status in [200, 201, 204, 400, 404, 405, 409, 412, 415, 422, 428] {
        let line = format!(": {status} ");
        assert!(first.answers.iter().any(|one| one.contains(&line)), "no answer is {status}");
    }
    for other in &transcripts[1..] {
        let pairs = first.answers.iter().zip(&other.answers);
        for (one, another) in pairs {
            let length = one.chars().zip(another.chars()).take_while(|(a, b)| a == b).count();
            let rest =
                |text: &str| text.chars().skip(length.saturating_sub(80)).take(200).collect();
            let (one_rest, another_rest): (String, String) = (rest(one), rest(another));
            assert_eq!(one_rest, another_rest, "{}: {one:.200}", other.tenant);
            assert_eq!(one, another, "{}", other.tenant);
        }
        assert_eq!(first.answers.len(), other.answers.len());
    }
    // Ids are made by chance and time, so a row of somebody else's would be seen twice.
    let mut seen = HashSet::new();
    for id in transcripts.iter().flat_map(Transcript::ids) {
        assert!(seen.insert(id), "{id} is seen by two tenants");
    }
}
