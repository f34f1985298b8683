//! A log of long ago in which a gateway kept records.

use std::path::Path;
use std::time::Duration as Span;

use journal::FrameKind;
use ledger::{
    AccountMode, ExpectedVersion, PutRecord, RULES_VERSION, RecordKey, RecordOwner, RecordSpace,
    RegisterParticipant, RequestId,
};
use types::{Bic, Currency, Text, Timestamp};

use crate::old_log::{OldLog, Texts, writer};
use crate::{ALFA, ago, nanoseconds};

/// Records in one frame.
const PER_FRAME: u32 = 10;

/// Writes a sealed log in which, so long ago, a gateway of ALFA put so many records into its name space `consents`: under
/// `c/0000` and so on, each with its key as its bytes. Says when it began.
///
/// # Panics
/// If the folder can't be written, or the time was before 1970.
pub fn write_log_with_records(folder: &Path, age: Span, count: u32) -> Timestamp {
    let begin = i64::try_from(nanoseconds(&ago(age))).expect("it is after 1970 and before 2262");
    let begin = Timestamp::from_nanoseconds(begin).expect("it is after 1970");
    let mut log = OldLog::create(folder, begin, Texts::Sealed, RULES_VERSION);
    log.begin();
    let bank = Bic::parse(ALFA).expect("a BIC");
    let mut commands = writer();
    commands.register_participant(&RegisterParticipant {
        request_id: request("register"),
        bic: bank,
        name: Text::parse("A bank").expect("a name"),
        mode: AccountMode::Hosted,
        currency: Currency::EUR,
    });
    for number in 0..count {
        let key = format!("c/{number:04}");
        commands.put_record(&PutRecord {
            request_id: request(&key),
            owner: RecordOwner { bank, space: RecordSpace::parse("consents").expect("a name") },
            key: RecordKey::parse(&key).expect("a name"),
            expected: ExpectedVersion::Any,
            bytes: key.into_bytes(),
            expires: None,
            repeats: None,
        });
        if number % PER_FRAME == 0 {
            log.append(FrameKind::Commands, &commands);
            commands = writer();
        }
    }
    log.append(FrameKind::Commands, &commands);
    log.append(FrameKind::Marker, &writer());
    begin
}

fn request(what: &str) -> RequestId {
    RequestId::parse(&format!("old-{what}")).expect("printable characters")
}
