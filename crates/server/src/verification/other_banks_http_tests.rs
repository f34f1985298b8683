//! Other banks, played by small servers in the test's own process.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use types::{Iban, Text, Timestamp};

use super::super::other_banks::Given;
use super::*;

/// What a server does with each connection.
#[derive(Clone)]
enum Server {
    /// Answers with this.
    Says(String),
    /// Reads and says nothing.
    Silent,
    /// Closes at once.
    Closes,
}

fn bank() -> Bic {
    Bic::parse("BETADEFF").unwrap()
}

fn ok(body: &str) -> Server {
    let length = body.len();
    Server::Says(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"))
}

/// A server, and what it was asked first.
async fn served(server: Server) -> (HttpBanks, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, asked) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (server, sender) = (server.clone(), sender.clone());
            tokio::spawn(async move {
                if matches!(server, Server::Closes) {
                    return;
                }
                let mut request = Vec::new();
                while !request.ends_with(b"}}}") {
                    if stream.read_buf(&mut request).await.unwrap() == 0 {
                        return;
                    }
                }
                sender.send(String::from_utf8(request).unwrap()).await.unwrap();
                match server {
                    Server::Says(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                    Server::Silent | Server::Closes => std::future::pending().await,
                }
            });
        }
    });
    let place = Place {
        address: address.to_string(),
        authority: address.to_string(),
        path: "/vop/v1/payee-verifications".to_owned(),
        server_name: None,
    };
    let places = Places { by_bic: HashMap::from([(bank(), place)]), tls: None };
    (HttpBanks::new(places, Duration::from_millis(500)), asked)
}

fn question_of(bank: Bic) -> Asked {
    Asked {
        request_id: "question-1".to_owned(),
        requested_time: Timestamp::default(),
        requesting_agent: Bic::parse("ALFABEBB").unwrap(),
        payee_agent: bank,
        iban: Iban::parse("DE89370400440532013000").unwrap(),
        given: Given::Name(Text::parse("Anna Peeters").unwrap()),
    }
}

async fn told(server: Server) -> Result<Told, NoAnswer> {
    let (banks, _asked) = served(server).await;
    banks.ask(question_of(bank())).await
}

#[tokio::test]
async fn a_bank_is_asked_once_and_its_answer_is_read() {
    let (banks, mut asked) = served(ok(r#"{"partyNameMatch":"CMTC","matchedName":"Anna Pieters"}"#)).await;
    let told = banks.ask(question_of(bank())).await;
    assert_eq!(told, Ok(Told::CloseMatch(Text::parse("Anna Pieters").unwrap())));
    let request = asked.recv().await.unwrap();
    assert!(request.starts_with("POST /vop/v1/payee-verifications HTTP/1.1\r\n"), "{request}");
    for part in
        ["x-request-id: question-1\r\n", "x-request-timestamp: 1970-01-01T00:00:00Z\r\n", "\"Anna Peeters\""]
    {
        assert!(request.contains(part), "{part} in {request}");
    }
    assert!(asked.try_recv().is_err(), "once");
}

#[tokio::test]
async fn what_is_no_answer_is_none() {
    assert_eq!(told(ok(r#"{"partyNameMatch":"MTCH"}"#)).await, Ok(Told::Match));
    assert_eq!(told(Server::Closes).await, Err(NoAnswer::Failed));
    assert_eq!(told(Server::Says("SMTP\r\n\r\n".to_owned())).await, Err(NoAnswer::Failed));
    let error = "HTTP/1.1 500 Sorry\r\ncontent-length: 25\r\n\r\n{\"partyNameMatch\":\"MTCH\"}";
    assert_eq!(told(Server::Says(error.to_owned())).await, Err(NoAnswer::Failed));
    let endless = format!("{{\"partyNameMatch\":\"MTCH\",\"x\":\"{}\"}}", "x".repeat(ANSWER_BYTES_MAX));
    assert_eq!(told(ok(&endless)).await, Err(NoAnswer::Failed));
}

#[tokio::test]
async fn a_bank_that_says_nothing_is_late_and_one_that_nobody_named_is_not_asked() {
    assert_eq!(told(Server::Silent).await, Err(NoAnswer::Late));
    let (banks, _asked) = served(Server::Silent).await;
    let other = Bic::parse("GAMAFRPP").unwrap();
    assert_eq!(banks.ask(question_of(other)).await, Err(NoAnswer::NotConfigured));
}

#[tokio::test]
async fn a_slow_bank_holds_up_so_many_questions_and_no_more() {
    let (banks, _asked) = served(Server::Silent).await;
    let banks = Arc::new(banks);
    let places =
        banks.of_bank[&bank()].acquire_many(u32::try_from(UNDER_WAY_PER_BANK).unwrap()).await.unwrap();
    assert_eq!(banks.ask(question_of(bank())).await, Err(NoAnswer::Busy));
    drop(places);
    assert_eq!(banks.ask(question_of(bank())).await, Err(NoAnswer::Late));
    assert_eq!(banks.of_bank[&bank()].available_permits(), UNDER_WAY_PER_BANK, "places come back");
}
