//! The forms in which a symbol is shown: SVG, PNG, and text for a terminal.
//!
//! Invariant: dark on light in every form and on every background, with four light squares around the symbol.

use std::fmt::Write;

use crate::Symbol;

/// How wide a square is in a PNG. At one bit a pixel it is one byte of a row.
const SQUARE_PIXELS: usize = 8;

/// Black on white, whatever colours the terminal's user has chosen (of the 256 fixed ones).
const BLACK_ON_WHITE: &str = "\u{1b}[38;5;16;48;5;231m";

/// Back to the user's colours.
const RESET: &str = "\u{1b}[0m";

impl Symbol {
    /// The symbol as an SVG document, one unit a square. It has no text and nothing from elsewhere.
    pub fn to_svg(&self) -> String {
        let side = self.side_with_quiet_zone();
        let mut path = String::new();
        for y in 0..side {
            let mut x = 0;
            while x < side {
                let width = (x..side).take_while(|x| self.is_dark_within_quiet_zone(*x, y)).count();
                if width > 0 {
                    write!(path, "M{x} {y}h{width}v1h-{width}z").expect("a string takes all");
                }
                x += width + 1;
            }
        }
        let pixels = side * SQUARE_PIXELS;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\">\n<path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\n<path fill=\"#000\" \
             d=\"{path}\"/>\n</svg>\n"
        )
    }

    /// The symbol as a PNG, black and white, eight pixels a square.
    pub fn to_png(&self) -> Vec<u8> {
        let side = self.side_with_quiet_zone();
        let mut pixels = Vec::with_capacity(side * side * SQUARE_PIXELS);
        for y in 0..side {
            let row: Vec<u8> =
                (0..side).map(|x| if self.is_dark_within_quiet_zone(x, y) { 0 } else { u8::MAX }).collect();
            pixels.extend(row.repeat(SQUARE_PIXELS));
        }
        let side_pixels = u32::try_from(side * SQUARE_PIXELS).expect("a side is at most 616 pixels");
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, side_pixels, side_pixels);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&pixels)?;
            writer.finish()
        });
        written.expect("memory takes all, and the rows are as long as the header says");
        png
    }

    /// The symbol as lines of half blocks for a terminal with 256 colours, two rows of squares a line.
    pub fn to_terminal(&self) -> String {
        let side = self.side_with_quiet_zone();
        let mut lines = String::new();
        for y in (0..side).step_by(2) {
            lines.push_str(BLACK_ON_WHITE);
            for x in 0..side {
                let (upper, lower) =
                    (self.is_dark_within_quiet_zone(x, y), self.is_dark_within_quiet_zone(x, y + 1));
                lines.push(match (upper, lower) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            lines.push_str(RESET);
            lines.push('\n');
        }
        lines
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
