//! What evidence on disk adds to commands before they are submitted.

use types::{DigestKey, PrincipalNumber, Sequence};
use zerocopy::FromBytes;

use super::RecordWriter;
use crate::{HAS_ORDERS, Kind, Payment, SealedRun, layout};

/// What has to be looked up on disk for a record.
#[derive(Clone, Copy, Debug)]
pub enum AskedFor {
    /// The payment that holds the key of this one.
    Key {
        /// The record's place among the commands.
        record: usize,
        /// The key.
        key: layout::PaymentKey,
        /// The hash under which runs list it.
        hash: u64,
    },
    /// The payment that a bank answers about.
    Position {
        /// The record's place among the commands.
        record: usize,
        /// The payment.
        payment: Sequence,
    },
}

impl RecordWriter {
    /// A run of payments on disk is durable.
    pub fn seal_duplicates(&mut self, run: &SealedRun) {
        self.push(Kind::SealDuplicates, &run.to_record(), &[]);
    }

    /// What has to be looked up where payments up to this position are on disk, in the order of the records.
    pub fn asked_for(&self, upto: Sequence) -> impl Iterator<Item = AskedFor> {
        self.split().enumerate().filter_map(move |(record, bytes)| {
            if let Some(key) = payment_key_of(bytes) {
                let hash = self.key.payment(&key.debtor_agent, key.id()).table_hash();
                return Some(AskedFor::Key { record, key: *key, hash });
            }
            let payment = answered_by(bytes).filter(|payment| *payment <= upto)?;
            Some(AskedFor::Position { record, payment })
        })
    }

    /// Writes into the records up to where evidence on disk was searched, and what was found there: payments with the
    /// places of their records, in order. Nothing was known about these records before.
    pub fn set_evidence(&mut self, upto: Sequence, found: &[(usize, Payment)]) {
        if !found.is_empty() {
            self.append_found(found);
        }
        let mut rest = self.records.as_mut_slice();
        while !rest.is_empty() {
            let (record, behind) = rest.split_at_mut(length_of(rest));
            rest = behind;
            let (header, searched) = Searched::of(record);
            match searched {
                Searched::Payment(payment) => payment.evidence_upto = upto.0.into(),
                Searched::Refused(refused) => refused.evidence_upto = upto.0.into(),
                Searched::Answer(answer) if answer.payment.get() <= upto.0 => {
                    header.version = layout::ANSWER_VERSION_EVIDENCE.into();
                    answer.evidence_upto = upto.0.into();
                }
                Searched::Answer(_) | Searched::Nothing => {}
            }
        }
    }

    /// Appends what was found to the records for which it was.
    fn append_found(&mut self, found: &[(usize, Payment)]) {
        let mut records =
            Vec::with_capacity(self.records.len() + found.len() * size_of::<layout::StoredPayment>());
        let mut found = found.iter().peekable();
        for (place, record) in self.split().enumerate() {
            let start = records.len();
            records.extend_from_slice(record);
            let Some((_, payment)) = found.next_if(|(record, _)| *record == place) else { continue };
            records.extend_from_slice(&payment.to_stored());
            let length = u32::try_from(records.len() - start).expect("records are small");
            let (header, searched) = Searched::of(&mut records[start..]);
            header.length = length.into();
            let position = payment.sequence().0;
            header.version = match searched {
                Searched::Payment(attempt) => {
                    attempt.evidence_found = position.into();
                    header.version.get().max(layout::PAYMENT_VERSION_FOUND)
                }
                Searched::Refused(attempt) => {
                    attempt.evidence_found = position.into();
                    layout::REFUSED_VERSION_FOUND
                }
                Searched::Answer(_) => layout::ANSWER_VERSION_EVIDENCE,
                Searched::Nothing => unreachable!("only what was asked for is found"),
            }
            .into();
        }
        assert!(found.next().is_none(), "what was found belongs to a record, in order");
        self.records = records;
    }

