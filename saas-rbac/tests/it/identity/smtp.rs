//! Mail by SMTP, to a server of a few lines that takes one mail a connection.

use saas_rbac::mail::{Letters, Locale, MailError, Mailer, SmtpMailer};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the server says to a recipient.
const TAKEN: &str = "250 taken";

/// Takes one mail and gives back all that was said.
async fn sink(recipient: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, recipient).await
    });
    (url, server)
}

async fn converse(stream: TcpStream, recipient: &str) -> String {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut said = String::new();
    write.write_all(b"220 sink ready\r\n").await.unwrap();
    let mut in_data = false;
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&line);
        said.push('\n');
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            _ if in_data && line == "." => {
                in_data = false;
                "250 stored"
            }
            _ if in_data => continue,
            "EHLO" => "250-sink\r\n250 8BITMIME",
            "RCPT" => recipient,
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        if answer == "250 stored" || answer != TAKEN && line.starts_with("RCPT") {
            break;
        }
    }
    said
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let (url, server) = sink(TAKEN).await;
    let mailer = SmtpMailer::new(&url.into(), "Club <mail@club.test>").unwrap();
    let mail =
        Letters::new("Club").reset_password("zoe@acme.test", "https://club.test/#abc", Locale::De);
    mailer.send(mail).await.unwrap();
    let said = server.await.unwrap();
    for part in [
        "MAIL FROM:<mail@club.test>",
        "RCPT TO:<zoe@acme.test>",
        "\nFrom: Club <mail@club.test>\n",
        "\nTo: zoe@acme.test\n",
        "\nSubject: Club: neues Passwort =?utf-8?b?d8OkaGxlbg==?=\n",
        "@club.test>\n",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(said.contains("https://club.test/#abc"), "{said}");
    assert!(said.contains("\nMessage-ID: <"), "{said}");
}

#[tokio::test]
async fn a_recipient_that_the_server_refuses_is_told_from_a_server_that_is_gone() {
    let (url, server) = sink("550 no such mailbox").await;
    let letters = Letters::new("Club");
    let mail = letters.verify_email("nobody@acme.test", "https://club.test/#abc", Locale::En);
    let mailer = SmtpMailer::new(&url.clone().into(), "mail@club.test").unwrap();
    let refused = mailer.send(mail.clone()).await.unwrap_err();
    assert!(matches!(refused, MailError::Refused(_)), "{refused:?}");
    server.await.unwrap();
    let gone =
        SmtpMailer::new(&url.into(), "mail@club.test").unwrap().send(mail).await.unwrap_err();
    assert!(matches!(gone, MailError::Unavailable(_)), "{gone:?}");
}
