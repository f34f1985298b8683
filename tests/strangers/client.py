"""A client that nobody at Solvo generated: it knows the address of a node, and learns the contract from it.

It does a bank's day against a node on a fresh folder: registers banks, opens accounts one by one and in bulk,
books entries, funds positions, pays, repeats, is refused, asks, answers for a bank elsewhere, and adds up the
books. The first difference from what the contract says ends it with exit code 1 and one sentence.

    pip install grpcio grpcio-reflection grpcio-status
    python3 tests/strangers/client.py 127.0.0.1:7400
"""

import queue
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

ALFA, BETA, REMOTE = "STRGBEBBXXX", "STRGDEFFXXX", "STRGFRPPXXX"

# Seconds. A node answers in milliseconds; the rest is for busy machines.
PATIENCE = 30

BULK_ACCOUNTS = 2000
BULK_ACCOUNTS_PER_MESSAGE = 500
STREAM_PAYMENTS = 1000
STREAM_PAYMENTS_PER_MESSAGE = 250


class Difference(Exception):
    """Something is not as the contract says."""


def expect(what, actual, expected):
    """Compares what came with what should have."""
    if actual != expected:
        raise Difference(f"{what}: expected {expected!r}, got {actual!r}")


class Node:
    """The services of a node, found by server reflection."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = DescriptorPool(self.database)

    def call(self, service, method, /, **fields):
        """Makes a unary call of `solvo.v1`, or of another package if the service is named in full."""
        path, request, reply = self._method(service, method)
        invoke = self.channel.unary_unary(path, request.SerializeToString, reply.FromString)
        return invoke(request(**fields), timeout=PATIENCE)

    def future(self, service, method, /, **fields):
        """Makes a unary call whose answer is waited for later."""
        path, request, reply = self._method(service, method)
        invoke = self.channel.unary_unary(path, request.SerializeToString, reply.FromString)
        return invoke.future(request(**fields), timeout=PATIENCE)

    def stream(self, service, method, messages):
        """Sends all messages on one stream, and gives its replies."""
        path, request, reply = self._method(service, method)
        invoke = self.channel.stream_stream(path, request.SerializeToString, reply.FromString)
        return invoke((request(**fields) for fields in messages), timeout=PATIENCE)

    def refused(self, service, method, /, **fields):
        """Makes a call that has to fail. Gives its status and its details, by their types."""
        try:
            reply = self.call(service, method, **fields)
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            if status is None:
                raise Difference(f"{method}: {error.code().name} has no google.rpc.Status") from error
            expect(f"{method}: the code within the details", status.code, error.code().value[0])
            return error.code().name, details_of(status)
        raise Difference(f"{method}: expected a refusal, got {reply}")

    def _method(self, service, method):
        service = service if "." in service else f"solvo.v1.{service}"
        found = self.pool.FindServiceByName(service).FindMethodByName(method)
        return f"/{service}/{method}", GetMessageClass(found.input_type), GetMessageClass(found.output_type)


def details_of(status):
    """The details of a refusal that the contract names."""
    found = {}
    for packed in status.details:
        for kind in (error_details_pb2.BadRequest, error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo):
            detail = kind()
            if packed.Unpack(detail):
                found[kind.DESCRIPTOR.name] = detail
    return found


def expect_reason(what, refused, code, reason):
    """A refusal with an ErrorInfo."""
    actual_code, details = refused
    expect(f"{what}: the code", actual_code, code)
    info = details.get("ErrorInfo")
    expect(f"{what}: ErrorInfo", info and (info.domain, info.reason), ("solvo", reason))


def expect_fields(what, refused, fields):
    """INVALID_ARGUMENT with a BadRequest that names each of these fields and no other."""
    code, details = refused
    expect(f"{what}: the code", code, "INVALID_ARGUMENT")
    violations = details["BadRequest"].field_violations if "BadRequest" in details else []
    expect(f"{what}: the fields", {violation.field for violation in violations}, set(fields))
    if not all(violation.description for violation in violations):
        raise Difference(f"{what}: a field has no description")


def status_name(message):
    """The name of a message's status, without the prefix that values of the contract have."""
    values = message.DESCRIPTOR.fields_by_name["status"].enum_type.values_by_number
    return values[message.status].name.removeprefix("PAYMENT_STATUS_")


