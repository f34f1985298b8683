//! `solvo qr`: payment codes (EPC069-12) drawn and read, without a node.
//!
//! Invariants:
//! - An image goes into a file or a pipe, never onto a terminal.
//! - What is refused is refused without its text: names and account numbers stay out of error output.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::qr::{
    CharacterSet, CreditorReference, ImageLimits, Payload, PaymentCode, Purpose, Remittance, Scheme, Symbol,
    Version, is_png, read_png,
};
use anyhow::{Context, bail};
use serde_json::json;
use types::{Amount, Bic, Currency, Iban, Text};

/// Draws and reads payment codes: the QR codes on invoices and at tills that fill in a credit transfer (EPC069-12).
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo qr write --name \"Blumen Peeters\" --iban BE68539007547034 --amount 45.90 --text \"Invoice 117\"\n  \
                  solvo qr read invoice.png --json"
)]
pub(crate) struct QrArgs {
    #[command(subcommand)]
    command: QrCommand,
}

#[derive(Debug, clap::Subcommand)]
enum QrCommand {
    Write(Box<WriteArgs>),
    Read(ReadArgs),
}

/// Draws a payment code on the terminal, or writes it as an image.
///
/// The code is of version 002 and in UTF-8; where it would be longer than the 331 bytes that a code may have, in the first of
/// the other character sets that will do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo qr write --name \"Blumen Peeters\" --iban BE68539007547034 --amount 45.90 \\\n    \
                  --reference RF18539007547034 --format png --out invoice.png"
)]
struct WriteArgs {
    /// The payee, at most 70 characters.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The payee's account.
    #[arg(long, value_name = "IBAN")]
    iban: String,
    /// The payee's bank.
    #[arg(long, value_name = "BIC")]
    bic: Option<String>,
    /// The amount in euro, such as 45.90. Without it the payer says how much.
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
    /// The purpose, an ISO code of four characters, such as SUPP.
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// The payee's reference for the payment (ISO 11649), which begins with RF.
    #[arg(long, value_name = "REFERENCE", conflicts_with = "text")]
    reference: Option<String>,
    /// What the payee wants to see with the payment, at most 140 characters.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// What the payee tells the payer, at most 70 characters. It does not travel with the payment.
    #[arg(long, value_name = "TEXT")]
    information: Option<String>,
    /// Name the instant scheme (INST) in place of credit transfers in general (SCT), which more readers know.
    #[arg(long)]
    instant: bool,
    /// The form of the symbol.
    #[arg(long, value_name = "FORM", default_value = "terminal")]
    format: Format,
    /// The file to write. Without it the symbol goes to standard output.
    #[arg(long, value_name = "FILE", visible_alias = "output")]
    out: Option<PathBuf>,
    /// Print one JSON object about the code; the symbol is then written with --out only.
    #[arg(long)]
    json: bool,
}

/// The form of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Half blocks for a terminal with 256 colours.
    Terminal,
    /// A drawing that keeps sharp at any size.
    Svg,
    /// Black and white pixels, eight a square.
    Png,
}

/// Reads the payment code in a PNG image, or in the text that a scanner has read.
///
/// An image has at most 16 MiB and 64 megapixels, and one payment code; other QR codes in it do not count. A text is taken as
/// UTF-8, as scanners and terminals have it; if it is none, as the bytes of the character set that its third line names. Exits
/// with 1 if there is no payment code, and says why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  solvo qr read invoice.png\n  solvo qr read - < scanned.txt")]
struct ReadArgs {
    /// The image or text; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// If there is no code to be written or read, or nowhere to write it.
pub(crate) fn run(arguments: &QrArgs) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        QrCommand::Write(arguments) => write(arguments),
        QrCommand::Read(arguments) => read(arguments),
    }
}

