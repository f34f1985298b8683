//! Payment codes and images that several tests use.

use types::{Amount, Bic, Currency, Iban, Text};

use crate::{CharacterSet, PaymentCode, Purpose, Remittance, Scheme, Symbol, Version};

/// A code with a text, as invoices have it.
pub(crate) fn invoice() -> PaymentCode {
    PaymentCode {
        version: Version::V002,
        character_set: CharacterSet::Utf8,
        scheme: Scheme::CreditTransfer,
        bic: None,
        name: Text::parse("Blumen Müller GmbH").unwrap(),
        iban: Iban::parse("DE89370400440532013000").unwrap(),
        amount: Some(Amount::parse("45.90", Currency::EUR).unwrap()),
        purpose: None,
        remittance: Some(Remittance::Unstructured(Text::parse("Rechnung 2026-117").unwrap())),
        information: None,
    }
}

/// A code that fills a symbol of version 13 to its last byte.
pub(crate) fn largest() -> PaymentCode {
    PaymentCode {
        version: Version::V001,
        bic: Some(Bic::parse("SLVOBEBB001").unwrap()),
        name: Text::parse(&"N".repeat(70)).unwrap(),
        purpose: Some(Purpose::parse("SUPP").unwrap()),
        remittance: Some(Remittance::Unstructured(Text::parse(&"R".repeat(140)).unwrap())),
        information: Some(Text::parse(&"I".repeat(56)).unwrap()),
        ..invoice()
    }
}

/// Pixels of a symbol on white paper: turned by an angle in degrees, each square so many pixels wide.
pub(crate) fn photograph(symbol: &Symbol, degrees: f64, scale: f64) -> (usize, Vec<u8>) {
    let squares = symbol.side() as f64 + 8.0;
    let side = (squares * scale * 1.5) as usize;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let is_dark = |x: f64, y: f64| {
        let (x, y) = (x - side as f64 / 2.0, y - side as f64 / 2.0);
        let middle = symbol.side() as f64 / 2.0;
        let column = ((x * cos + y * sin) / scale + middle).floor();
        let row = ((y * cos - x * sin) / scale + middle).floor();
        column >= 0.0 && row >= 0.0 && symbol.is_dark(column as usize, row as usize)
    };
    let shade = |place: usize| {
        let (x, y) = ((place % side) as f64, (place / side) as f64);
        let parts = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
        let dark = parts.iter().filter(|(right, down)| is_dark(x + right, y + down)).count();
        // Ink and paper are neither black nor white.
        (220 - 45 * dark) as u8
    };
    (side, (0..side * side).map(shade).collect())
}

/// Pixels as a PNG, with so many bytes for each as the kind of colour wants.
pub(crate) fn png(width: usize, color: png::ColorType, depth: png::BitDepth, pixels: &[u8]) -> Vec<u8> {
    let bits = color.samples() * depth as usize;
    let height = pixels.len() / (width * bits).div_ceil(8);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        // 0 is transparent, 1 black.
        encoder.set_palette(vec![0, 0, 0, 0, 0, 0]);
        encoder.set_trns(vec![0, 255]);
    }
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    file
}