def iban(country, account):
    """An IBAN with its check digits (ISO 7064)."""
    digits = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02}{account}"


def belgian(number):
    return iban("BE", f"{number:012}")


def german(number):
    return iban("DE", f"{number:018}")


def french(number):
    return iban("FR", f"{number:023}")


def euro(amount):
    return {"amount": amount, "currency_code": "EUR"}


def new_account(bank, number):
    return {
        "participant": bank,
        "iban": number,
        "currency_code": "EUR",
        "type": "ACCOUNT_TYPE_CURRENT",
        "holder_names": ["Elise Maes"],
    }


def payment(transaction_id, amount, **changes):
    """A payment from customer 1 of ALFA to customer 1 of BETA."""
    fields = {
        "debtor_agent": ALFA,
        "creditor_agent": BETA,
        "transaction_id": transaction_id,
        "end_to_end_id": "NOTPROVIDED",
        "debtor": {"name": "Elise Maes"},
        "debtor_account": belgian(1),
        "creditor": {"name": "Jonas Krüger"},
        "creditor_account": german(1),
        "amount": euro(amount),
        "unstructured": "Rechnung 4711, Müßiggang",
    }
    return fields | changes


def balance(node, number):
    return node.call("AccountService", "GetAccount", iban=number, currency_code="EUR").account.balance


def position(node, bank):
    return node.call("LiquidityService", "GetPosition", bic=bank, currency_code="EUR").position.balance


def services_and_health(node):
    """Reflection lists every service, and each says that it is healthy."""
    listed = set(node.database.get_services())
    services = {
        f"solvo.v1.{name}Service"
        for name in ("Payment", "Account", "Participant", "Liquidity", "Iso20022", "Audit")
    }
    expect("services that reflection does not list", services - listed, set())
    for service in services | {""}:
        reply = node.call("grpc.health.v1.Health", "Check", service=service)
        expect(f"health of {service!r}", status_name(reply), "SERVING")


