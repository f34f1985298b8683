//! Images as shades of gray, read from PNG files that may hold anything.
//!
//! Invariants:
//! - An image is refused by its size before it is decoded.
//! - Beside the file, memory is one byte for each pixel and what a row needs.

use std::io::Cursor;

use png::{ColorType, InterlaceInfo, Transformations};

/// How large an image may be that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Bytes of the file.
    pub bytes_max: usize,
    /// Pixels of the image, width times height.
    pub pixels_max: usize,
}

impl ImageLimits {
    /// For a file of one's own: 16 MiB and 64 megapixels.
    pub const FILE: Self = Self { bytes_max: 16 << 20, pixels_max: 64_000_000 };

    /// For what a stranger sends: 4 MiB and 16 megapixels.
    pub const MESSAGE: Self = Self { bytes_max: 4 << 20, pixels_max: 16_000_000 };
}

/// The longest side of an image, in pixels.
const SIDE_MAX: usize = 1 << 15;

/// What the decoder may use for itself, beside the file and the pixels.
const DECODER_BYTES_MAX: usize = 8 << 20;

/// Why a file is no image that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The file is larger than is read.
    #[error("the file has {bytes} bytes, and at most {bytes_max} are read: send a smaller image")]
    Bytes {
        /// As many as it has.
        bytes: usize,
        /// As many as it may have.
        bytes_max: usize,
    },
    /// The image is larger than is read.
    #[error(
        "the image has {width} by {height} pixels; at most {pixels_max} are read, and {SIDE_MAX} on a side: cut the code out"
    )]
    Pixels {
        /// Its width.
        width: usize,
        /// Its height.
        height: usize,
        /// As many pixels as it may have.
        pixels_max: usize,
    },
    /// It is no PNG file.
    #[error("the file is no PNG image")]
    NotPng,
    /// It is a PNG file that can't be decoded.
    #[error("the PNG file is damaged or cut short: {0}")]
    Damaged(String),
}

/// An image of one byte a pixel, from black (0) to white (255).
pub(crate) struct GrayImage {
    width: usize,
    height: usize,
    /// Row by row from the top.
    pixels: Vec<u8>,
}

/// How every PNG file begins.
pub(crate) const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

impl GrayImage {
    /// Decodes a PNG file.
    pub(crate) fn read_png(png: &[u8], limits: ImageLimits) -> Result<Self, ImageError> {
        if png.len() > limits.bytes_max {
            return Err(ImageError::Bytes { bytes: png.len(), bytes_max: limits.bytes_max });
        }
        if !png.starts_with(PNG_SIGNATURE) {
            return Err(ImageError::NotPng);
        }
        let own = png::Limits { bytes: DECODER_BYTES_MAX };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(png), own);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        decoder.set_transformations(Transformations::normalize_to_color8());
        let header = decoder.read_header_info().map_err(damaged)?;
        let sides = [header.width, header.height].map(usize::try_from);
        let [Ok(width), Ok(height)] = sides else { unreachable!("32 bits fit the size of an address") };
        if width == 0 || height == 0 {
            return Err(ImageError::Damaged("it has no pixels".to_owned()));
        }
        let is_too_large = width.saturating_mul(height) > limits.pixels_max;
        if is_too_large || width.max(height) > SIDE_MAX {
            return Err(ImageError::Pixels { width, height, pixels_max: limits.pixels_max });
        }
        let mut reader = decoder.read_info().map_err(damaged)?;
        let (color, _) = reader.output_color_type();
        let mut image = Self { width, height, pixels: vec![u8::MAX; width * height] };
        let (mut next_row, mut row) = (0, Vec::with_capacity(width));
        while let Some(decoded) = reader.next_interlaced_row().map_err(damaged)? {
            row.clear();
            append_grays(&mut row, decoded.data(), color);
            match decoded.interlace() {
                InterlaceInfo::Null(_) => {
                    image.pixels[next_row * width..][..width].copy_from_slice(&row);
                    next_row += 1;
                }
                InterlaceInfo::Adam7(pass) => {
                    png::expand_interlaced_row(&mut image.pixels, width, &row, pass, 8);
                }
            }
        }
        Ok(image)
    }

    /// The image at half the width and height: each pixel is the mean of four. A last odd row or column is left out.
    pub(crate) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            let [upper, lower] = [2 * y, 2 * y + 1].map(|y| &self.pixels[y * self.width..][..2 * width]);
            let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            pixels.extend(pairs.map(|([a, b], [c, d])| mean([*a, *b, *c, *d])));
        }
        Self { width, height, pixels }
    }

    /// The image at three times the width and height.
    pub(crate) fn tripled(&self) -> Self {
        let mut pixels = Vec::with_capacity(9 * self.pixels.len());
        for row in self.pixels.chunks_exact(self.width) {
            let row: Vec<u8> = row.iter().flat_map(|pixel| [*pixel; 3]).collect();
            pixels.extend(row.repeat(3));
        }
        Self { width: 3 * self.width, height: 3 * self.height, pixels }
    }

    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    /// The pixels of a part that lies within the image.
    pub(crate) fn cut(&self, left: usize, top: usize, width: usize, height: usize) -> Vec<u8> {
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        rows.flat_map(|row| &row[left..left + width]).copied().collect()
    }
}

fn damaged(error: png::DecodingError) -> ImageError {
    ImageError::Damaged(error.to_string())
}

fn mean(four: [u8; 4]) -> u8 {
    let sum: u16 = four.map(u16::from).iter().sum();
    u8::try_from(sum / 4).expect("a mean is not above the largest")
}

/// Appends the brightness of pixels of 8 bits a channel; what is transparent shows white paper.
fn append_grays(row: &mut Vec<u8>, data: &[u8], color: ColorType) {
    match color {
        ColorType::Grayscale => row.extend_from_slice(data),
        ColorType::GrayscaleAlpha => {
            row.extend(data.as_chunks::<2>().0.iter().map(|[gray, alpha]| on_white(*gray, *alpha)));
        }
        ColorType::Rgb => row.extend(data.as_chunks::<3>().0.iter().map(|rgb| brightness(*rgb))),
        ColorType::Rgba => row.extend(
            data.as_chunks::<4>().0.iter().map(|[r, g, b, alpha]| on_white(brightness([*r, *g, *b]), *alpha)),
        ),
        ColorType::Indexed => unreachable!("palettes are expanded by the decoder"),
    }
}

fn on_white(gray: u8, alpha: u8) -> u8 {
    let [gray, alpha] = [gray, alpha].map(u32::from);
    u8::try_from((gray * alpha + 255 * (255 - alpha)) / 255).expect("between the gray and white")
}

/// The weights of ITU-R BT.601, in 256ths.
fn brightness([red, green, blue]: [u8; 3]) -> u8 {
    let [red, green, blue] = [red, green, blue].map(u32::from);
    u8::try_from((77 * red + 150 * green + 29 * blue) / 256).expect("the weights add up to 256")
}
