//! Payment codes over gRPC: what is written is read, what is read is paid, and images have their limits.

use client::v1;
use client::v1::payment_code::Remittance;
use client::v1::read_payment_code_request::Source;
use client::v1::{
    ErrorReason, PaymentCodeCharacterSet as Set, PaymentCodeImage as Image, PaymentCodeVersion,
};
use server::ServerLimits;
use tests::secured::Secured;
use tests::{Api, BETA, Node, World, german, money, payment, settled};
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn invoice() -> v1::PaymentCode {
    v1::PaymentCode {
        creditor_name: "Blumen Müller".to_owned(),
        creditor_account: german(1),
        amount: Some(money("12.34")),
        remittance: Some(Remittance::Unstructured("Invoice 117".to_owned())),
        ..Default::default()
    }
}

async fn write(
    api: &Api,
    code: v1::PaymentCode,
    image: Image,
) -> Result<v1::WritePaymentCodeResponse, Status> {
    let request = v1::WritePaymentCodeRequest { code: Some(code), image: image.into() };
    Ok(api.payment_codes().write_payment_code(request).await?.into_inner())
}

async fn read(api: &Api, source: Source) -> Result<v1::PaymentCode, Status> {
    let request = v1::ReadPaymentCodeRequest { source: Some(source) };
    let reply = api.payment_codes().read_payment_code(request).await?.into_inner();
    Ok(reply.code.unwrap())
}