def banks(node):
    """Two banks that keep their accounts here, one that does not."""
    modes = {ALFA: "ACCOUNT_MODE_HOSTED", BETA: "ACCOUNT_MODE_HOSTED", REMOTE: "ACCOUNT_MODE_REMOTE"}

    def registration(bank, **changes):
        fields = {"request_id": f"register-{bank}", "bic": bank, "name": f"Bank {bank}",
                  "account_mode": modes[bank], "currency_code": "EUR"}
        return fields | changes

    for bank in modes:
        reply = node.call("ParticipantService", "RegisterParticipant", **registration(bank))
        expect(f"{bank} was registered before; the node's folder is not fresh", reply.confirmation.repeat, False)
        again = node.call("ParticipantService", "RegisterParticipant", **registration(bank))
        expect(f"{bank} registered again", (again.confirmation.repeat, again.confirmation.sequence),
               (True, reply.confirmation.sequence))
    changed = node.refused("ParticipantService", "RegisterParticipant", **registration(ALFA, name="Another"))
    expect_reason("a changed registration", changed, "FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    other = registration(ALFA, request_id="other")
    other = node.refused("ParticipantService", "RegisterParticipant", **other)
    expect_reason("a second registration", other, "ALREADY_EXISTS", "PARTICIPANT_EXISTS")
    found = node.call("ParticipantService", "GetParticipant", bic=ALFA[:8]).participant
    expect("the bank's BIC", found.bic, ALFA)


def accounts(node):
    """Accounts one by one and in bulk."""

    def opening(request_id, bank, number, **changes):
        return {"request_id": request_id, "account": new_account(bank, number) | changes}

    for bank, number in ((ALFA, belgian(1)), (BETA, german(1))):
        node.call("AccountService", "OpenAccount", **opening(f"open-{number}", bank, number))
        expect("the balance of a new account", balance(node, number), "0.00")
    refused = node.refused("AccountService", "OpenAccount", **opening("exists", BETA, german(1)))
    expect_reason("an account that exists", refused, "ALREADY_EXISTS", "ACCOUNT_EXISTS")
    remote = node.refused("AccountService", "OpenAccount", **opening("remote", REMOTE, french(1)))
    expect_reason("an account kept elsewhere", remote, "FAILED_PRECONDITION", "ACCOUNTS_NOT_HOSTED")
    faulty = opening("faulty", ALFA, "BE00000000000000", holder_names=[])
    faulty = node.refused("AccountService", "OpenAccount", **faulty)
    expect_fields("a faulty account", faulty, ["account.iban", "account.holder_names"])

    openings = [opening(f"bulk-{number}", BETA, german(number)) for number in range(1, BULK_ACCOUNTS + 1)]
    messages = [{"openings": openings[start:start + BULK_ACCOUNTS_PER_MESSAGE]}
                for start in range(0, BULK_ACCOUNTS, BULK_ACCOUNTS_PER_MESSAGE)]
    results = {}
    for reply in node.stream("AccountService", "OpenAccounts", messages):
        for result in reply.results:
            expect(f"{result.request_id} has a result already", result.request_id in results, False)
            results[result.request_id] = result
    expect("results of openings", len(results), BULK_ACCOUNTS)
    for request_id, result in results.items():
        # Customer 1 has the account already, under another request id.
        kind = "not_taken" if request_id == "bulk-1" else "confirmation"
        expect(f"the result of {request_id}", result.WhichOneof("result"), kind)
    expect("the code of bulk-1", results["bulk-1"].not_taken.code, grpc.StatusCode.ALREADY_EXISTS.value[0])
    expect("the last of the bulk", balance(node, german(BULK_ACCOUNTS)), "0.00")


def entries(node):
    """Bookings of the banks' own systems."""

    def entry(request_id, amount, direction):
        return {"request_id": request_id, "iban": belgian(1), "amount": euro(amount),
                "direction": f"ENTRY_DIRECTION_{direction}", "value_date": "2026-11-23",
                "booking_key": "SALARY", "core_reference": request_id}

    salary = entry("salary", "2500.50", "CREDIT")
    first = node.call("AccountService", "PostEntry", **salary)
    expect("the balance after a salary", first.balance, "2500.50")
    again = node.call("AccountService", "PostEntry", **salary)
    expect("a repeated salary", (again.balance, again.confirmation.repeat), ("2500.50", True))
    changed = node.refused("AccountService", "PostEntry", **(salary | {"amount": euro("9999.99")}))
    expect_reason("a changed salary", changed, "FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    card = node.call("AccountService", "PostEntry", **entry("card", "500.50", "DEBIT"))
    expect("the balance after a card payment", card.balance, "2000.00")
    refused = node.refused("AccountService", "PostEntry", **entry("too-much", "2000.01", "DEBIT"))
    expect_reason("a debit without cover", refused, "FAILED_PRECONDITION", "INSUFFICIENT_FUNDS")
    unknown = entry("nowhere", "1.00", "CREDIT") | {"iban": belgian(9)}
    unknown = node.refused("AccountService", "PostEntry", **unknown)
    expect_reason("an entry on no account", unknown, "NOT_FOUND", "ACCOUNT_UNKNOWN")


def positions(node):
    """Money in and out of positions."""
    fund = {"request_id": "fund", "bic": ALFA, "amount": euro("1000000.00"), "external_reference": "RTGS-1"}
    expect("the position after funding", node.call("LiquidityService", "Fund", **fund).balance, "1000000.00")
    expect("a repeated funding", node.call("LiquidityService", "Fund", **fund).confirmation.repeat, True)
    reused = node.refused("LiquidityService", "Fund", **(fund | {"request_id": "fund-2"}))
    expect_reason("a booking outside that counted already", reused, "FAILED_PRECONDITION", "REFERENCE_REUSED")
    defund = fund | {"request_id": "defund", "amount": euro("400000.00"), "external_reference": "RTGS-2"}
    left = node.call("LiquidityService", "Defund", **defund)
    expect("the position after defunding", left.balance, "600000.00")
    much = defund | {"request_id": "defund-2", "amount": euro("600000.01"), "external_reference": "RTGS-3"}
    much = node.refused("LiquidityService", "Defund", **much)
    expect_reason("more than the position has", much, "FAILED_PRECONDITION", "INSUFFICIENT_FUNDS")
    expect("the position", position(node, ALFA), "600000.00")


def submit(node, fields):
    return node.call("PaymentService", "SubmitPayment", payment=fields).outcome


def ask(node, **reference):
    return node.call("PaymentService", "GetPayment", **reference)


def payments(node):
    """One payment: settled, repeated, asked for. Others: rejected by the rules, or not taken at all."""
    first = submit(node, payment("T1", "12.34"))
    expect("a payment", (status_name(first), first.reason_code, first.repeat), ("SETTLED", "", False))
    again = submit(node, payment("T1", "12.34"))
    expect("a repeated payment is a repeat", again.repeat, True)
    again.repeat = False
    expect("a repeated payment", again, first)
    by_key = {"debtor_agent": ALFA[:8], "transaction_id": "T1"}
    for reference in ({"payment_id": first.payment_id}, {"key": by_key}):
        expect(f"the answer by {list(reference)}", ask(node, **reference).outcome, first)
    changed = submit(node, payment("T1", "12.35"))
    expect("a changed payment", (status_name(changed), changed.reason_code), ("REJECTED", "AM05"))
    expect("the original", ask(node, payment_id=first.payment_id).outcome, first)

    rejected = {
        "AC01": payment("T2", "1.00", creditor_account=german(BULK_ACCOUNTS + 1)),
        "AM04": payment("T3", "1987.67"),
        "CNOR": payment("T4", "1.00", creditor_agent="NOBODEFFXXX"),
    }
    for reason, fields in rejected.items():
        outcome = submit(node, fields)
        expect(f"a payment to be rejected with {reason}", (status_name(outcome), outcome.reason_code),
               ("REJECTED", reason))
        expect(f"{reason} has its sentence", bool(outcome.reason_text), True)
        expect(f"{reason} is remembered", submit(node, fields).repeat, True)
    expect("the payer's balance", balance(node, belgian(1)), "1987.66")
    expect("the payee's balance", balance(node, german(1)), "12.34")

    faulty = payment("T 5 ", "1e3", debtor={"name": ""}, creditor_account="DE00")
    faulty = node.refused("PaymentService", "SubmitPayment", payment=faulty)
    expect_fields("a faulty payment", faulty, ["payment.transaction_id", "payment.amount.amount",
                                               "payment.debtor.name", "payment.creditor_account"])
    expect_fields("no payment", node.refused("PaymentService", "SubmitPayment"), ["payment"])
    never = ask(node, key={"debtor_agent": ALFA, "transaction_id": "T5"})
    expect("a payment that was not taken", never.WhichOneof("result"), "not_found")


def payments_elsewhere(node):
    """A bank connects, is asked about payments to its customers, and answers: no to the first, yes to the second."""
    says = queue.SimpleQueue()
    says.put({"start": {"bic": REMOTE}})
    replies = node.stream("ParticipantService", "Connect", iter(says.get, None))
    heard = (event for reply in replies for event in reply.events)
    expect("the first that a bank hears", next(heard).WhichOneof("event"), "started")
    for number, answer, expected in (
        ("T6", {"decision": "DECISION_REJECT", "reason_code": "AC04"}, ("REJECTED", "AC04")),
        ("T7", {"decision": "DECISION_ACCEPT"}, ("SETTLED", "")),
    ):
        fields = payment(number, "1.00", creditor_agent=REMOTE, creditor_account=french(1))
        waiting = node.future("PaymentService", "SubmitPayment", payment=fields)
        question = next(heard).question
        expect("what the bank is asked about", question.payment.transaction_id, number)
        says.put({"answers": {"answers": [dict(payment_id=question.payment_id, stage=question.stage, **answer)]}})
        outcome = waiting.result().outcome
        expect(f"{number}, decided elsewhere", (status_name(outcome), outcome.reason_code), expected)
    report = next(heard).report
    expect("the report to the payee's bank", (status_name(report.outcome), report.outcome.transaction_id),
           ("SETTLED", "T7"))
    says.put(None)
    expect("what follows the last report", next(heard, None), None)


def payments_in_bulk(node):
    """A stream of payments, each matched by the caller's own id; every tenth of them can't be taken."""

    def submission(number):
        amount = "0.001" if number % 10 == 0 else "0.01"
        return {"caller_id": 7 * number, "payment": payment(f"S{number}", amount, creditor_account=german(2))}

    numbers = range(STREAM_PAYMENTS)
    submissions = [submission(number) for number in numbers]
    messages = [{"payments": submissions[start:start + STREAM_PAYMENTS_PER_MESSAGE]}
                for start in range(0, STREAM_PAYMENTS, STREAM_PAYMENTS_PER_MESSAGE)]
    results = {}
    for reply in node.stream("PaymentService", "SubmitPayments", messages):
        for result in reply.results:
            expect(f"{result.caller_id} has a result already", result.caller_id in results, False)
            results[result.caller_id] = result
    expect("results of payments", set(results), {7 * number for number in numbers})
    for number in numbers:
        result = results[7 * number]
        if number % 10 == 0:
            expect(f"the result of {number}", result.WhichOneof("result"), "not_taken")
            fields = [violation.field for violation in result.not_taken.field_violations]
            expect(f"the fields of {number}", fields, ["payment.amount.amount"])
        else:
            expect(f"the result of {number}", result.WhichOneof("result"), "outcome")
            expect(f"the status of {number}", status_name(result.outcome), "SETTLED")
            expect(f"the id of {number}", result.outcome.transaction_id, f"S{number}")
    expect("the payee of the stream", balance(node, german(2)), "9.00")


def documents(node):
    """What is no payment document is answered by one that says so."""
    reply = node.call("Iso20022Service", "Submit", document=b"<Document/>")
    expect("the answer to no payment document", reply.message_name, "admi.002.001.01")
    expect_fields("no document", node.refused("Iso20022Service", "Submit"), ["document"])


def books(node):
    """Money is conserved: what left is what arrived, and every book sums to zero."""
    expect("ALFA's position", position(node, ALFA), "599977.66")
    expect("BETA's position", position(node, BETA), "21.34")
    expect("the payer's balance", balance(node, belgian(1)), "1977.66")
    totals = node.call("AuditService", "GetTrialBalance")
    for book in totals.books:
        name = f"the book of {book.participant or 'settlement'}"
        expect(f"{name}: sum", book.balance_total, "0.00")
        expect(f"{name}: debits", book.debit_total, book.credit_total)
    expect("the books", {book.participant for book in totals.books} >= {"", ALFA, BETA}, True)
    counts = {status_name(total): total.payment_count for total in totals.payments}
    expect("settled payments", counts.get("SETTLED"), 2 + STREAM_PAYMENTS * 9 // 10)


STEPS = (
    services_and_health, banks, accounts, entries, positions, payments, payments_elsewhere, payments_in_bulk,
    documents, books,
)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    node = Node(sys.argv[1])
    for step in STEPS:
        try:
            step(node)
        except Difference as difference:
            sys.exit(f"client.py: {step.__name__}: {difference}")
        except grpc.RpcError as error:
            sys.exit(f"client.py: {step.__name__}: {error.code().name}: {error.details()}")
        print(f"{step.__name__}: as the contract says")


if __name__ == "__main__":
    main()
