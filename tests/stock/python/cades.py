"""Validates the CAdES signatures of an unzipped container with pyHanko, a validator that is not ours.

usage: cades.py FOLDER ANCHORS.pem [INSTANT]

For each META-INF/ASiCManifest*.xml: its signature must be intact, valid and trusted as CMS, and pass the basic
validation of EN 319 102-1 as an AdES signature. Prints one line a signature; ends with 1 at the first that fails.
INSTANT is RFC 3339; without it certificates are judged now.
"""

import asyncio
import hashlib
import sys
import xml.etree.ElementTree as tree
from datetime import datetime, timezone
from pathlib import Path

from asn1crypto import cms, pem, x509
from pyhanko.sign.validation import async_validate_detached_cms
from pyhanko.sign.validation.ades import ades_basic_validation
from pyhanko.sign.validation.policy_decl import SignatureValidationSpec
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, NO_REVOCATION
from pyhanko_certvalidator.registry import SimpleTrustManager

ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
# A person's or an institution's: either bit will do.
USAGE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)


def anchors(path):
    blocks = pem.unarmor(Path(path).read_bytes(), multiple=True)
    return [x509.Certificate.load(der) for _, _, der in blocks]


async def check(manifest, signature, roots, instant):
    content = cms.ContentInfo.load(signature, strict=True)
    assert content["content_type"].native == "signed_data"
    signed = content["content"]
    context = ValidationContext(trust_roots=roots, moment=instant, revocation_mode="soft-fail", allow_fetching=False)
    status = await async_validate_detached_cms(manifest, signed, context, key_usage_settings=USAGE)
    for word in ("intact", "valid", "trusted"):
        if not getattr(status, word):
            return f"not {word}"
    specification = SignatureValidationSpec(
        CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build(trust_roots=roots),
            revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        ),
        key_usage_settings=USAGE,
    )
    algorithm = signed["digest_algorithms"][0]["algorithm"].native
    result = await ades_basic_validation(
        signed,
        specification,
        timing_info=ValidationTimingInfo(validation_time=instant, best_signature_time=instant, point_in_time_validation=True),
        raw_digest=hashlib.new(algorithm, manifest).digest(),
    )
    if result.ades_subindic.status.name != "PASSED":
        return f"as AdES {result.ades_subindic.status.name} {result.ades_subindic} {result.failure_msg or ''}"
    return None


def main():
    folder, roots = Path(sys.argv[1]), anchors(sys.argv[2])
    instant = datetime.fromisoformat(sys.argv[3]) if len(sys.argv) > 3 else datetime.now(timezone.utc)
    manifests = sorted(folder.glob("META-INF/*ASiCManifest*.xml"))
    assert manifests, "nothing is signed"
    for manifest in manifests:
        text = manifest.read_bytes()
        name = tree.fromstring(text).find(f"{ASIC}SigReference").get("URI")
        try:
            why = asyncio.run(check(text, (folder / name).read_bytes(), roots, instant))
        except Exception as error:  # whatever it finds wrong with the form
            why = f"{type(error).__name__}: {error}"
        if why:
            sys.exit(f"{name}: {why}")
        print(f"{name}: valid, intact, trusted, AdES basic validation passed")


main()
