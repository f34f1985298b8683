//! The character sets that a payment code may be written in.
//!
//! Invariant: each set agrees with ASCII below 128, so lines can be told apart before the set is known.

use std::fmt;

/// A character set, as the third line of a payment code names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CharacterSet {
    /// UTF-8, number 1.
    Utf8,
    /// ISO 8859-1, number 2: western Europe.
    Iso8859Part1,
    /// ISO 8859-2, number 3: central Europe.
    Iso8859Part2,
    /// ISO 8859-4, number 4: northern Europe.
    Iso8859Part4,
    /// ISO 8859-5, number 5: Cyrillic.
    Iso8859Part5,
    /// ISO 8859-7, number 6: Greek.
    Iso8859Part7,
    /// ISO 8859-10, number 7: Nordic.
    Iso8859Part10,
    /// ISO 8859-15, number 8: western Europe with the euro sign.
    Iso8859Part15,
}

impl CharacterSet {
    /// All sets, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Utf8,
        Self::Iso8859Part1,
        Self::Iso8859Part2,
        Self::Iso8859Part4,
        Self::Iso8859Part5,
        Self::Iso8859Part7,
        Self::Iso8859Part10,
        Self::Iso8859Part15,
    ];

    /// The set with this number, 1 to 8.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Utf8),
            2 => Some(Self::Iso8859Part1),
            3 => Some(Self::Iso8859Part2),
            4 => Some(Self::Iso8859Part4),
            5 => Some(Self::Iso8859Part5),
            6 => Some(Self::Iso8859Part7),
            7 => Some(Self::Iso8859Part10),
            8 => Some(Self::Iso8859Part15),
            _ => None,
        }
    }

    /// The number by which a payment code names the set.
    pub const fn number(self) -> u8 {
        match self {
            Self::Utf8 => 1,
            Self::Iso8859Part1 => 2,
            Self::Iso8859Part2 => 3,
            Self::Iso8859Part4 => 4,
            Self::Iso8859Part5 => 5,
            Self::Iso8859Part7 => 6,
            Self::Iso8859Part10 => 7,
            Self::Iso8859Part15 => 8,
        }
    }

    /// The set's usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Iso8859Part1 => "ISO 8859-1",
            Self::Iso8859Part2 => "ISO 8859-2",
            Self::Iso8859Part4 => "ISO 8859-4",
            Self::Iso8859Part5 => "ISO 8859-5",
            Self::Iso8859Part7 => "ISO 8859-7",
            Self::Iso8859Part10 => "ISO 8859-10",
            Self::Iso8859Part15 => "ISO 8859-15",
        }
    }

    /// The bytes of a text, unless the set lacks one of its characters.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self.upper_half() {
            None => Some(text.as_bytes().to_vec()),
            Some(upper) => text.chars().map(|character| upper.byte(character)).collect(),
        }
    }

    /// The text that bytes stand for, unless they are none in this set.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self.upper_half() {
            None => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Some(upper) => bytes.iter().map(|byte| upper.character(*byte)).collect(),
        }
    }

    const fn upper_half(self) -> Option<UpperHalf> {
        match self {
            Self::Utf8 => None,
            Self::Iso8859Part1 => Some(UpperHalf::AsUnicode),
            Self::Iso8859Part2 => Some(UpperHalf::Table(PART_2)),
            Self::Iso8859Part4 => Some(UpperHalf::Table(PART_4)),
            Self::Iso8859Part5 => Some(UpperHalf::Table(PART_5)),
            Self::Iso8859Part7 => Some(UpperHalf::Table(PART_7)),
            Self::Iso8859Part10 => Some(UpperHalf::Table(PART_10)),
            Self::Iso8859Part15 => Some(UpperHalf::Table(PART_15)),
        }
    }
}

impl fmt::Display for CharacterSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What the bytes from 160 on stand for. Those below are the same in all parts of ISO 8859.
#[derive(Clone, Copy)]
enum UpperHalf {
    /// The first 256 characters of Unicode are those of part 1.
    AsUnicode,
    /// 96 characters, with [`NOT_ASSIGNED`] for those that the part leaves out.
    Table(&'static str),
}

/// The first byte of the upper half.
const UPPER_FROM: u8 = 160;

/// Stands in the tables for what a part does not assign. No part has this character itself.
const NOT_ASSIGNED: char = '\u{fffd}';

impl UpperHalf {
    fn character(self, byte: u8) -> Option<char> {
        match (self, byte.checked_sub(UPPER_FROM)) {
            (Self::AsUnicode, _) | (Self::Table(_), None) => Some(char::from(byte)),
            (Self::Table(table), Some(place)) => {
                table.chars().nth(place.into()).filter(|character| *character != NOT_ASSIGNED)
            }
        }
    }

