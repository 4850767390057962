"""Execution tokens: what is minted, and everything else that must be refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

import jwt
import pytest

from flux.core.principal import ADMIN
from flux.engine import tokens
from flux.engine.tokens import AUDIENCE, ISSUER, LEEWAY, TTL, TYPE, Tokens
from flux.errors import Denied, Unauthenticated
from tests.records import NOW, THE_ADMIN, Records, a_caller

SECRET = bytes(range(32))
KEY_ID = "0123456789abcdef"
TOKENS = Tokens(SECRET, KEY_ID)
SECONDS = NOW // 1000
HEADER = {"alg": "HS256", "kid": KEY_ID, "typ": TYPE}
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "admin",
    "principal_issuer": "local",
    "execution_id": "01E",
    "attempt": 3,
    "scope": "execution",
    "iat": SECONDS,
    "nbf": SECONDS,
    "exp": SECONDS + 300,
    "jti": "01E.3",
}


def encoded(value: object) -> str:
    """A segment, as we write it."""
    return segment(json.dumps(value, separators=(",", ":")).encode())


def segment(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(header: object = HEADER, claims: object = CLAIMS, secret: bytes = SECRET, digest: str = "sha256") -> str:
    """A token as somebody would make it who knows how."""
    body = f"{encoded(header)}.{encoded(claims)}"
    return f"{body}.{segment(hmac.digest(secret, body.encode(), digest))}"


def without(mapping: Mapping[str, object], key: str) -> dict[str, object]:
    """The mapping without one of its keys."""
    return {name: value for name, value in mapping.items() if name != key}


def flipped(token: str, part: int) -> str:
    """The token with one bit changed in one of its three parts."""
    parts = token.split(".")
    middle = len(parts[part]) // 2
    other = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
    return ".".join(parts)


GOOD = signed()
HOSTILE = {
    # no token at all
    "empty": "",
    "a word": "token",
    "two dots": "..",
    "four parts": GOOD + ".x",
    "two parts": GOOD.rpartition(".")[0],
    "no signature": GOOD.rpartition(".")[0] + ".",
    "no payload": f"{encoded(HEADER)}..{GOOD.rpartition('.')[2]}",
    "an API key": "flux_" + "A" * 49,
    "not ascii": GOOD + "é",
    "a line break": GOOD + "\n",
    "a space before": " " + GOOD,
    "padding": GOOD + "=",
    "a million characters": "A" * 1_000_000,
    "garbage in three parts": "%%%.%%%.%%%",
    # another algorithm
    "alg none, no signature": f"{encoded({**HEADER, 'alg': 'none'})}.{encoded(CLAIMS)}.",
    "alg none, signed": signed({**HEADER, "alg": "none"}),
    "alg None": signed({**HEADER, "alg": None}),
    "alg nOnE": signed({**HEADER, "alg": "nOnE"}),
    "alg HS384": signed({**HEADER, "alg": "HS384"}, digest="sha384"),
    "alg HS512": signed({**HEADER, "alg": "HS512"}, digest="sha512"),
    "alg HS256 in the header, HS512 in fact": signed(digest="sha512"),
    "alg RS256": signed({**HEADER, "alg": "RS256"}),
    "alg missing": signed(without(HEADER, "alg")),
    # another header
    "typ JWT": signed({**HEADER, "typ": "JWT"}),
    "typ at+jwt": signed({**HEADER, "typ": "at+jwt"}),
    "typ missing": signed(without(HEADER, "typ")),
    "kid of another master key": signed({**HEADER, "kid": "f" * 16}),
    "kid missing": signed(without(HEADER, "kid")),
    "kid a path": signed({**HEADER, "kid": "../../../dev/null"}),
    "kid SQL": signed({**HEADER, "kid": "x' UNION SELECT 'secret"}),
    "embedded jwk": signed({**HEADER, "jwk": {"kty": "oct", "k": segment(SECRET)}}),
    "jku": signed({**HEADER, "jku": "https://evil.example/jwks"}),
    "x5u": signed({**HEADER, "x5u": "https://evil.example/cert"}),
    "x5c": signed({**HEADER, "x5c": ["MIIB"]}),
    "crit": signed({**HEADER, "crit": ["exp"]}),
    "b64 false": signed({**HEADER, "b64": False, "crit": ["b64"]}),
    "zip": signed({**HEADER, "zip": "DEF"}),
    "header in another order": signed(dict(reversed(HEADER.items()))),
    "header a list": signed(["HS256"]),
    "two algs in the header": segment(b'{"alg":"none",' + json.dumps(HEADER).encode()[1:]) + GOOD[GOOD.index(".") :],
    # another signature
    "foreign secret": signed(secret=b"x" * 32),
    "empty secret": signed(secret=b""),
    "signature of other claims": f"{encoded(HEADER)}.{encoded({**CLAIMS, 'sub': 'eve'})}.{GOOD.rpartition('.')[2]}",
    "signature cut": GOOD[:-1],
    "signature in hex": GOOD.rpartition(".")[0]
    + "."
    + hmac.new(SECRET, GOOD.rpartition(".")[0].encode(), hashlib.sha256).hexdigest(),
    "flipped header": flipped(GOOD, 0),
    "flipped payload": flipped(GOOD, 1),
    "flipped signature": flipped(GOOD, 2),
    # other claims, rightly signed
    "other issuer": signed(claims={**CLAIMS, "iss": "somebody"}),
    "issuer a list": signed(claims={**CLAIMS, "iss": [ISSUER]}),
    "issuer a number": signed(claims={**CLAIMS, "iss": 5}),
    "other audience": signed(claims={**CLAIMS, "aud": "flux-api"}),
    "audience a list": signed(claims={**CLAIMS, "aud": [AUDIENCE]}),
    "other scope": signed(claims={**CLAIMS, "scope": "admin"}),
    "scope with more": signed(claims={**CLAIMS, "scope": "execution admin"}),
    "empty subject": signed(claims={**CLAIMS, "sub": ""}),
    "blank subject": signed(claims={**CLAIMS, "sub": "  "}),
    "subject null": signed(claims={**CLAIMS, "sub": None}),
    "empty principal issuer": signed(claims={**CLAIMS, "principal_issuer": ""}),
    "empty execution": signed(claims={**CLAIMS, "execution_id": "", "jti": ".3"}),
    "attempt true": signed(claims={**CLAIMS, "attempt": True, "jti": "01E.True"}),
    "attempt a text": signed(claims={**CLAIMS, "attempt": "3"}),
    "attempt negative": signed(claims={**CLAIMS, "attempt": -3, "jti": "01E.-3"}),
    "attempt a fraction": signed(claims={**CLAIMS, "attempt": 3.0}),
    "jti of another grant": signed(claims={**CLAIMS, "jti": "01E.4"}),
    "expired": signed(claims={**CLAIMS, "exp": SECONDS}),
    "expired long ago": signed(claims={**CLAIMS, "exp": 1}),
    "exp a text": signed(claims={**CLAIMS, "exp": str(SECONDS + 300)}),
    "exp a fraction": signed(claims={**CLAIMS, "exp": SECONDS + 0.5}),
    "exp null": signed(claims={**CLAIMS, "exp": None}),
    "exp infinite": signed(claims={**CLAIMS, "exp": float("inf")}),
    "exp not a number": signed(claims={**CLAIMS, "exp": float("nan")}),
    "not yet": signed(claims={**CLAIMS, "nbf": SECONDS + LEEWAY + 1}),
    "made in the future": signed(claims={**CLAIMS, "iat": SECONDS + LEEWAY + 1}),
    "a claim too many": signed(claims={**CLAIMS, "admin": True}),
    "claims a list": signed(claims=list(CLAIMS)),
    "claims null": signed(claims=None),
    **{f"without {name}": signed(claims=without(CLAIMS, name)) for name in CLAIMS},
}


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_token_is_refused(token):
    """Whatever is not exactly what we mint is refused, in the same words for every reason."""
    with pytest.raises(Unauthenticated) as refused:
        TOKENS.verify(token, NOW)

    assert str(refused.value) == "the execution token is not valid"
    assert refused.value.facts["reason"]


def test_a_signed_payload_that_is_no_json_is_refused():
    """Even under our own signature nothing but claims is read."""
    body = f"{encoded(HEADER)}.{segment(b'not json')}"

    with pytest.raises(Unauthenticated):
        TOKENS.verify(f"{body}.{segment(hmac.digest(SECRET, body.encode(), 'sha256'))}", NOW)


def test_a_minted_token_is_the_one_that_the_rules_describe():
    """The table above differs from a good token in one thing each: so the good one must be good."""
    assert TOKENS.mint(ADMIN, "01E", 3, NOW) == GOOD


def test_a_token_says_whose_grant_it_is():
    """Everything that the daemon compares with live state comes back."""
    found = TOKENS.verify(TOKENS.mint(ADMIN, "01E", 3, NOW), NOW + 1)

    assert (found.execution, found.attempt, found.jti) == ("01E", 3, "01E.3")
    assert (found.subject, found.principal_issuer) == ("admin", "local")
    assert found.expires_at == NOW + TTL


@pytest.mark.parametrize(
    ("after", "good"),
    [(0, True), (TTL - 1, True), (TTL, False), (-LEEWAY * 1000, True), (-(LEEWAY + 1) * 1000, False)],
    ids=["at once", "at its last moment", "expired", "the clock stepped back a little", "much"],
)
def test_a_token_is_good_until_it_expires(after, good):
    """The daemon's clock may step back by the leeway; the expiry has none."""
    token = TOKENS.mint(ADMIN, "01E", 3, NOW)

    if good:
        assert TOKENS.verify(token, NOW + after)
    else:
        with pytest.raises(Unauthenticated):
            TOKENS.verify(token, NOW + after)