/// The only field that is named, and what is said of it.
#[track_caller]
fn fault<Reply: std::fmt::Debug>(refused: Result<Reply, Status>) -> (String, String) {
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("the fields are named").field_violations;
    assert_eq!(violations.len(), 1, "{violations:?}");
    (violations[0].field.clone(), violations[0].description.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_written_read_and_paid() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let written = write(&api, invoice(), Image::Png).await.unwrap();
    let text = format!("BCD\n002\n1\nSCT\n\nBlumen Müller\n{}\nEUR12.34\n\n\nInvoice 117", german(1));
    assert_eq!(written.text, text);
    assert_eq!(written.payload, text.as_bytes());
    assert_eq!((written.character_set(), written.symbol_version), (Set::Utf8, 5));
    let expected = v1::PaymentCode {
        version: PaymentCodeVersion::V002.into(),
        character_set: Set::Utf8.into(),
        ..invoice()
    };
    for source in [
        Source::Png(written.image.clone()),
        Source::Payload(written.payload.clone()),
        Source::Text(written.text.clone()),
        Source::Text(format!("{}\r\n", written.text.replace('\n', "\r\n"))),
    ] {
        assert_eq!(read(&api, source).await.unwrap(), expected);
    }
    let svg = write(&api, invoice(), Image::Svg).await.unwrap();
    assert!(svg.image.starts_with(b"<svg ") && svg.text == written.text);
    assert!(write(&api, invoice(), Image::Unspecified).await.unwrap().image.is_empty());

    // Field by field it is a payment's payee.
    let code = read(&api, Source::Png(written.image)).await.unwrap();
    let Some(Remittance::Unstructured(text)) = code.remittance else { panic!("{code:?}") };
    let order = v1::Payment {
        creditor_agent: BETA.to_owned(),
        creditor: Some(v1::Party { name: code.creditor_name, ..Default::default() }),
        creditor_account: code.creditor_account,
        amount: code.amount,
        purpose: code.purpose,
        remittance: Some(v1::payment::Remittance::Unstructured(text)),
        ..payment("TX-1", "0.01")
    };
    let paid = settled(api.submit(&order).await.unwrap());
    assert!(!paid.payment_id.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_code_can_say_comes_back() {
    let node = Node::start().await;
    let api = node.api().await;
    let code = v1::PaymentCode {
        version: PaymentCodeVersion::V001.into(),
        character_set: Set::Iso885915.into(),
        instant: true,
        creditor_agent: BETA.to_owned(),
        creditor_name: "Café Müller €".to_owned(),
        creditor_account: german(1),
        amount: Some(money("1000.00")),
        purpose: "SUPP".to_owned(),
        remittance: Some(Remittance::CreditorReference(v1::CreditorReference {
            reference: "RF18539007547034".to_owned(),
            issuer: "ISO".to_owned(),
        })),
        information: "Danke".to_owned(),
    };
    let written = write(&api, code.clone(), Image::Png).await.unwrap();
    assert!(written.payload.contains(&0xa4) && written.text.contains('€'));
    for source in [Source::Png(written.image), Source::Payload(written.payload), Source::Text(written.text)] {
        assert_eq!(read(&api, source).await.unwrap(), code);
    }
    // Where the set is left open, the first in which it is short enough.
    let long = v1::PaymentCode {
        character_set: Set::Unspecified.into(),
        creditor_name: "Цветя".to_owned(),
        remittance: Some(Remittance::Unstructured("Ж".repeat(140))),
        ..code
    };
    assert_eq!(write(&api, long, Image::Unspecified).await.unwrap().character_set(), Set::Iso88595);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_code_names_its_field() {
    let node = Node::start().await;
    let api = node.api().await;
    type Change = fn(&mut v1::PaymentCode);
    let changes: [(&str, Change); 13] = [
        ("code.version", |code| code.version = 9),
        ("code.character_set", |code| code.character_set = 9),
        ("code.character_set", |code| code.character_set = -1),
        ("code.creditor_name", |code| code.creditor_name.clear()),
        ("code.creditor_name", |code| code.creditor_name = "x".repeat(71)),
        ("code.creditor_name", |code| code.character_set = Set::Iso88597.into()),
        ("code.creditor_account", |code| code.creditor_account = "AE070331234567890123456".to_owned()),
        ("code.creditor_agent", |code| code.version = PaymentCodeVersion::V001.into()),
        ("code.amount.currency_code", |code| {
            code.amount = Some(v1::Money { amount: "1".to_owned(), currency_code: "CHF".to_owned() });
        }),
        ("code.amount.amount", |code| code.amount = Some(money("0"))),
        ("code.purpose", |code| code.purpose = "sala".to_owned()),
        ("code.creditor_reference.reference", |code| {
            let reference = "RF19539007547034".to_owned();
            let reference = v1::CreditorReference { reference, issuer: String::new() };
            code.remittance = Some(Remittance::CreditorReference(reference));
        }),
        ("code", |code| {
            code.remittance = Some(Remittance::Unstructured("好".repeat(140)));
        }),
    ];
    for (field, change) in changes {
        let mut code = invoice();
        change(&mut code);
        let (named, said) = fault(write(&api, code, Image::Png).await);
        assert_eq!(named, field, "{said}");
        assert!(!said.is_empty());
    }
    let request = v1::WritePaymentCodeRequest { code: Some(invoice()), image: 7 };
    assert_eq!(fault(api.payment_codes().write_payment_code(request).await).0, "image");
    let request = v1::WritePaymentCodeRequest::default();
    assert_eq!(fault(api.payment_codes().write_payment_code(request).await).0, "code");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_payment_code_is_refused_with_its_line() {
    let node = Node::start().await;
    let api = node.api().await;
    let with_comma = format!("BCD\n002\n1\nSCT\n\nAnna\n{}\nEUR1,50", german(1));
    let (field, said) = fault(read(&api, Source::Text(with_comma.clone())).await);
    assert_eq!(field, "text");
    assert!(said.starts_with("line 8 (amount): "), "{said}");
    assert!(!said.contains("1,50"), "texts are never quoted");
    assert_eq!(fault(read(&api, Source::Payload(with_comma.into_bytes())).await).0, "payload");
    assert_eq!(fault(read(&api, Source::Png(b"GIF89a".to_vec())).await).0, "png");
    let request = v1::ReadPaymentCodeRequest::default();
    assert_eq!(fault(api.payment_codes().read_payment_code(request).await).0, "text");
}

#[tokio::test(flavor = "multi_thread")]
async fn images_have_their_limits() {
    let node = Node::with_limits(ServerLimits { images_at_once: 0, ..ServerLimits::default() }).await;
    let api = node.api().await;
    let written = write(&api, invoice(), Image::Png).await.unwrap();
    let refused = read(&api, Source::Png(written.image.clone())).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    let details = refused.get_error_details();
    assert_eq!(
        details.error_info().unwrap().reason,
        ErrorReason::Overloaded.as_str_name().replace("ERROR_REASON_", "")
    );
    assert!(details.retry_info().is_some());
    // Texts take no place.
    read(&api, Source::Text(written.text)).await.unwrap();
    let node = Node::start().await;
    let api = node.api().await;
    // Trailing bytes do not matter to an image; a message of three megabytes is taken, and one of five is not.
    let padded = |bytes: usize| {
        let mut image = written.image.clone();
        image.resize(bytes, 0);
        Source::Png(image)
    };
    read(&api, padded(3 << 20)).await.unwrap();
    let refused = read(&api, padded(5 << 20)).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    // Places are given back.
    for _ in 0..5 {
        read(&api, padded(1 << 20)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn banks_and_those_who_send_for_them_may_write_and_read_codes() {
    let secured = Secured::start().await;
    for (name, may) in [("alfa", true), ("instructing", true), ("operator", false), ("auditor", false)] {
        let api = secured.api(name).await;
        for called in [
            write(&api, invoice(), Image::Svg).await.map(drop),
            read(&api, Source::Payload(b"BCD".to_vec())).await.map(drop),
        ] {
            let code = called.map_or_else(|status| status.code(), |()| Code::Ok);
            assert_eq!(code == Code::PermissionDenied, !may, "{name}: {code:?}");
        }
    }
}
