//! From an image back to the payment code in it.
//!
//! The image is looked at in several sizes, and in each of them tile by tile: a tile is as small as a whole code of a good
//! size fits into, whatever lies around it, and its shades are told apart on their own, as shadows on paper want it.
//!
//! Invariants:
//! - An image in which two different payment codes are found is refused: which one is meant is not ours to guess.
//! - The search ends within [`SEARCH_TIME_MAX`] and what one tile takes.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use quircs::Quirc;

use crate::gray_image::{GrayImage, PNG_SIGNATURE};
use crate::{ImageError, ImageLimits, PayloadError, PaymentCode};

/// How long an image is searched.
pub const SEARCH_TIME_MAX: Duration = Duration::from_secs(5);

/// The side of a tile, in pixels. Its coordinates keep the finder's arithmetic far within 32 bits.
const TILE: usize = 1024;

/// How far the next tile begins. What is not wider lies whole in one of them.
const TILE_STEP: usize = TILE / 2;

/// A smaller image than this is not halved: no code would be left in it.
const HALVED_SIDE_MIN: usize = 256;

/// Why an image gave no payment code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no image.
    #[error(transparent)]
    Image(ImageError),
    /// No QR code was found.
    #[error(
        "no QR code was found in the image: see that it is sharp, whole and not too small, with white around it"
    )]
    NoCode,
    /// There are QR codes, and none of them asks for a payment. What is wrong with one of them.
    #[error("the QR code in the image is no payment code: {0}")]
    NotPaymentCode(PayloadError),
    /// There are several.
    #[error("the image has several payment codes: cut out the one that is meant")]
    Several,
    /// The search took too long.
    #[error("the image could not be searched within {} s: cut the code out", SEARCH_TIME_MAX.as_secs())]
    TimeIsOver,
}

/// Whether bytes begin as a PNG file does.
pub fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(PNG_SIGNATURE)
}

/// Reads the payment code in a PNG image. This may take seconds, so it has no place on a thread that serves others.
pub fn read_png(png: &[u8], limits: ImageLimits) -> Result<PaymentCode, ReadError> {
    let until = Instant::now() + SEARCH_TIME_MAX;
    let image = GrayImage::read_png(png, limits).map_err(ReadError::Image)?;
    let mut found = BTreeSet::new();
    let mut searched = Ok(());
    for_each_size(image, |image| {
        if searched.is_ok() {
            searched = search(image, until, &mut found);
        }
    });
    searched?;
    let (mut codes, mut fault_of_one) = (Vec::new(), None);
    for payload in found {
        match PaymentCode::parse(&payload) {
            Ok(code) if codes.contains(&code) => {}
            Ok(code) => codes.push(code),
            Err(fault) => fault_of_one = fault_of_one.or(Some(fault)),
        }
    }
    match (codes.pop(), fault_of_one) {
        (Some(_), _) if !codes.is_empty() => Err(ReadError::Several),
        (Some(code), _) => Ok(code),
        (None, Some(fault)) => Err(ReadError::NotPaymentCode(fault)),
        (None, None) => Err(ReadError::NoCode),
    }
}

/// Shows the image as it is and halved again and again. A small one, whose squares may be single pixels, is enlarged too.
fn for_each_size(image: GrayImage, mut look: impl FnMut(&GrayImage)) {
    if image.width().max(image.height()) <= TILE / 3 {
        look(&image.tripled());
    }
    let mut image = image;
    loop {
        look(&image);
        if image.width().min(image.height()) < 2 * HALVED_SIDE_MIN {
            return;
        }
        image = image.halved();
    }
}

/// Adds what the QR codes of an image say.
fn search(image: &GrayImage, until: Instant, found: &mut BTreeSet<Vec<u8>>) -> Result<(), ReadError> {
    let mut finder = Quirc::default();
    for (top, height) in tiles(image.height()) {
        for (left, width) in tiles(image.width()) {
            if Instant::now() > until {
                return Err(ReadError::TimeIsOver);
            }
            let pixels = image.cut(left, top, width, height);
            // The finder is a stranger's arithmetic on a stranger's pixels: where it gives up, this tile has no code.
            let payloads = catch_unwind(AssertUnwindSafe(|| {
                let codes = finder.identify(width, height, &pixels).filter_map(Result::ok);
                codes.filter_map(|code| code.decode().ok()).map(|data| data.payload).collect::<Vec<_>>()
            }));
            match payloads {
                Ok(payloads) => found.extend(payloads),
                Err(_) => finder = Quirc::default(),
            }
        }
    }
    Ok(())
}

/// Where the tiles along a side begin, and how long they are.
fn tiles(side: usize) -> impl Iterator<Item = (usize, usize)> {
    let last = side.saturating_sub(TILE).div_ceil(TILE_STEP);
    (0..=last).map(move |index| (index * TILE_STEP, TILE.min(side - index * TILE_STEP)))
}

#[cfg(test)]
#[path = "read_image_tests.rs"]
mod tests;