def test_a_lifetime_is_never_rounded_down():
    """Claims count in seconds: a token may live up to a second longer, never shorter."""
    found = TOKENS.verify(TOKENS.mint(ADMIN, "01E", 3, NOW + 999, ttl=1), NOW + 999)

    assert found.expires_at >= NOW + 1_000


def test_another_implementation_reads_our_tokens():
    """They are ordinary JWTs: PyJWT's own decoder agrees with us."""
    far = 4_000_000_000_000
    token = TOKENS.mint(ADMIN, "01E", 3, NOW, ttl=far)

    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience=AUDIENCE, issuer=ISSUER)

    assert claims["jti"] == "01E.3"
    assert jwt.get_unverified_header(token) == HEADER


def test_a_new_master_key_ends_all_tokens():
    """The secret and the key id both follow from it."""
    with pytest.raises(Unauthenticated):
        Tokens(b"y" * 32, "f" * 16).verify(GOOD, NOW)


def test_a_revoked_token_is_known_to_the_very_next_check():
    """Revoking replaces the compiled permissions in the transaction itself."""
    records = Records()

    records.write(tokens.revoke, "01E.3", THE_ADMIN)

    assert records.live.permissions.is_revoked("01E.3")
    assert not records.live.permissions.is_revoked("01E.4")
    assert records.live.permissions.enabled(ADMIN.id)


def test_revoking_a_token_needs_a_permission():
    """It stops somebody's execution."""
    records = Records()
    viewer = records.a_service_account("viewer")

    with pytest.raises(Denied):
        records.write(tokens.revoke, "01E.3", a_caller(viewer))