fn write(arguments: &WriteArgs) -> anyhow::Result<ExitCode> {
    let mut code = code_of(arguments)?;
    let payload = code.write_in_fitting_set().context("the payment code can't be written")?;
    let symbol = Symbol::of(&payload);
    let drawn = match arguments.format {
        Format::Terminal => symbol.to_terminal().into_bytes(),
        Format::Svg => symbol.to_svg().into_bytes(),
        Format::Png => symbol.to_png(),
    };
    let mut out = io::stdout().lock();
    if let Some(path) = &arguments.out {
        std::fs::write(path, &drawn).with_context(|| format!("{} can't be written", path.display()))?;
    } else if !arguments.json {
        check_destination(arguments.format, out.is_terminal())?;
        out.write_all(&drawn)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.json {
        let told = about_symbol(&code, &payload, &symbol, arguments.out.as_deref());
        writeln!(out, "{told}")?;
    } else if let Some(path) = &arguments.out {
        let (path, side, bytes) = (path.display(), symbol.side(), payload.as_bytes().len());
        writeln!(out, "{path}: {side} by {side} squares, {bytes} bytes in {}", code.character_set)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a symbol in this form may go to standard output.
fn check_destination(format: Format, is_terminal: bool) -> anyhow::Result<()> {
    match (format, is_terminal) {
        (Format::Terminal, _) | (Format::Svg | Format::Png, false) => Ok(()),
        (Format::Svg | Format::Png, true) => {
            bail!("an image is not shown on a terminal: give --out FILE, or leave out --format")
        }
    }
}

fn about_symbol(
    code: &PaymentCode,
    payload: &Payload,
    symbol: &Symbol,
    file: Option<&Path>,
) -> serde_json::Value {
    json!({
        "text": payload.as_text(),
        "character_set": code.character_set.name(),
        "bytes": payload.as_bytes().len(),
        "symbol_version": symbol.version(),
        "squares": symbol.side(),
        "file": file.map(|file| file.display().to_string()),
    })
}

fn code_of(arguments: &WriteArgs) -> anyhow::Result<PaymentCode> {
    let reference = arguments.reference.as_deref().map(CreditorReference::parse).transpose();
    let text = optional_text(arguments.text.as_deref()).context("--text")?;
    let remittance = match (reference.context("--reference")?, text) {
        (Some(reference), _) => Some(Remittance::Structured(reference)),
        (None, text) => text.map(Remittance::Unstructured),
    };
    let euro = |text| Amount::parse(text, Currency::EUR);
    let purpose =
        |text| Purpose::parse(text).context("a purpose has four capital letters or digits, such as SUPP");
    Ok(PaymentCode {
        version: Version::V002,
        character_set: CharacterSet::Utf8,
        scheme: if arguments.instant { Scheme::InstantCreditTransfer } else { Scheme::CreditTransfer },
        bic: arguments.bic.as_deref().map(Bic::parse).transpose().context("--bic")?,
        name: Text::parse(&arguments.name).context("--name")?,
        iban: Iban::parse(&arguments.iban).context("--iban")?,
        amount: arguments.amount.as_deref().map(euro).transpose().context("--amount")?,
        purpose: arguments.purpose.as_deref().map(purpose).transpose().context("--purpose")?,
        remittance,
        information: optional_text(arguments.information.as_deref()).context("--information")?,
    })
}

fn optional_text<const MAX: usize>(text: Option<&str>) -> Result<Option<Text<MAX>>, types::TextError> {
    text.map(Text::parse).transpose()
}

fn read(arguments: &ReadArgs) -> anyhow::Result<ExitCode> {
    let name = arguments.file.display();
    let bytes = bytes_of(&arguments.file).with_context(|| format!("{name} can't be read"))?;
    let code = match std::str::from_utf8(&bytes) {
        _ if is_png(&bytes) => read_png(&bytes, ImageLimits::FILE).with_context(|| name.to_string())?,
        text => match text {
            Ok(text) => PaymentCode::parse_text(text),
            Err(_) => PaymentCode::parse(&bytes),
        }
        .with_context(|| format!("{name} is no PNG image, and as a text no payment code"))?,
    };
    let mut out = io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", about(&code))?,
        false => write_text(&code, &mut out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// All of a file, or of standard input, and no more of it than an image may have and one byte, by which its excess is seen.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(ImageLimits::FILE.bytes_max).map_or(u64::MAX, |limit| limit + 1);
    let mut bytes = Vec::new();
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(limit).read_to_end(&mut bytes)?,
        false => File::open(path)?.take(limit).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// What a code says, in the words of the contract.
fn about(code: &PaymentCode) -> serde_json::Value {
    let (reference, text) = remittance(code);
    json!({
        "version": version(code),
        "character_set": code.character_set.name(),
        "instant": code.scheme == Scheme::InstantCreditTransfer,
        "creditor_agent": code.bic.map(|bic| bic.to_string()),
        "creditor_name": code.name.as_str(),
        "creditor_account": code.iban.as_str(),
        "amount": code.amount.map(|amount| amount.to_decimal(Currency::EUR)),
        "currency_code": code.amount.map(|_| "EUR"),
        "purpose": code.purpose.as_ref().map(Purpose::as_str),
        "creditor_reference": reference,
        "unstructured": text,
        "information": code.information.as_ref().map(Text::as_str),
    })
}

fn version(code: &PaymentCode) -> &'static str {
    match code.version {
        Version::V001 => "001",
        Version::V002 => "002",
    }
}

/// The reference and the text, of which there is one at most.
fn remittance(code: &PaymentCode) -> (Option<&str>, Option<&str>) {
    match &code.remittance {
        None => (None, None),
        Some(Remittance::Structured(reference)) => (Some(reference.as_str()), None),
        Some(Remittance::Unstructured(text)) => (None, Some(text.as_str())),
    }
}

fn write_text(code: &PaymentCode, out: &mut impl Write) -> io::Result<()> {
    let amount = code.amount.map(|amount| format!("{} EUR", amount.to_decimal(Currency::EUR)));
    let scheme = match code.scheme {
        Scheme::CreditTransfer => "SCT",
        Scheme::InstantCreditTransfer => "INST",
    };
    let (reference, text) = remittance(code);
    let rows = [
        ("payee", Some(code.name.as_str().to_owned())),
        ("account", Some(code.iban.as_str().to_owned())),
        ("bank", code.bic.map(|bic| bic.to_string())),
        ("amount", Some(amount.unwrap_or_else(|| "the payer says how much".to_owned()))),
        ("purpose", code.purpose.as_ref().map(|purpose| purpose.as_str().to_owned())),
        ("reference", reference.map(str::to_owned)),
        ("text", text.map(str::to_owned)),
        ("information", code.information.as_ref().map(|text| text.as_str().to_owned())),
        ("code", Some(format!("{scheme}, version {}, {}", version(code), code.character_set))),
    ];
    for (label, value) in rows {
        if let Some(value) = value {
            writeln!(out, "{label:<12} {}", harmless(&value))?;
        }
    }
    Ok(())
}

/// A text as it is, with what a terminal would not show at its place (such as marks that turn the direction of writing)
/// escaped: an account number must not look like another.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_never_goes_to_a_terminal() {
        for (format, may_go) in [(Format::Terminal, true), (Format::Svg, false), (Format::Png, false)] {
            assert_eq!(check_destination(format, true).is_ok(), may_go, "{format:?}");
            assert!(check_destination(format, false).is_ok());
        }
    }

    #[test]
    fn marks_that_are_not_seen_are_shown() {
        assert_eq!(harmless("L'Étoile \"7\" \\ Ω"), "L'Étoile \"7\" \\ Ω");
        assert_eq!(harmless("A\u{202e}B\u{200b}"), "A\\u{202e}B\\u{200b}");
    }
}
