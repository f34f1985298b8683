//! How each country makes its VAT numbers: form and check digits.
//!
//! The rules are public facts of the tax administrations. Where a country gives numbers to persons by a rule of its
//! own, only the form is checked: they are not codes of legal persons.

/// A country's numbers.
pub(crate) struct Country {
    /// The prefix.
    pub(crate) code: &'static str,
    /// What may stand behind it; `vat::has_form` reads them.
    pub(crate) forms: &'static [&'static str],
    /// Words behind the number that are no part of it.
    pub(crate) endings: &'static [&'static str],
    /// Whether a body of that form has the right check digits.
    pub(crate) is_right: fn(&[u8]) -> bool,
}

const fn country(code: &'static str, forms: &'static [&'static str], is_right: fn(&[u8]) -> bool) -> Country {
    Country { code, forms, endings: &[], is_right }
}

pub(crate) static COUNTRIES: [Country; 31] = [
    country("AT", &["u99999999"], austria),
    country("BE", &["999999999", "9999999999"], belgium),
    country("BG", &["999999999", "9999999999"], bulgaria),
    country("CY", &["99999999A"], cyprus),
    country("CZ", &["99999999", "999999999", "9999999999"], czechia),
    country("DE", &["999999999"], |body| body[0] != b'0' && modulo_11_10(body)),
    country("DK", &["99999999"], |body| {
        body[0] != b'0' && sum(body, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    }),
    country("EE", &["999999999"], |body| sum(body, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)),
    country("EL", &["999999999"], greece),
    country("ES", &["X9999999X"], spain),
    country("FI", &["99999999"], |body| sum(body, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)),
    country("FR", &["XX999999999"], france),
    country("HR", &["99999999999"], modulo_11_10),
    country("HU", &["99999999"], |body| sum(body, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10)),
    country("IE", &["9999999A", "9999999AA", "9+99999A"], ireland),
    country("IT", &["99999999999"], luhn),
    country("LT", &["999999999", "999999999999"], lithuania),
    country("LU", &["99999999"], |body| number(&body[..6]) % 89 == number(&body[6..])),
    country("LV", &["99999999999"], latvia),
    country("MT", &["99999999"], |body| {
        body[0] != b'0' && sum(body, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37)
    }),
    country("NL", &["999999999b99"], netherlands),
    country("PL", &["9999999999"], |body| sum(body, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digit(body[9])),
    country("PT", &["999999999"], portugal),
    country(
        "RO",
        &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"],
        romania,
    ),
    country("SE", &["999999999999"], |body| luhn(&body[..10]) && body[10..] != *b"00"),
    country("SI", &["99999999"], slovenia),
    country("SK", &["9999999999"], slovakia),
    country("GB", &["999999999", "999999999999", "gd999", "ha999"], united_kingdom),
    country("XI", &["999999999", "999999999999", "gd999", "ha999"], united_kingdom),
    Country { code: "NO", forms: &["999999999"], endings: &["MVA"], is_right: norway },
    Country {
        code: "CH",
        forms: &["999999999"],
        endings: &["MWST", "TVA", "IVA", "TPV"],
        is_right: switzerland,
    },
];

fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0')) % 10
}

/// The number that the digits are; ten of them at most.
fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, byte| number * 10 + u64::from(digit(*byte)))
}

/// The digits, each by its weight, as far as there are weights.
fn sum(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(byte, weight)| digit(*byte) * weight).sum()
}

