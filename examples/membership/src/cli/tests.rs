use clap::CommandFactory;

use super::*;

fn parses(line: &str) -> bool {
    Cli::try_parse_from(std::iter::once("membership").chain(line.split_whitespace())).is_ok()
}

#[test]
fn the_commands_are_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_of_the_help_parses() {
    let examples = EXAMPLES.lines().filter_map(|line| line.trim().strip_prefix("membership "));
    let mut seen = 0;
    for example in examples {
        // Behind two spaces comes the explanation.
        let command = example.split("  ").next().unwrap().replace("\"Acme Sports Club\"", "Acme");
        assert!(parses(&command), "{command}");
        seen += 1;
    }
    assert!(seen >= 4, "the help shows no examples");
}

#[test]
fn commands_take_what_they_promise() {
    for line in [
        "serve --demo --listen 127.0.0.1:0 --admin-listen [::1]:0 --data d --reset --members 7",
        "serve --json --reset --yes",
        "tenant create acme --isolation database",
        "tenant delete acme --confirm acme --json",
        "tenant domain verify acme members.acme.example --yes",
        "migrate run --all --dry-run",
        "migrate run --tenant acme",
        "migrate status --json",
        "seed --members 1000000",
        "openapi --output openapi.json",
    ] {
        assert!(parses(line), "{line}");
    }
}

#[test]
fn what_could_do_harm_by_accident_does_not_parse() {
    for line in [
        "",
        "serve --members 7",
        "serve --listen localhost:8080",
        "tenant create www",
        "tenant create Acme!",
        "tenant create acme --isolation none",
        "tenant delete acme",
        "migrate run",
        "migrate run --all --tenant acme",
        "tenant show",
    ] {
        assert!(!parses(line), "{line}");
    }
}

#[test]
fn exit_codes_stay_what_they_are() {
    let codes = [
        (Exit::Done, 0),
        (Exit::Failed, 1),
        (Exit::Usage, 2),
        (Exit::Configuration, 3),
        (Exit::Unsafe, 4),
        (Exit::NotFound, 5),
        (Exit::Conflict, 6),
    ];
    for (exit, code) in codes {
        assert_eq!(exit as u8, code);
    }
}

#[test]
fn a_wrong_command_line_and_a_wrong_variable_have_codes_of_their_own() {
    let run = |line: &str, env: &Env| {
        let args = std::iter::once("membership").chain(line.split_whitespace());
        format!("{:?}", run_with(args.map(OsString::from), env))
    };
    let code = |exit: Exit| format!("{:?}", ExitCode::from(exit));
    let env = Env::default();
    assert_eq!(run("tenant delete acme", &env), code(Exit::Usage));
    assert_eq!(run("user create ann@acme.test --role owner", &env), code(Exit::Usage));
    let wrong = Env::from_pairs([("DATABASE_URL", "nowhere"), ("HOME", "/nonexistent")]);
    assert_eq!(run("tenant list", &wrong), code(Exit::Configuration));
    assert_eq!(run("openapi --output /nonexistent/openapi.json", &env), code(Exit::Failed));
}
