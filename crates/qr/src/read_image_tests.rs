//! Images with payment codes, with others, and with none.

use png::{BitDepth, ColorType};
use proptest::prelude::*;

use super::*;
use crate::samples::{invoice, largest, photograph, png};
use crate::{Line, LineFault, Symbol};

fn symbol(code: &PaymentCode) -> Symbol {
    Symbol::of(&code.write().unwrap())
}

/// Gray pixels of a symbol, each square so many pixels wide.
fn drawn(symbol: &Symbol, scale: usize) -> (usize, Vec<u8>) {
    let side = symbol.side_with_quiet_zone() * scale;
    let shade = |place: usize| {
        let (x, y) = (place % side / scale, place / side / scale);
        if symbol.is_dark_within_quiet_zone(x, y) { 0 } else { 255 }
    };
    (side, (0..side * side).map(shade).collect())
}

fn gray_png(width: usize, pixels: &[u8]) -> Vec<u8> {
    png(width, ColorType::Grayscale, BitDepth::Eight, pixels)
}

/// Puts one image at a place of a larger one.
fn paste(paper: &mut [u8], width: usize, at: (usize, usize), side: usize, pixels: &[u8]) {
    for (row, pixels) in pixels.chunks_exact(side).enumerate() {
        paper[(at.1 + row) * width + at.0..][..side].copy_from_slice(pixels);
    }
}

#[test]
fn what_is_written_as_png_is_read() {
    for code in [invoice(), largest()] {
        assert_eq!(read_png(&symbol(&code).to_png(), ImageLimits::FILE), Ok(code));
    }
}

#[test]
fn squares_of_any_width_are_read() {
    for code in [invoice(), largest()] {
        for scale in [1, 2, 3, 4, 5, 7, 10, 20, 40] {
            let (side, pixels) = drawn(&symbol(&code), scale);
            assert_eq!(read_png(&gray_png(side, &pixels), ImageLimits::FILE), Ok(code.clone()), "{scale}");
        }
    }
}

#[test]
fn photographs_are_read_however_the_paper_lies() {
    let code = invoice();
    for degrees in (0..360).step_by(15) {
        for scale in [5.0, 8.3] {
            let (side, pixels) = photograph(&symbol(&code), degrees.into(), scale);
            let read = read_png(&gray_png(side, &pixels), ImageLimits::FILE);
            assert_eq!(read, Ok(code.clone()), "{degrees} degrees, {scale} pixels a square");
        }
    }
}

#[test]
fn a_code_is_found_anywhere_on_a_page() {
    let code = invoice();
    let (side, pixels) = drawn(&symbol(&code), 6);
    let (width, height) = (2480, 3508);
    for at in [(0, 0), (900, 880), (width - side, height - side)] {
        let mut paper = vec![255; width * height];
        paste(&mut paper, width, at, side, &pixels);
        assert_eq!(read_png(&gray_png(width, &paper), ImageLimits::FILE), Ok(code.clone()), "{at:?}");
    }
}

#[test]
fn every_kind_of_colour_is_read() {
    let code = invoice();
    let (side, gray) = drawn(&symbol(&code), 4);
    let each = |pixel: fn(u8) -> Vec<u8>| gray.iter().flat_map(|gray| pixel(*gray)).collect::<Vec<u8>>();
    let files = [
        png(side, ColorType::Grayscale, BitDepth::Sixteen, &each(|gray| vec![gray, gray])),
        png(side, ColorType::Rgb, BitDepth::Eight, &each(|gray| vec![gray / 2, gray, 20])),
        // Black on nothing, and black on transparent black.
        png(side, ColorType::GrayscaleAlpha, BitDepth::Eight, &each(|gray| vec![0, 255 - gray])),
        png(side, ColorType::Rgba, BitDepth::Eight, &each(|gray| vec![0, 0, 0, 255 - gray])),
        png(side, ColorType::Indexed, BitDepth::Eight, &each(|gray| vec![u8::from(gray == 0)])),
    ];
    for (number, file) in files.iter().enumerate() {
        assert_eq!(read_png(file, ImageLimits::FILE), Ok(code.clone()), "{number}");
    }
}