/// ISO 7064, modulo 11,10.
fn modulo_11_10(digits: &[u8]) -> bool {
    let Some((check, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, byte| {
        let sum = (product + digit(*byte)) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (product + digit(*check)) % 10 == 1
}

/// Every second digit from the right is doubled, and the digits of the products are added.
fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let from_right = digits.iter().rev().map(|byte| digit(*byte)).enumerate();
    from_right.map(|(place, digit)| if place % 2 == 1 { doubled(digit) } else { digit }).sum::<u32>() % 10
        == 0
}

fn austria(body: &[u8]) -> bool {
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let digits = body[1..8].iter().map(|byte| digit(*byte)).enumerate();
    let sum: u32 = digits.map(|(place, digit)| if place % 2 == 1 { doubled(digit) } else { digit }).sum();
    (sum + 4 + digit(body[8])).is_multiple_of(10)
}

fn belgium(body: &[u8]) -> bool {
    let (rest, check) = body.split_at(body.len() - 2);
    let is_begun_well = body.len() == 9 || matches!(body[0], b'0' | b'1');
    is_begun_well && 97 - number(rest) % 97 == number(check)
}

fn bulgaria(body: &[u8]) -> bool {
    if body.len() == 10 {
        return true;
    }
    let check = match sum(body, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
        10 => sum(body, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
        check => check,
    };
    check == digit(body[8])
}

fn cyprus(body: &[u8]) -> bool {
    const ODD: [u32; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let value = |(place, byte): (usize, &u8)| match usize::try_from(digit(*byte)) {
        Ok(digit) if place % 2 == 0 => ODD[digit],
        Ok(_) | Err(_) => digit(*byte),
    };
    let sum: u32 = body[..8].iter().enumerate().map(value).sum();
    !body.starts_with(b"12") && sum % 26 == u32::from(body[8] - b'A')
}

fn czechia(body: &[u8]) -> bool {
    if body.len() != 8 {
        // A birth number of a person.
        return true;
    }
    let check = (11 - sum(body, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    let check = if check == 0 { 1 } else { check % 10 };
    body[0] != b'9' && check == digit(body[7])
}

fn greece(body: &[u8]) -> bool {
    sum(body, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == digit(body[8])
}

fn spain(body: &[u8]) -> bool {
    let (first, last) = (body[0], body[8]);
    let letter = |number: u64| {
        let place = usize::try_from(number % 23).expect("less than 23");
        b"TRWAGMYFPDXBNJZSQVHLCKE"[place]
    };
    match first {
        b'0'..=b'9' => letter(number(&body[..8])) == last,
        b'K' | b'L' | b'M' => letter(number(&body[1..8])) == last,
        b'X' | b'Y' | b'Z' => letter(u64::from(first - b'X') * 10_000_000 + number(&body[1..8])) == last,
        b'A'..=b'H' | b'J' | b'N' | b'P'..=b'S' | b'U' | b'V' | b'W' => {
            let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
            let digits = body[1..8].iter().map(|byte| digit(*byte)).enumerate();
            let sum: u32 =
                digits.map(|(place, digit)| if place % 2 == 0 { doubled(digit) } else { digit }).sum();
            let check = (10 - sum % 10) % 10;
            let is_digit = last.is_ascii_digit() && digit(last) == check;
            let is_letter = usize::try_from(check).is_ok_and(|place| b"JABCDEFGHI"[place] == last);
            match first {
                b'A' | b'B' | b'E' | b'H' => is_digit,
                b'N' | b'P' | b'Q' | b'R' | b'S' | b'W' => is_letter,
                _ => is_digit || is_letter,
            }
        }
        _ => false,
    }
}

fn france(body: &[u8]) -> bool {
    let (key, siren) = body.split_at(2);
    // Numbers of Monaco begin with three zeros and have no check digit of their own.
    if !luhn(siren) && !siren.starts_with(b"000") {
        return false;
    }
    let siren = number(siren);
    if key.iter().all(u8::is_ascii_digit) {
        return (siren * 100 + 12) % 97 == number(key);
    }
    // Letters without O and I, which are taken for digits.
    const LETTERS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let place = |byte: u8| {
        LETTERS.iter().position(|letter| *letter == byte).and_then(|place| u64::try_from(place).ok())
    };
    let (Some(first), Some(second)) = (place(key[0]), place(key[1])) else { return false };
    let value = if first < 10 {
        (first * 24 + second).checked_sub(10)
    } else {
        (first * 34 + second).checked_sub(100)
    };
    value.is_some_and(|value| (siren + 1 + value / 11) % 11 == value % 11)
}

fn ireland(body: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let letter = |sum: u32| usize::try_from(sum % 23).map(|place| LETTERS[place]);
    let weights = &[8, 7, 6, 5, 4, 3, 2];
    if !body[1].is_ascii_digit() {
        // The older form: the first digit stood at the end.
        let digits = [b'0', body[2], body[3], body[4], body[5], body[6], body[0]];
        return letter(sum(&digits, weights)) == Ok(body[7]);
    }
    let second = match body.get(8) {
        None | Some(b'W') => 0,
        Some(letter) => u32::from(letter - b'A') + 1,
    };
    letter(sum(body, weights) + 9 * second) == Ok(body[7])
}

fn lithuania(body: &[u8]) -> bool {
    let (check, rest) = (digit(body[body.len() - 1]), &body[..body.len() - 1]);
    let weighted = |first: u32| {
        let weights = (0..).map(|place| 1 + (place + first) % 9);
        rest.iter().zip(weights).map(|(byte, weight): (&u8, u32)| digit(*byte) * weight).sum::<u32>() % 11
    };
    let expected = match weighted(0) {
        10 => weighted(2) % 10,
        expected => expected,
    };
    rest.ends_with(b"1") && expected == check
}

fn latvia(body: &[u8]) -> bool {
    // Persons' numbers begin with the day of birth, or since 2017 with 32, and are no codes of legal persons.
    body[0] <= b'3' || sum(body, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3
}

fn netherlands(body: &[u8]) -> bool {
    let legal_person = sum(body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == digit(body[8]);
    // Since 2020 persons have numbers of their own, checked as a whole: N = 23, L = 21, B = 11.
    let digits = [b"2321".as_slice(), &body[..9], b"11", &body[10..]];
    let remainder = digits.into_iter().flatten().fold(0, |rest, byte| (rest * 10 + digit(*byte)) % 97);
    body[10..] != *b"00" && (legal_person || remainder == 1)
}

fn portugal(body: &[u8]) -> bool {
    let check = (11 - sum(body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
    body[0] != b'0' && check == digit(body[8])
}

fn romania(body: &[u8]) -> bool {
    let (check, rest) = (digit(body[body.len() - 1]), &body[..body.len() - 1]);
    let weights = &[7, 5, 3, 2, 1, 7, 5, 3, 2][9 - rest.len()..];
    body[0] != b'0' && sum(rest, weights) * 10 % 11 % 10 == check
}

fn slovenia(body: &[u8]) -> bool {
    let check = 11 - sum(body, &[8, 7, 6, 5, 4, 3, 2]) % 11;
    body[0] != b'0' && check != 11 && check % 10 == digit(body[7])
}

fn slovakia(body: &[u8]) -> bool {
    body[0] != b'0'
        && matches!(body[2], b'2' | b'3' | b'4' | b'7' | b'8' | b'9')
        && number(body).is_multiple_of(11)
}

fn united_kingdom(body: &[u8]) -> bool {
    if body.len() == 5 {
        // Government departments up to 499, health authorities from 500.
        return (body[0] == b'G') == (body[2] < b'5');
    }
    let rest = u64::from(sum(body, &[8, 7, 6, 5, 4, 3, 2])) + number(&body[7..9]);
    // Numbers given since 2009 are greater by 55.
    rest.is_multiple_of(97) || (rest + 55).is_multiple_of(97)
}

fn norway(body: &[u8]) -> bool {
    (11 - sum(body, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == digit(body[8])
}

fn switzerland(body: &[u8]) -> bool {
    (11 - sum(body, &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == digit(body[8])
}