    /// Commands that stood in a frame and are submitted once more, each with its text: what was found out about them
    /// before is taken out, as are the connections of their banks and which accounts take part.
    pub fn again<'frame>(
        key: DigestKey,
        commands: impl IntoIterator<Item = (&'frame [u8], &'frame [u8])>,
    ) -> Self {
        let mut writer = Self::new(key, PrincipalNumber(0));
        for (record, text) in commands {
            writer.push_again(record, text);
        }
        writer
    }

    fn push_again(&mut self, record: &[u8], text: &[u8]) {
        let start = self.records.len();
        self.records.extend_from_slice(record);
        self.texts.extend_from_slice(text);
        let (header, searched) = Searched::of(&mut self.records[start..]);
        self.principal = PrincipalNumber(header.principal.get());
        let mut version = 1;
        let structure_length = match searched {
            Searched::Payment(payment) => {
                version = payment.version_at_least(version);
                payment.flags = (payment.flags.get() & layout::PAYMENT_STAMPED).into();
                (payment.evidence_upto, payment.evidence_found) = (0.into(), 0.into());
                (payment.activation, payment.inactive) = (0.into(), 0);
                size_of::<layout::Payment>()
            }
            Searched::Refused(refused) => {
                (refused.evidence_upto, refused.evidence_found) = (0.into(), 0.into());
                size_of::<layout::RefusedPayment>()
            }
            Searched::Answer(answer) => {
                answer.evidence_upto = 0.into();
                size_of::<layout::Answer>()
            }
            Searched::Nothing => {
                assert!(
                    header.kind.get() == Kind::Evidence.number(),
                    "only payments, answers and documents come again"
                );
                record.len() - size_of::<layout::Header>()
            }
        };
        let kind = Kind::from_number(header.kind.get()).expect(OWN);
        header.version = version.into();
        let length = size_of::<layout::Header>() + structure_length;
        header.length = u32::try_from(length).expect("records are small").into();
        self.records.truncate(start + length);
        self.count_record(kind, length + text.len());
        if version == layout::PAYMENT_VERSION_ORDER {
            self.rules_version = self.rules_version.max(HAS_ORDERS);
        }
    }
}

impl layout::Payment {
    /// The version of its record: that of one which executes an order, or this one.
    const fn version_at_least(&self, version: u16) -> u16 {
        if self.order.get() > 0 { layout::PAYMENT_VERSION_ORDER } else { version }
    }
}

const OWN: &str = "a record that this program wrote";

fn length_of(records: &[u8]) -> usize {
    let (header, _) = layout::Header::ref_from_prefix(records).expect(OWN);
    usize::try_from(header.length.get()).expect("records are small")
}

/// A record that says how far evidence was searched.
enum Searched<'record> {
    Payment(&'record mut layout::Payment),
    /// Of somebody who may act for the payer's bank; other attempts touch no key.
    Refused(&'record mut layout::RefusedPayment),
    Answer(&'record mut layout::Answer),
    Nothing,
}

impl<'record> Searched<'record> {
    fn of(record: &'record mut [u8]) -> (&'record mut layout::Header, Self) {
        let (header, structure) = layout::Header::mut_from_prefix(record).expect(OWN);
        let kind = header.kind.get();
        let searched = if kind == Kind::Payment.number() {
            Self::Payment(layout::Payment::mut_from_prefix(structure).expect(OWN).0)
        } else if kind == Kind::Answer.number() {
            Self::Answer(layout::Answer::mut_from_prefix(structure).expect(OWN).0)
        } else if kind == Kind::RefusedPayment.number() {
            let (refused, _) = layout::RefusedPayment::mut_from_prefix(structure).expect(OWN);
            if refused.is_entitled() { Self::Refused(refused) } else { Self::Nothing }
        } else {
            Self::Nothing
        };
        (header, searched)
    }
}

/// The key that a record touches, if it touches one.
fn payment_key_of(record: &[u8]) -> Option<&layout::PaymentKey> {
    let (header, structure) = layout::Header::ref_from_prefix(record).expect(OWN);
    if header.kind.get() == Kind::Payment.number() {
        return Some(&layout::Payment::ref_from_prefix(structure).expect(OWN).0.key);
    }
    if header.kind.get() != Kind::RefusedPayment.number() {
        return None;
    }
    let (refused, _) = layout::RefusedPayment::ref_from_prefix(structure).expect(OWN);
    refused.is_entitled().then_some(&refused.key)
}

/// The payment that a record answers about, if it is a bank's answer.
fn answered_by(record: &[u8]) -> Option<Sequence> {
    let (header, structure) = layout::Header::ref_from_prefix(record).expect(OWN);
    let is_answer = header.kind.get() == Kind::Answer.number();
    is_answer.then(|| Sequence(layout::Answer::ref_from_prefix(structure).expect(OWN).0.payment.get()))
}
