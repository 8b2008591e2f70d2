//! Tokens made by hand, so that each part can be another than it should be.

use crate::encoding::{
    CONTEXT_0, CONTEXT_4, GENERALIZED_TIME, INTEGER, NULL, OCTET_STRING, SEQUENCE, SET, element, oid,
    sequence, set_of,
};
use crate::testing::{root, signer, validity};
use crate::timestamp::{Request, TST_INFO, id};
use der::asn1::ObjectIdentifier;
use rogatory_core::Digest;
use rogatory_pki::development::{DevelopmentCa, Validity};
use rogatory_pki::signing::{DigestAlgorithm, FileSigner, Signer};

pub(super) const DATA: &[u8] = b"what is stamped";
pub(super) const TIME: &[u8] = b"20261122142000.25Z";
pub(super) const POLICY: &str = "1.2.3.4.1";

pub(super) fn dotted(text: &str) -> Vec<u8> {
    oid(ObjectIdentifier::new_unwrap(text))
}

pub(super) fn attribute(dotted: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(ObjectIdentifier::new_unwrap(dotted)), &element(SET, &[value])])
}

/// A token in pieces; `fields` are those of the `TSTInfo`, in order.
pub(super) struct Craft {
    pub(super) signer: FileSigner,
    pub(super) fields: Vec<Vec<u8>>,
    pub(super) attributes: Vec<Vec<u8>>,
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) digest: Vec<u8>,
    pub(super) signature_algorithm: Vec<u8>,
    pub(super) version: u8,
    pub(super) content_type: ObjectIdentifier,
    pub(super) before_signers: Vec<u8>,
    pub(super) unsigned: Vec<u8>,
    pub(super) signers: usize,
    pub(super) sorted: bool,
    pub(super) signature: fn(Vec<u8>) -> Vec<u8>,
}

impl Craft {
    pub(super) fn new(signer: FileSigner) -> Self {
        let leaf = &signer.chain()[0];
        let sha256 = sequence(&[&dotted(DigestAlgorithm::Sha256.oid())]);
        let imprint = sequence(&[&sha256, &element(OCTET_STRING, &[Digest::of(DATA).as_bytes()])]);
        let accuracy = sequence(&[&element(INTEGER, &[&[1]]), &element(0x80, &[&[0x01, 0xf4]])]);
        let name = element(CONTEXT_0, &[&element(CONTEXT_4, &[leaf.subject_der()])]);
        let fields = vec![
            element(INTEGER, &[&[1]]),
            dotted(POLICY),
            imprint,
            element(INTEGER, &[&[7]]),
            element(GENERALIZED_TIME, &[TIME]),
            accuracy,
            element(INTEGER, &[&[0x40, 1]]),
            name,
        ];
        let hash = element(OCTET_STRING, &[leaf.digest().as_bytes()]);
        let issuer = sequence(&[&element(CONTEXT_4, &[leaf.issuer_der()])]);
        let serial = element(INTEGER, &[leaf.serial()]);
        let named = sequence(&[&hash, &sequence(&[&issuer, &serial])]);
        let attributes = vec![
            attribute("1.2.840.113549.1.9.3", &oid(TST_INFO)),
            Vec::new(),
            attribute("1.2.840.113549.1.9.16.2.47", &sequence(&[&sequence(&[&named])])),
        ];
        Self {
            fields,
            attributes,
            certificates: signer.chain().iter().map(|c| c.der().to_vec()).collect(),
            digest: sha256,
            signature_algorithm: sequence(&[&dotted(signer.algorithm().oid())]),
            version: 3,
            content_type: TST_INFO,
            before_signers: Vec::new(),
            unsigned: Vec::new(),
            signers: 1,
            sorted: true,
            signature: |signature| signature,
            signer,
        }
    }

    pub(super) fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut craft = Self::new(tsa(&root("Root")));
        change(&mut craft);
        craft.build()
    }

    pub(super) fn build(mut self) -> Vec<u8> {
        let fields: Vec<&[u8]> = self.fields.iter().map(Vec::as_slice).collect();
        let info = sequence(&fields);
        if let Some(digest) = self.attributes.get_mut(1).filter(|value| value.is_empty()) {
            let value = element(OCTET_STRING, &[Digest::of(&info).as_bytes()]);
            *digest = attribute("1.2.840.113549.1.9.4", &value);
        }
        let attributes = if self.sorted {
            set_of(SET, self.attributes.clone())
        } else {
            let mut attributes = self.attributes.clone();
            attributes.sort();
            attributes.reverse();
            element(SET, &attributes.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        let signature = (self.signature)(self.signer.sign(&attributes).unwrap());
        let mut tagged = attributes;
        tagged[0] = CONTEXT_0;
        let leaf = &self.signer.chain()[0];
        let signer = sequence(&[
            &element(INTEGER, &[&[1]]),
            &sequence(&[leaf.issuer_der(), &element(INTEGER, &[leaf.serial()])]),
            &self.digest,
            &tagged,
            &self.signature_algorithm,
            &element(OCTET_STRING, &[&signature]),
            &self.unsigned,
        ]);
        let certificates: Vec<&[u8]> = self.certificates.iter().map(Vec::as_slice).collect();
        let certificates =
            if certificates.is_empty() { Vec::new() } else { element(CONTEXT_0, &certificates) };
        let signers = vec![signer.as_slice(); self.signers];
        let content = element(CONTEXT_0, &[&element(OCTET_STRING, &[&info])]);
        let data = sequence(&[
            &element(INTEGER, &[&[self.version]]),
            &element(SET, &[&self.digest]),
            &sequence(&[&oid(self.content_type), &content]),
            &certificates,
            &self.before_signers,
            &element(SET, &signers),
        ]);
        sequence(&[&oid(id("1.2.840.113549.1.7.2")), &element(CONTEXT_0, &[&data])])
    }
}

pub(super) fn tsa(ca: &DevelopmentCa) -> FileSigner {
    tsa_valid(ca, validity())
}

pub(super) fn tsa_valid(ca: &DevelopmentCa, validity: Validity) -> FileSigner {
    signer(&ca.issue_time_stamping("Time Stamping Authority", validity).unwrap())
}

/// An answer with this status around a token.
pub(super) fn answer(status: u8, text: Option<&str>, token: &[u8]) -> Vec<u8> {
    let text = text.map(|text| element(SEQUENCE, &[&element(0x0c, &[text.as_bytes()])])).unwrap_or_default();
    sequence(&[&sequence(&[&element(INTEGER, &[&[status]]), &text]), token])
}

/// What the request's fields are to a reader that knows DER.
pub(super) fn request_fields(request: &Request, policy: Option<ObjectIdentifier>) -> Vec<Vec<u8>> {
    let der = request.to_der(policy);
    let mut outer = crate::timestamp::elements::Elements::of(&der, "a request");
    let mut fields = outer.take(SEQUENCE).unwrap().inside("a request");
    outer.end().unwrap();
    let mut found = Vec::new();
    while let Some(field) = fields.next_any().unwrap() {
        found.push(field.whole.to_vec());
    }
    found
}

pub(super) fn null_parameters(oid: &str) -> Vec<u8> {
    sequence(&[&dotted(oid), &element(NULL, &[])])
}
