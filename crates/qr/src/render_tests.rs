//! Each form shows the same squares: taken back from what is written.

use crate::samples::{invoice, largest};
use crate::{PaymentCode, Symbol};

fn symbols() -> [Symbol; 2] {
    [invoice(), largest()].map(|code: PaymentCode| Symbol::of(&code.write().unwrap()))
}

/// All squares with the light ones around them, row by row.
fn squares(symbol: &Symbol) -> Vec<Vec<bool>> {
    let side = symbol.side_with_quiet_zone();
    (0..side).map(|y| (0..side).map(|x| symbol.is_dark_within_quiet_zone(x, y)).collect()).collect()
}

#[test]
fn symbols_are_as_small_as_they_can_be() {
    let [small, large] = symbols();
    assert_eq!((small.version(), small.side()), (6, 41));
    assert_eq!((large.version(), large.side()), (13, 69));
    // The three corners, and none in the fourth.
    for (x, y, is_dark) in
        [(0, 0, true), (68, 0, true), (0, 68, true), (3, 3, true), (1, 1, false), (69, 0, false)]
    {
        assert_eq!(large.is_dark(x, y), is_dark, "{x} {y}");
    }
    assert_eq!(format!("{small:?}"), "Symbol(41 by 41)");
}

#[test]
fn four_light_squares_surround_a_symbol() {
    for symbol in symbols() {
        let squares = squares(&symbol);
        let side = squares.len();
        assert_eq!(side, symbol.side() + 8);
        for (y, row) in squares.iter().enumerate() {
            for (x, is_dark) in row.iter().enumerate() {
                let is_inside = [x, y].iter().all(|at| (4..side - 4).contains(at));
                assert!(is_inside || !is_dark, "{x} {y}");
            }
        }
    }
}

#[test]
fn svg_shows_the_squares() {
    for symbol in symbols() {
        let svg = symbol.to_svg();
        let side = symbol.side_with_quiet_zone();
        assert!(svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")), "{svg}");
        let path = svg.split("fill=\"#000\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut shown = vec![vec![false; side]; side];
        for run in path.split('z').filter(|run| !run.is_empty()) {
            let (at, run) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let width = run.split_once('v').unwrap().0;
            let [x, y, width] = [x, y, width].map(|number| number.parse::<usize>().unwrap());
            shown[y][x..x + width].fill(true);
        }
        assert_eq!(shown, squares(&symbol));
    }
}

#[test]
fn png_shows_the_squares() {
    for symbol in symbols() {
        let file = symbol.to_png();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(&file));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().unwrap();
        assert_eq!(reader.info().bit_depth, png::BitDepth::One);
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let side = 8 * symbol.side_with_quiet_zone();
        assert_eq!(pixels.len(), side * side);
        for (y, row) in squares(&symbol).iter().enumerate() {
            for (x, is_dark) in row.iter().enumerate() {
                let expected = if *is_dark { 0 } else { 255 };
                for pixel in (0..64).map(|pixel| pixels[(8 * y + pixel / 8) * side + 8 * x + pixel % 8]) {
                    assert_eq!(pixel, expected, "{x} {y}");
                }
            }
        }
    }
}

#[test]
fn a_terminal_shows_the_squares_on_white() {
    for symbol in symbols() {
        let side = symbol.side_with_quiet_zone();
        let mut shown = Vec::new();
        for line in symbol.to_terminal().lines() {
            let blocks =
                line.strip_prefix("\u{1b}[38;5;16;48;5;231m").unwrap().strip_suffix("\u{1b}[0m").unwrap();
            shown.push(blocks.chars().map(|block| matches!(block, '█' | '▀')).collect::<Vec<_>>());
            shown.push(blocks.chars().map(|block| matches!(block, '█' | '▄')).collect());
        }
        // An odd number of rows leaves half a line of paper.
        assert_eq!(shown.pop(), Some(vec![false; side]));
        assert_eq!(shown, squares(&symbol));
    }
}
