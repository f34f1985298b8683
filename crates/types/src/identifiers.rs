//! Numbers and identifiers of Solvo's own.
//!
//! An index, a count and an identifier are different types, so that none is taken for another.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}", self.0)
            }
        }
    };
}

number! {
    /// A position in the one order of everything that happens. Each command has one, and so has each frame's
    /// own tick. The first is 1; 0 stands for "before the log".
    Sequence(u64)
}
number! {
    /// A frame's place in the log. The first is 1; 0 stands for "no frame".
    BatchNumber(u64)
}
number! {
    /// How often the log has been claimed by a writer. Each start of a node raises it by one.
    Epoch(u64)
}
number! {
    /// A ledger's shard. Always 0 until there are several.
    Shard(u16)
}
number! {
    /// A participant, in the order of registration. The first is 1; 0 stands for "none".
    ParticipantNumber(u32)
}
number! {
    /// An account, in log order, never reused. The first is 1; 0 stands for "none".
    AccountNumber(u32)
}
number! {
    /// Who sent a command. 0 is the engine itself, 1 the operator on the loopback interface.
    PrincipalNumber(u32)
}
number! {
    /// A life of the log, drawn at random when the log is created and again at each restore from a backup, so
    /// that identifiers given in one life are never given again in another.
    Incarnation(u64)
}

impl Sequence {
    /// The position after this one.
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("a log ends long before 2^64 commands"))
    }
}

impl BatchNumber {
    /// The frame after this one.
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("a log ends long before 2^64 frames"))
    }
}

/// Names a cluster, so that frames of one (staging) never enter another (production).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ClusterId(pub [u8; 16]);

impl fmt::Display for ClusterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClusterId({self})")
    }
}

/// Names one payment for ever: the life of the log and the position at which the payment entered it.
///
/// Outside it is an opaque text of 31 characters (Crockford's base 32), short enough for every reference
/// element of ISO 20022.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentId {
    /// The life of the log.
    pub incarnation: Incarnation,
    /// The shard that decided.
    pub shard: Shard,
    /// The payment's position.
    pub sequence: Sequence,
}

/// A text that is not a payment id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment id is 31 capital letters and digits, as Solvo gave it")]
pub struct PaymentIdError;

const PAYMENT_ID_VERSION: u8 = 1;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl PaymentId {
    /// How many characters the text form has.
    pub const LENGTH: usize = 31;

    /// Reads the text form, exactly as it was given out.
    pub fn parse(text: &str) -> Result<Self, PaymentIdError> {
        if text.len() != Self::LENGTH {
            return Err(PaymentIdError);
        }
        // 31 characters of five bits hold 155 bits, three more than 19 bytes; the spare ones must be zero.
        let mut bytes = [0_u8; 19];
        let (mut bits, mut value, mut filled) = (0_u32, 0_u32, 0);
        for byte in text.bytes() {
            let digit = ALPHABET.iter().position(|letter| *letter == byte).ok_or(PaymentIdError)?;
            value = (value << 5) | u32::try_from(digit).expect("an alphabet of 32 letters");
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes[filled] = (value >> bits).to_le_bytes()[0];
                filled += 1;
                value &= (1 << bits) - 1;
            }
        }
        if value != 0 || bytes[0] != PAYMENT_ID_VERSION {
            return Err(PaymentIdError);
        }
        let word = |from: usize| u64::from_be_bytes(bytes[from..from + 8].try_into().expect("eight bytes"));
        Ok(Self {
            shard: Shard(u16::from_be_bytes([bytes[1], bytes[2]])),
            incarnation: Incarnation(word(3)),
            sequence: Sequence(word(11)),
        })
    }
}

impl PaymentId {
    /// The text form, in ASCII.
    pub fn to_characters(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0_u8; 20];
        bytes[0] = PAYMENT_ID_VERSION;
        bytes[1..3].copy_from_slice(&self.shard.0.to_be_bytes());
        bytes[3..11].copy_from_slice(&self.incarnation.0.to_be_bytes());
        bytes[11..19].copy_from_slice(&self.sequence.0.to_be_bytes());
        // Five bytes are eight characters; the last character of all holds the spare bits of the last byte.
        let mut characters = [0_u8; 32];
        let (fives, _) = bytes.as_chunks::<5>();
        for (five, eight) in fives.iter().zip(characters.chunks_exact_mut(8)) {
            let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for (place, character) in eight.iter_mut().enumerate() {
                *character = ALPHABET[usize::try_from(bits >> (35 - 5 * place) & 31).expect("five bits")];
            }
        }
        *characters.first_chunk().expect("the last of 32 characters stands for no bits")
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.to_characters()).expect("the alphabet is ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn payment_id_round_trips(incarnation: u64, shard: u16, sequence: u64) {
            let id = PaymentId {
                incarnation: Incarnation(incarnation),
                shard: Shard(shard),
                sequence: Sequence(sequence),
            };
            let text = id.to_string();
            assert_eq!(text.len(), PaymentId::LENGTH);
            assert_eq!(PaymentId::parse(&text), Ok(id));
        }

        /// The text form is what banks have stored.
        #[test]
        fn payment_id_is_base_32_of_its_bytes(incarnation: u64, shard: u16, sequence: u64) {
            let id = PaymentId {
                incarnation: Incarnation(incarnation),
                shard: Shard(shard),
                sequence: Sequence(sequence),
            };
            let number = (1_u128 << 80) | (u128::from(shard) << 64) | u128::from(incarnation);
            let bit = |place: usize| match place {
                0..88 => number >> (87 - place) & 1 != 0,
                88..152 => sequence >> (151 - place) & 1 != 0,
                _ => false,
            };
            let digit = |at: usize| (0..5).fold(0_usize, |digit, bits: usize| digit << 1 | usize::from(bit(at * 5 + bits)));
            let text: String = (0..31).map(|at| char::from(ALPHABET[digit(at)])).collect();
            assert_eq!(id.to_string(), text);
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,40}") {
            if let Ok(id) = PaymentId::parse(&text) {
                assert_eq!(id.to_string(), text);
            }
        }
    }
}
