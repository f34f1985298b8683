//! Small records of gateways: whose they are, which version is there, and what becomes of them over time.

use std::time::Duration;

use client::v1;
use tests::{ALFA, Api, BETA, Node, World, ago, ahead, until};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::recalls::reason_of;

async fn world() -> (Node, Api) {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    (node, api)
}

fn name(bic: &str, space: &str, key: &str) -> Option<v1::RecordName> {
    Some(v1::RecordName { bic: bic.to_owned(), space: space.to_owned(), key: key.to_owned() })
}

fn put(id: &str, key: &str, content: &[u8], expected: Option<u64>) -> v1::PutRecordRequest {
    v1::PutRecordRequest {
        request_id: id.to_owned(),
        name: name(ALFA, "consents", key),
        expected_version: expected,
        content: content.to_vec(),
        expiry_time: None,
    }
}

async fn putting(api: &Api, request: v1::PutRecordRequest) -> Result<v1::PutRecordResponse, Status> {
    Ok(api.records().put_record(request).await?.into_inner())
}

async fn get(api: &Api, key: &str) -> Result<v1::Record, Status> {
    let request = v1::GetRecordRequest { name: name(ALFA, "consents", key) };
    Ok(api.records().get_record(request).await?.into_inner().record.unwrap())
}

fn remove(id: &str, key: &str, expected: Option<u64>) -> v1::RemoveRecordRequest {
    let (request_id, name) = (id.to_owned(), name(ALFA, "consents", key));
    v1::RemoveRecordRequest { request_id, name, expected_version: expected }
}