    fn byte(self, character: char) -> Option<u8> {
        let same = u8::try_from(character).ok();
        match self {
            Self::AsUnicode => same,
            Self::Table(_) if same.is_some_and(|byte| byte < UPPER_FROM) => same,
            Self::Table(_) if character == NOT_ASSIGNED => None,
            Self::Table(table) => {
                let place = table.chars().position(|other| other == character)?;
                Some(UPPER_FROM + u8::try_from(place).expect("a table has 96 characters"))
            }
        }
    }
}

// The parts as the standards assign them, from byte 160 to byte 255; part 7 in its edition of 2003, which has the euro.
const PART_2: &str = "\u{a0}Ą\u{2d8}Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą\u{2db}ł´ľś\u{2c7}\u{b8}šşťź\u{2dd}žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎ\
    ĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ\u{2d9}";
const PART_4: &str = "\u{a0}ĄĸŖ¤ĨĻ§¨ŠĒĢŦ\u{ad}Ž¯°ą\u{2db}ŗ´ĩļ\u{2c7}\u{b8}šēģŧŊžŋĀÁÂÃÄÅÆĮČÉĘËĖÍÎĪ\
    ĐŅŌĶÔÕÖ×ØŲÚÛÜŨŪßāáâãäåæįčéęëėíîīđņōķôõö÷øųúûüũū\u{2d9}";
const PART_5: &str = "\u{a0}ЁЂЃЄЅІЇЈЉЊЋЌ\u{ad}ЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
    абвгдежзийклмнопрстуфхцчшщъыьэюя№ёђѓєѕіїјљњћќ§ўџ";
const PART_7: &str = "\u{a0}‘’£€₯¦§¨©\u{37a}«¬\u{ad}\u{fffd}―°±²³\u{384}\u{385}Ά·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟ\
    ΠΡ\u{fffd}ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\u{fffd}";
const PART_10: &str = "\u{a0}ĄĒĢĪĨĶ§ĻĐŠŦŽ\u{ad}ŪŊ°ąēģīĩķ·ļđšŧž―ūŋĀÁÂÃÄÅÆĮČÉĘËĖÍÎÏ\
    ÐŅŌÓÔÕÖŨØŲÚÛÜÝÞßāáâãäåæįčéęëėíîïðņōóôõöũøųúûüýþĸ";
const PART_15: &str = "\u{a0}¡¢£€¥Š§š©ª«¬\u{ad}®¯°±²³Žµ¶·ž¹º»ŒœŸ¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ\
    ÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_to_their_sets() {
        for set in CharacterSet::ALL {
            assert_eq!(CharacterSet::from_number(set.number()), Some(set));
        }
        for number in [0, 9, 49, 255] {
            assert_eq!(CharacterSet::from_number(number), None);
        }
    }

    /// Spot checks against the standards: each set's own letters at their places.
    #[test]
    fn letters_have_the_bytes_of_their_part() {
        for (set, text, bytes) in [
            (CharacterSet::Utf8, "é€", &[0xc3, 0xa9, 0xe2, 0x82, 0xac][..]),
            (CharacterSet::Iso8859Part1, "Müßé÷ÿ", &[b'M', 0xfc, 0xdf, 0xe9, 0xf7, 0xff]),
            (CharacterSet::Iso8859Part2, "ĄŁżřő", &[0xa1, 0xa3, 0xbf, 0xf8, 0xf5]),
            (CharacterSet::Iso8859Part4, "ĸŊūģ", &[0xa2, 0xbd, 0xfe, 0xbb]),
            (CharacterSet::Iso8859Part5, "Яёџ№", &[0xcf, 0xf1, 0xff, 0xf0]),
            (CharacterSet::Iso8859Part7, "€Ωώλ", &[0xa4, 0xd9, 0xfe, 0xeb]),
            (CharacterSet::Iso8859Part10, "ŅÐøĸ", &[0xd1, 0xd0, 0xf8, 0xff]),
            (CharacterSet::Iso8859Part15, "€ŠŒÿ", &[0xa4, 0xa6, 0xbc, 0xff]),
        ] {
            assert_eq!(set.encode(text).as_deref(), Some(bytes), "{set}");
            assert_eq!(set.decode(bytes).as_deref(), Some(text), "{set}");
        }
    }

    #[test]
    fn every_byte_comes_back_or_is_none_of_the_set() {
        for set in &CharacterSet::ALL[1..] {
            let mut not_assigned = Vec::new();
            for byte in 0..=u8::MAX {
                match set.decode(&[byte]) {
                    Some(text) => assert_eq!(set.encode(&text), Some(vec![byte]), "{set}"),
                    None => not_assigned.push(byte),
                }
            }
            let expected: &[u8] = if *set == CharacterSet::Iso8859Part7 { &[0xae, 0xd2, 0xff] } else { &[] };
            assert_eq!(not_assigned, expected, "{set}");
        }
    }

    #[test]
    fn a_set_refuses_what_it_lacks() {
        assert_eq!(CharacterSet::Iso8859Part1.encode("€"), None);
        assert_eq!(CharacterSet::Iso8859Part15.encode("ł"), None);
        assert_eq!(CharacterSet::Iso8859Part7.encode("\u{fffd}"), None);
        assert_eq!(CharacterSet::Utf8.decode(&[0xff]), None);
    }
}
