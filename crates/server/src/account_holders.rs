//! Who holds an account, as callers say it: at its opening, and anew.

use client::convert::{FieldReader, Path};
use client::limits::HOLDER_NAMES_MAX;
use client::v1;
use ledger::{AccountSelector, SetAccountHolders};
use tonic::Status;
use types::Text;

use crate::refusals::invalid;
use crate::values::request_id;

/// Reads the names of an account's holders: one to four.
pub(crate) fn read_names(
    reader: &mut FieldReader,
    path: &Path<'_>,
    names: &[String],
) -> Option<Vec<Text<140>>> {
    if names.is_empty() || names.len() > HOLDER_NAMES_MAX {
        reader.violation(path, format_args!("an account has 1 to {HOLDER_NAMES_MAX} holders"));
    }
    let names = names.iter().take(HOLDER_NAMES_MAX).enumerate();
    names.map(|(index, name)| reader.text(&path.element(index), name)).collect()
}

/// Reads a request to say anew who holds an account.
pub(crate) fn read_set_holders(wire: &v1::SetAccountHoldersRequest) -> Result<SetAccountHolders, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let iban = reader.iban(&Path::root("iban"), &wire.iban);
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let holder_names = read_names(&mut reader, &Path::root("holder_names"), &wire.holder_names);
    let identification =
        reader.optional_identifier(&Path::root("identification_code"), &wire.identification_code);
    let command = (|| {
        Some(SetAccountHolders {
            request_id: request_id?,
            account: AccountSelector { iban: iban?, currency: currency? },
            holder_names: holder_names?,
            identification,
            repeats: None,
        })
    })();
    reader.finish(command).map_err(invalid)
}
