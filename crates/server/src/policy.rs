//! Decision policies: about which payments of its accounts here a bank decides itself.

use client::convert::{FieldReader, Path, money};
use client::v1;
use ledger::{DecisionPolicy, DecisionScope, SetDecisionPolicy, Silence, StagePolicy};
use tonic::Status;
use types::Currency;

use crate::refusals::invalid;
use crate::values::request_id;

/// Reads a new policy. Amounts stand in the currency of the participant's position.
pub(crate) fn read_set_policy(
    wire: &v1::SetDecisionPolicyRequest,
    currency: Currency,
) -> Result<SetDecisionPolicy, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let policy = match &wire.policy {
        None => Some(DecisionPolicy::NONE),
        Some(policy) => {
            let path = Path::root("policy");
            let debits = read_stage(&mut reader, &path.field("debits"), policy.debits.as_ref(), currency);
            let credits = read_stage(&mut reader, &path.field("credits"), policy.credits.as_ref(), currency);
            (|| Some(DecisionPolicy { debits: debits?, credits: credits? }))()
        }
    };
    let command = (|| Some(SetDecisionPolicy { request_id: request_id?, bic: bic?, policy: policy? }))();
    reader.finish(command).map_err(invalid)
}

/// Absent: it decides about none.
fn read_stage(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: Option<&v1::StagePolicy>,
    currency: Currency,
) -> Option<StagePolicy> {
    let Some(wire) = wire else { return Some(DecisionPolicy::NONE.debits) };
    let above = path.field("above");
    let is_above = wire.scope() == v1::DecisionScope::Above;
    if !is_above && wire.above.is_some() {
        reader.violation(&above, "only with the scope ABOVE");
    }
    let scope = match wire.scope() {
        v1::DecisionScope::Nothing => Some(DecisionScope::Nothing),
        v1::DecisionScope::Flagged => Some(DecisionScope::Flagged),
        v1::DecisionScope::Above => match reader.money(&above, wire.above.as_ref()) {
            Some((amount, stated)) if stated == currency => Some(DecisionScope::Above(amount)),
            Some(_) => {
                reader.violation(&above.field("currency_code"), "the currency of the participant's position");
                None
            }
            None => None,
        },
        v1::DecisionScope::All => Some(DecisionScope::All),
        v1::DecisionScope::Unspecified => {
            reader.missing(&path.field("scope"));
            None
        }
    };
    let silence = match wire.silence() {
        v1::SilenceMeaning::Reject => Some(Silence::Reject),
        v1::SilenceMeaning::Accept => Some(Silence::Accept),
        v1::SilenceMeaning::Unspecified => {
            reader.missing(&path.field("silence"));
            None
        }
    };
    Some(StagePolicy { scope: scope?, silence: silence? })
}

/// A policy as it is told. None if the bank decides about nothing.
pub(crate) fn wire_policy(policy: &DecisionPolicy, currency: Currency) -> Option<v1::DecisionPolicy> {
    let stage = |stage: StagePolicy| {
        let (scope, above) = match stage.scope {
            DecisionScope::Nothing => return None,
            DecisionScope::Flagged => (v1::DecisionScope::Flagged, None),
            DecisionScope::Above(amount) => (v1::DecisionScope::Above, Some(money(amount, currency))),
            DecisionScope::All => (v1::DecisionScope::All, None),
        };
        let silence = match stage.silence {
            Silence::Reject => v1::SilenceMeaning::Reject,
            Silence::Accept => v1::SilenceMeaning::Accept,
        };
        Some(v1::StagePolicy { scope: scope.into(), above, silence: silence.into() })
    };
    let (debits, credits) = (stage(policy.debits), stage(policy.credits));
    (debits.is_some() || credits.is_some()).then_some(v1::DecisionPolicy { debits, credits })
}