#[test]
fn the_same_code_twice_is_one_and_two_codes_are_too_many() {
    let (first, second) = (invoice(), PaymentCode { amount: None, ..invoice() });
    let page = |second: &PaymentCode| {
        let mut paper = vec![255; 800 * 400];
        for (code, left) in [(&first, 0), (second, 400)] {
            let (side, pixels) = drawn(&symbol(code), 6);
            paste(&mut paper, 800, (left, 50), side, &pixels);
        }
        read_png(&gray_png(800, &paper), ImageLimits::FILE)
    };
    assert_eq!(page(&first), Ok(first.clone()));
    assert_eq!(page(&second), Err(ReadError::Several));
}

#[test]
fn other_codes_do_not_count_beside_a_payment_code() {
    let other = qrcodegen::QrCode::encode_text("https://example.org", qrcodegen::QrCodeEcc::Medium).unwrap();
    let side = usize::try_from(other.size()).unwrap() * 6;
    let shade = |place: usize| {
        let [x, y] = [place % side / 6, place / side / 6].map(|at| i32::try_from(at).unwrap());
        if other.get_module(x, y) { 0 } else { 255 }
    };
    let others: Vec<u8> = (0..side * side).map(shade).collect();
    let mut paper = vec![255; 800 * 400];
    paste(&mut paper, 800, (450, 60), side, &others);
    let refused = read_png(&gray_png(800, &paper), ImageLimits::FILE);
    let fault = PayloadError::Line { line: Line::ServiceTag, fault: LineFault::NotServiceTag };
    assert_eq!(refused, Err(ReadError::NotPaymentCode(fault)));
    let (side, pixels) = drawn(&symbol(&invoice()), 6);
    paste(&mut paper, 800, (20, 60), side, &pixels);
    assert_eq!(read_png(&gray_png(800, &paper), ImageLimits::FILE), Ok(invoice()));
}

#[test]
fn images_are_refused_by_their_size_before_they_are_decoded() {
    let file = symbol(&invoice()).to_png();
    let limits = ImageLimits { bytes_max: file.len() - 1, pixels_max: usize::MAX };
    let bytes = ImageError::Bytes { bytes: file.len(), bytes_max: file.len() - 1 };
    assert_eq!(read_png(&file, limits), Err(ReadError::Image(bytes)));
    // Only the header says so: there is no pixel behind it.
    let mut header = Vec::new();
    let encoder = png::Encoder::new(&mut header, 60_000, 60_000);
    drop(encoder.write_header().unwrap());
    let pixels =
        ImageError::Pixels { width: 60_000, height: 60_000, pixels_max: ImageLimits::FILE.pixels_max };
    assert_eq!(read_png(&header, ImageLimits::FILE), Err(ReadError::Image(pixels)));
    let mut strip = Vec::new();
    let encoder = png::Encoder::new(&mut strip, 40_000, 1);
    drop(encoder.write_header().unwrap());
    assert!(matches!(
        read_png(&strip, ImageLimits::FILE),
        Err(ReadError::Image(ImageError::Pixels { width: 40_000, height: 1, .. }))
    ));
}

#[test]
fn what_is_no_image_of_a_code_is_refused() {
    let refused = |file: &[u8]| read_png(file, ImageLimits::FILE).unwrap_err();
    assert_eq!(refused(b""), ReadError::Image(ImageError::NotPng));
    assert_eq!(refused(b"GIF89a"), ReadError::Image(ImageError::NotPng));
    let file = symbol(&invoice()).to_png();
    assert!(matches!(refused(&file[..file.len() / 2]), ReadError::Image(ImageError::Damaged(_))));
    assert!(matches!(refused(&file[..8]), ReadError::Image(ImageError::Damaged(_))));
    assert_eq!(refused(&gray_png(300, &[255; 300 * 200])), ReadError::NoCode);
    let stripes: Vec<u8> = (0..300 * 300).map(|place| if place % 7 < 3 { 0 } else { 255 }).collect();
    assert_eq!(refused(&gray_png(300, &stripes)), ReadError::NoCode);
    assert_eq!(refused(&gray_png(1, &[0])), ReadError::NoCode);
}