#[tokio::test(flavor = "multi_thread")]
async fn record_is_what_was_put_last_also_over_a_restart() {
    let (node, api) = world().await;
    let first = putting(&api, put("one", "c/1", b"\x00\xFFfirst", Some(0))).await.unwrap();
    let again = putting(&api, put("one", "c/1", b"\x00\xFFfirst", Some(0))).await.unwrap();
    assert!(again.confirmation.unwrap().repeat && again.version == first.version);
    let found = get(&api, "c/1").await.unwrap();
    assert_eq!((found.content.as_slice(), found.version), (&b"\x00\xFFfirst"[..], first.version));
    assert_eq!((found.space.as_str(), found.key.as_str(), found.length), ("consents", "c/1", 7));
    let second = putting(&api, put("two", "c/1", b"second", Some(first.version))).await.unwrap();
    assert!(second.version > first.version);
    putting(&api, put("empty", "c/2", b"", None)).await.unwrap();
    let whole = vec![b'w'; 4096];
    putting(&api, put("whole", "d", &whole, None)).await.unwrap();

    drop(api);
    let node = node.restart().await;
    let api = node.api().await;
    let found = get(&api, "c/1").await.unwrap();
    assert_eq!((found.content.as_slice(), found.version), (&b"second"[..], second.version));
    assert_eq!(get(&api, "c/2").await.unwrap().content, b"");
    assert_eq!(get(&api, "d").await.unwrap().content, whole);
    let removed = api.records().remove_record(remove("gone", "c/1", Some(second.version))).await.unwrap();
    assert_eq!(removed.into_inner().version, second.version);
    assert_eq!(
        reason_of(&get(&api, "c/1").await.unwrap_err()),
        (Code::NotFound, "RECORD_UNKNOWN".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_told_with_the_one_that_is_there() {
    let (_node, api) = world().await;
    let refused = async |id: &str, key: &str, expected: u64| {
        let status = putting(&api, put(id, key, b"x", Some(expected))).await.unwrap_err();
        let message = status.message().to_owned();
        (reason_of(&status), message)
    };
    let conflict = (Code::FailedPrecondition, "VERSION_CONFLICT".to_owned());
    let (found, message) = refused("nothing", "k", 7).await;
    assert_eq!(found, conflict);
    assert!(message.contains("no such record"), "{message}");
    let version = putting(&api, put("one", "k", b"one", Some(0))).await.unwrap().version;
    for (id, expected) in [("there", 0), ("old", version - 1), ("new", version + 1)] {
        let (found, message) = refused(id, "k", expected).await;
        assert_eq!(found, conflict, "{id}");
        assert!(message.contains(&version.to_string()), "{message}");
    }
    let other = api.records().remove_record(remove("remove", "k", Some(version + 1))).await.unwrap_err();
    assert_eq!(reason_of(&other), conflict);
    let unknown = api.records().remove_record(remove("unknown", "nobody", None)).await.unwrap_err();
    assert_eq!(reason_of(&unknown), (Code::NotFound, "RECORD_UNKNOWN".to_owned()));
    assert_eq!(get(&api, "k").await.unwrap().content, b"one");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_end_at_their_time() {
    let (_node, api) = world().await;
    let expiring = |id: &str, at| v1::PutRecordRequest { expiry_time: Some(at), ..put(id, "e", b"e", None) };
    for (id, at) in [("past", ago(Duration::from_secs(1))), ("far", ahead(Duration::from_secs(401 * 86_400)))]
    {
        let refused = reason_of(&putting(&api, expiring(id, at)).await.unwrap_err());
        assert_eq!(refused, (Code::FailedPrecondition, "RECORD_EXPIRY_NOT_ALLOWED".to_owned()));
    }
    putting(&api, expiring("soon", ahead(Duration::from_secs(2)))).await.unwrap();
    assert!(get(&api, "e").await.unwrap().expiry_time.is_some());
    let ended = until("the record has ended", async || get(&api, "e").await.err()).await;
    assert_eq!(reason_of(&ended).1, "RECORD_UNKNOWN");
    putting(&api, put("anew", "e", b"anew", Some(0))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_listed_page_by_page() {
    let (_node, api) = world().await;
    for number in 0..25 {
        let id = format!("put-{number}");
        putting(&api, put(&id, &format!("a/{number:02}"), id.as_bytes(), None)).await.unwrap();
    }
    putting(&api, put("other", "b/1", b"other", None)).await.unwrap();
    let of_beta =
        v1::PutRecordRequest { name: name(BETA, "consents", "a/99"), ..put("beta", "", b"b", None) };
    putting(&api, of_beta).await.unwrap();
    let mut request = v1::ListRecordsRequest {
        bic: ALFA.to_owned(),
        space: "consents".to_owned(),
        key_prefix: "a/".to_owned(),
        page_size: 10,
        page_token: String::new(),
    };
    let mut keys = Vec::new();
    loop {
        let page = api.records().list_records(request.clone()).await.unwrap().into_inner();
        assert!(page.records.iter().all(|record| record.content.is_empty() && record.length > 0));
        keys.extend(page.records.into_iter().map(|record| record.key));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(keys, (0..25).map(|number| format!("a/{number:02}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn bank_has_eight_name_spaces_and_records_their_size() {
    let (_node, api) = world().await;
    for number in 0..8 {
        let name = name(ALFA, &format!("space-{number}"), "k");
        putting(&api, v1::PutRecordRequest { name, ..put(&format!("p{number}"), "", b"x", None) })
            .await
            .unwrap();
    }
    let ninth = v1::PutRecordRequest { name: name(ALFA, "space-8", "k"), ..put("ninth", "", b"x", None) };
    let refused = putting(&api, ninth).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::ResourceExhausted, "RECORD_SPACE_LIMIT".to_owned()));
    let nobody =
        v1::PutRecordRequest { name: name("NONEDEFFXXX", "s", "k"), ..put("nobody", "", b"x", None) };
    let refused = putting(&api, nobody).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::NotFound, "PARTICIPANT_UNKNOWN".to_owned()));
    for (id, space, key, length) in
        [("long", "s", "k", 4097), ("no-key", "s", "", 1), ("blank", "s", "a b", 1), ("space", "", "k", 1)]
    {
        let request =
            v1::PutRecordRequest { name: name(ALFA, space, key), ..put(id, "", &vec![1; length], None) };
        let refused = putting(&api, request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{id}");
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations.len(), 1, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn name_space_has_its_room() {
    let (_node, api) = world().await;
    let whole = vec![b'w'; 4096];
    // 16 MiB, and one byte more.
    for some in 0..64 {
        let mut puts = JoinSet::new();
        for number in 64 * some..64 * (some + 1) {
            let (mut client, request) =
                (api.records(), put(&format!("p{number}"), &format!("k{number}"), &whole, None));
            puts.spawn(async move { client.put_record(request).await });
        }
        assert!(puts.join_all().await.iter().all(Result::is_ok));
    }
    let refused = putting(&api, put("above", "above", b"x", None)).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::ResourceExhausted, "RECORD_LIMIT".to_owned()));
    putting(&api, put("empty", "empty", b"", None)).await.unwrap();
    let shorter = putting(&api, put("shorter", "k7", b"x", None)).await;
    assert!(shorter.is_ok(), "what it replaces makes room");
    putting(&api, put("above-again", "above", b"x", None)).await.unwrap();
}
