//! The QR code of a payment code: which of its squares are dark.
//!
//! Invariant: error correction M and no version beyond [`SYMBOL_VERSION_MAX`], as the guideline has it.

use std::fmt;

use qrcodegen::{QrCode, QrCodeEcc, QrSegment};

use crate::Payload;

/// The largest version of the symbol of a payment code: 69 by 69 squares.
pub const SYMBOL_VERSION_MAX: u8 = 13;

/// How many light squares surround the symbol in every form, so that readers find it.
pub(crate) const QUIET_ZONE: usize = 4;

/// A symbol: light and dark squares in as many rows as columns.
#[derive(Clone, PartialEq, Eq)]
pub struct Symbol {
    side: usize,
    /// Row by row from the top, each from the left.
    dark: Vec<bool>,
}

impl Symbol {
    /// The smallest symbol that holds a payment code.
    pub fn of(payload: &Payload) -> Self {
        // Bytes without a sign of their character set: the third line of the payload is that sign.
        let segment = QrSegment::make_bytes(payload.as_bytes());
        let [version_min, version_max] = [1, SYMBOL_VERSION_MAX].map(qrcodegen::Version::new);
        let code = QrCode::encode_segments_advanced(
            &[segment],
            QrCodeEcc::Medium,
            version_min,
            version_max,
            None,
            false,
        );
        let code = code.expect("version 13 holds 331 bytes with error correction M");
        let places = || (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let dark = places().map(|(x, y)| code.get_module(x, y)).collect();
        let side = usize::try_from(code.size()).expect("a side is 21 to 69");
        Self { side, dark }
    }

    /// How many squares a row has, without the light ones around the symbol.
    pub const fn side(&self) -> usize {
        self.side
    }

    /// The version, 1 to 13, which says how large the symbol is.
    pub fn version(&self) -> u8 {
        u8::try_from((self.side - 17) / 4).expect("a side is 21 to 69")
    }

    /// Whether the square at this column and row is dark, counted from the top left. Those outside are light.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.side && y < self.side && self.dark[y * self.side + x]
    }

    /// The same where the light squares around the symbol are counted too.
    pub(crate) fn is_dark_within_quiet_zone(&self, x: usize, y: usize) -> bool {
        match (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE)) {
            (Some(x), Some(y)) => self.is_dark(x, y),
            _ => false,
        }
    }

    /// How many squares a row has with those around the symbol.
    pub(crate) const fn side_with_quiet_zone(&self) -> usize {
        self.side + 2 * QUIET_ZONE
    }
}

/// Shows only the size: the squares name the payee.
impl fmt::Debug for Symbol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Symbol({0} by {0})", self.side)
    }
}