#[test]
fn interlaced_images_are_read() {
    // The encoder writes none, so this one is put together by its seven passes.
    let (side, gray) = drawn(&symbol(&invoice()), 2);
    let mut data = Vec::new();
    for (x, y, right, down) in
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    {
        for row in (y..side).step_by(down) {
            data.push(0);
            data.extend((x..side).step_by(right).map(|column| gray[row * side + column]));
        }
    }
    let file = interlaced(side, &data);
    assert_eq!(read_png(&file, ImageLimits::FILE), Ok(invoice()));
}

/// A gray PNG whose rows are given with their filters, stored without compression.
fn interlaced(side: usize, data: &[u8]) -> Vec<u8> {
    let side = u32::try_from(side).unwrap().to_be_bytes();
    let mut zlib = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff);
    let last = blocks.len() - 1;
    for (index, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        zlib.push(u8::from(index == last));
        zlib.extend(length.to_le_bytes());
        zlib.extend((!length).to_le_bytes());
        zlib.extend(block);
    }
    let sums = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    zlib.extend((sums.1 << 16 | sums.0).to_be_bytes());
    let header = [&side[..], &side, &[8, 0, 0, 0, 1]].concat();
    let chunks = [(b"IHDR", header), (b"IDAT", zlib), (b"IEND", Vec::new())];
    let chunks = chunks.iter().flat_map(|(kind, content)| chunk(kind, content));
    PNG_SIGNATURE.iter().copied().chain(chunks).collect()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&kind[..], content].concat();
    let sum = body.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    });
    [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], &body, &(!sum).to_be_bytes()].concat()
}

#[test]
fn tiles_cover_a_side_and_overlap_by_half() {
    let of = |side| tiles(side).collect::<Vec<_>>();
    assert_eq!(of(1), [(0, 1)]);
    assert_eq!(of(1024), [(0, 1024)]);
    assert_eq!(of(1025), [(0, 1024), (512, 513)]);
    assert_eq!(of(2048), [(0, 1024), (512, 1024), (1024, 1024)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_file_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read_png(&bytes, ImageLimits::FILE).is_err());
        prop_assert!(read_png(&[PNG_SIGNATURE, &bytes].concat(), ImageLimits::FILE).is_err());
    }

    #[test]
    fn damaged_files_are_read_or_refused(places in proptest::collection::vec((0..1_usize << 16, any::<u8>()), 1..4)) {
        let code = invoice();
        let mut file = symbol(&code).to_png();
        for (place, byte) in places {
            let place = place % file.len();
            file[place] = byte;
        }
        match read_png(&file, ImageLimits::FILE) {
            Ok(read) => prop_assert_eq!(read, code),
            Err(ReadError::Image(_) | ReadError::NoCode | ReadError::NotPaymentCode(_)) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    /// Correction M mends stains of this size, wherever they are; what it can't mend is not read as something else.
    #[test]
    fn stains_are_mended_or_the_code_is_refused(x in 0..296_usize, y in 0..296_usize, size in 1..60_usize) {
        let code = invoice();
        let (side, mut pixels) = drawn(&symbol(&code), 8);
        for row in y..(y + size).min(side) {
            for column in x..(x + size).min(side) {
                pixels[row * side + column] = 0;
            }
        }
        match read_png(&gray_png(side, &pixels), ImageLimits::FILE) {
            Ok(read) => prop_assert_eq!(read, code),
            Err(ReadError::NoCode) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
