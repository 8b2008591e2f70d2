//! The report of a verification in plain words, in the reader's language.
//!
//! Holds for each topic what it means that it is right, wrong, or was not looked at. The details that the verifier gives
//! stand behind these words as they are, in English. Never changes a finding.

use rogatory_evidence::verify::{Check, Outcome, Part};
use std::str::FromStr;

/// A language of reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

/// No report is written in that language.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no language of reports: en, fr or es is expected")]
pub struct LanguageError(String);

impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, LanguageError> {
        match text {
            "en" => Ok(Self::English),
            "fr" => Ok(Self::French),
            "es" => Ok(Self::Spanish),
            other => Err(LanguageError(other.chars().take(20).collect())),
        }
    }
}

impl Language {
    /// Its BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// The one of three texts that is in this language: English, French, Spanish.
    #[must_use]
    pub const fn of(self, texts: [&'static str; 3]) -> &'static str {
        let [english, french, spanish] = texts;
        match self {
            Self::English => english,
            Self::French => french,
            Self::Spanish => spanish,
        }
    }
}

/// How a topic ended: the worst of its checks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// Looked at and right.
    Checked,
    /// Something of it was not looked at.
    NotChecked,
    /// Something of it is wrong.
    Failed,
}

/// A topic in plain words; each text in English, French, Spanish.
struct Topic {
    name: [&'static str; 3],
    right: [&'static str; 3],
    open: [&'static str; 3],
    wrong: [&'static str; 3],
}

/// What a reader asks about, in the order of reports.
const TOPICS: [Topic; 13] = [
    Topic {
        name: ["The file", "Le fichier", "El archivo"],
        right: [
            "Nothing in it was changed, added or removed since it was signed.",
            "Rien n’y a été modifié, ajouté ou retiré depuis la signature.",
            "Nada se ha modificado, añadido ni retirado desde que se firmó.",
        ],
        open: [
            "A part of the file is not covered by any signature.",
            "Une partie du fichier n’est couverte par aucune signature.",
            "Una parte del archivo no está cubierta por ninguna firma.",
        ],
        wrong: [
            "The file is not what was signed: it was changed, damaged, or put together from something else. Do not rely on it.",
            "Le fichier n’est pas celui qui a été signé : il a été modifié, endommagé ou composé d’autre chose. Ne vous y fiez pas.",
            "El archivo no es el que se firmó: fue modificado, dañado o compuesto de otra cosa. No se fíe de él.",
        ],
    },
    Topic {
        name: ["Who made this bundle", "L’auteur de ce dossier", "Quién hizo este expediente"],
        right: [
            "An officer whose certificate leads to an authority that you trust signed the whole bundle.",
            "Un agent dont le certificat remonte à une autorité à laquelle vous faites confiance a signé tout le dossier.",
            "Un funcionario cuyo certificado lleva a una autoridad en la que usted confía firmó todo el expediente.",
        ],
        open: [
            "Who made the bundle was not checked.",
            "L’auteur du dossier n’a pas été vérifié.",
            "No se comprobó quién hizo el expediente.",
        ],
        wrong: [
            "Nobody whom you trust stands behind the bundle: anybody could have made it.",
            "Personne à qui vous faites confiance ne répond du dossier : n’importe qui a pu le faire.",
            "Nadie en quien usted confíe responde del expediente: cualquiera pudo hacerlo.",
        ],
    },
    Topic {
        name: ["Who sealed the evidence", "Qui a scellé les preuves", "Quién selló las pruebas"],
        right: [
            "The person who sealed the evidence signed for it, and the certificate leads to an authority that you trust.",
            "La personne qui a scellé les preuves les a signées, et son certificat remonte à une autorité à laquelle vous faites confiance.",
            "La persona que selló las pruebas las firmó, y su certificado lleva a una autoridad en la que usted confía.",
        ],
        open: [
            "The signature is sound, but who must have signed was not told from outside.",
            "La signature est bonne, mais personne n’a indiqué de l’extérieur qui devait signer.",
            "La firma es buena, pero nadie indicó desde fuera quién debía firmar.",
        ],
        wrong: [
            "The signature under the evidence is wrong, or nobody whom you trust vouches for who signed.",
            "La signature des preuves est fausse, ou personne à qui vous faites confiance ne répond du signataire.",
            "La firma de las pruebas es falsa, o nadie en quien usted confíe responde del firmante.",
        ],
    },
    Topic {
        name: ["The institution’s seal", "Le cachet de l’institution", "El sello de la institución"],
        right: [
            "The seal is the one that the institution itself publishes.",
            "Le cachet est celui que l’institution publie elle-même.",
            "El sello es el que la propia institución publica.",
        ],
        open: [
            "Whose seal it is was not compared: give the institution’s party entry with --trust.",
            "Le cachet n’a pas été comparé : donnez la fiche de l’institution avec --trust.",
            "No se comparó de quién es el sello: dé la ficha de la institución con --trust.",
        ],
        wrong: [
            "The seal is wrong, or it is not that of the institution named.",
            "Le cachet est faux, ou n’est pas celui de l’institution nommée.",
            "El sello es falso, o no es el de la institución nombrada.",
        ],
    },
    Topic {
        name: ["The exhibits", "Les pièces à conviction", "Los elementos de prueba"],
        right: [
            "Each exhibit is, byte for byte, what was signed when it was sealed.",
            "Chaque pièce est, octet pour octet, ce qui a été signé lors du scellement.",
            "Cada elemento es, byte por byte, lo que se firmó al sellarlo.",
        ],
        open: [
            "The contents of exhibits were not looked at: they are sealed for somebody else, or none were given.",
            "Le contenu des pièces n’a pas été examiné : elles sont scellées pour quelqu’un d’autre, ou aucune n’a été donnée.",
            "El contenido no se examinó: está sellado para otra persona, o no se entregó ninguno.",
        ],
        wrong: [
            "An exhibit is not what was sealed: it is not the evidence that was collected.",
            "Une pièce n’est pas ce qui a été scellé : ce n’est pas la preuve qui a été recueillie.",
            "Un elemento no es lo que se selló: no es la prueba que se recogió.",
        ],
    },
    Topic {
        name: ["Documents of the case", "Les documents de l’affaire", "Los documentos del caso"],
        right: [
            "Request, order and decisions carry the signatures and the seal that they need.",
            "Demande, ordre et décisions portent les signatures et le cachet requis.",
            "Solicitud, orden y decisiones llevan las firmas y el sello que necesitan.",
        ],
        open: [
            "A document’s signatures are sound; whose seal it carries was not compared.",
            "Les signatures d’un document sont bonnes ; l’origine de son cachet n’a pas été comparée.",
            "Las firmas de un documento son buenas; no se comparó de quién es su sello.",
        ],
        wrong: [
            "A document is not what its institution signed, or was not signed by those who must.",
            "Un document n’est pas ce que son institution a signé, ou n’a pas été signé par qui de droit.",
            "Un documento no es lo que firmó su institución, o no lo firmó quien debía.",
        ],
    },
    Topic {
        name: ["Receipts", "Les récépissés", "Los acuses de recibo"],
        right: [
            "The receipts are sealed by the institutions that gave them.",
            "Les récépissés sont scellés par les institutions qui les ont donnés.",
            "Los acuses de recibo están sellados por las instituciones que los dieron.",
        ],
        open: [
            "A receipt’s seal was not compared with the one that its institution publishes.",
            "Le cachet d’un récépissé n’a pas été comparé à celui que son institution publie.",
            "El sello de un acuse no se comparó con el que publica su institución.",
        ],
        wrong: [
            "A receipt was not given by the institution that it names.",
            "Un récépissé n’a pas été donné par l’institution qu’il nomme.",
            "Un acuse de recibo no lo dio la institución que nombra.",
        ],
    },
    Topic {
        name: ["Party entries", "Les fiches des parties", "Las fichas de las partes"],
        right: [
            "The entries in the bundle are those that you trust.",
            "Les fiches du dossier sont celles auxquelles vous faites confiance.",
            "Las fichas del expediente son las que usted considera fiables.",
        ],
        open: [
            "An entry in the bundle proves nothing until its fingerprint is compared by another way.",
            "Une fiche du dossier ne prouve rien tant que son empreinte n’est pas comparée par une autre voie.",
            "Una ficha del expediente no prueba nada hasta comparar su huella por otra vía.",
        ],
        wrong: [
            "An entry in the bundle is damaged or another than the one that you trust.",
            "Une fiche du dossier est endommagée, ou autre que celle à laquelle vous faites confiance.",
            "Una ficha del expediente está dañada o es distinta de la que usted considera fiable.",
        ],
    },
    Topic {
        name: ["The custody record", "Le registre de conservation", "El registro de custodia"],
        right: [
            "What the office noted about the case is complete to the numbers given, and unchanged since its log was signed.",
            "Ce que l’office a consigné est complet jusqu’aux numéros indiqués, et inchangé depuis la signature du journal.",
            "Lo que la oficina anotó está completo hasta los números indicados, y sin cambios desde que se firmó el registro.",
        ],
        open: [
            "The record was not checked: the key of the log is in the institution’s party entry, which was not given.",
            "Le registre n’a pas été vérifié : la clé du journal est dans la fiche de l’institution, qui n’a pas été donnée.",
            "El registro no se comprobó: la clave está en la ficha de la institución, que no se entregó.",
        ],
        wrong: [
            "The record was changed, has a gap, or is of another log: it does not show who held the evidence.",
            "Le registre a été modifié, présente une lacune, ou est d’un autre journal : il ne montre pas qui a détenu les preuves.",
            "El registro fue modificado, tiene una laguna o es de otro: no muestra quién tuvo las pruebas.",
        ],
    },
    Topic {
        name: ["One case", "Une seule affaire", "Un solo caso"],
        right: [
            "Evidence, documents, receipts and record name one another and are of the same case.",
            "Preuves, documents, récépissés et registre se désignent mutuellement et sont de la même affaire.",
            "Pruebas, documentos, acuses y registro se nombran unos a otros y son del mismo caso.",
        ],
        open: [
            "Not everything could be compared with everything else.",
            "Tout n’a pas pu être comparé avec tout.",
            "No todo se pudo comparar con todo.",
        ],
        wrong: [
            "The parts are not of one case: something was exchanged or is missing from the record.",
            "Les éléments ne sont pas de la même affaire : quelque chose a été échangé ou manque au registre.",
            "Las partes no son de un mismo caso: algo se cambió o falta en el registro.",
        ],
    },
    Topic {
        name: ["Proven time", "La date prouvée", "La fecha probada"],
        right: [
            "A time stamp proves that the signatures existed then.",
            "Un horodatage prouve que les signatures existaient alors.",
            "Un sello de tiempo prueba que las firmas existían entonces.",
        ],
        open: [
            "Not every time is proven: where no verified time stamp is named below, it is what the signer says.",
            "Toutes les dates ne sont pas prouvées : sans horodatage vérifié ci-dessous, la date est celle que donne le signataire.",
            "No todas las fechas están probadas: sin un sello de tiempo verificado abajo, la fecha es la que dice el firmante.",
        ],
        wrong: [
            "A time stamp is wrong, or nothing proves that the signatures existed at the instant for which they shall be judged.",
            "Un horodatage est faux, ou rien ne prouve que les signatures existaient à l’instant pour lequel elles doivent être jugées.",
            "Un sello de tiempo es falso, o nada prueba que las firmas existieran en el instante para el que deben juzgarse.",
        ],
    },
    Topic {
        name: ["Revocation", "La révocation", "La revocación"],
        right: [
            "No certificate stands on a revocation list of its issuer.",
            "Aucun certificat ne figure sur une liste de révocation de son émetteur.",
            "Ningún certificado figura en una lista de revocación de su emisor.",
        ],
        open: [
            "Whether certificates were revoked was not checked for all of them: no list was at hand.",
            "La révocation n’a pas été vérifiée pour tous les certificats : aucune liste n’était disponible.",
            "No se comprobó la revocación de todos los certificados: no había lista.",
        ],
        wrong: [
            "A certificate was revoked, or its list cannot be used: the signature may be by somebody else.",
            "Un certificat a été révoqué, ou sa liste est inutilisable : la signature peut être d’un autre.",
            "Un certificado fue revocado, o su lista no sirve: la firma puede ser de otra persona.",
        ],
    },
    Topic {
        name: ["Witnesses", "Les témoins", "Los testigos"],
        right: [
            "Another institution confirmed the log with its own key.",
            "Une autre institution a confirmé le journal avec sa propre clé.",
            "Otra institución confirmó el registro con su propia clave.",
        ],
        open: [
            "Not every other institution that you named is verified to have confirmed the log: another version of it might exist.",
            "Toutes les autres institutions que vous avez nommées n’ont pas confirmé le journal de façon vérifiée : il pourrait en exister une autre version.",
            "No se verificó que todas las demás instituciones que usted nombró confirmaran el registro: podría existir otra versión.",
        ],
        wrong: [
            "A confirmation of the log is not that of the witness it names, or one that was required is missing.",
            "Une confirmation du journal n’est pas celle du témoin qu’elle nomme, ou il en manque une qui était exigée.",
            "Una confirmación del registro no es la del testigo que nombra, o falta una que se exigía.",
        ],
    },
];

/// The topic to which a part belongs: its place among [`TOPICS`].
const fn topic(part: Part) -> usize {
    match part {
        Part::Container
        | Part::Framing
        | Part::Objects
        | Part::BagFiles
        | Part::Transmittal
        | Part::Encryption
        | Part::Manifest
        | Part::TagManifest
        | Part::PersonManifest
        | Part::Bundle => 0,
        Part::BundleSignature => 1,
        Part::PersonSignature
        | Part::Signer
        | Part::IndexSignature
        | Part::Origin
        | Part::MakerSignature
        | Part::Agreement => 2,
        Part::Seal | Part::MakerSeal => 3,
        Part::Index | Part::Records | Part::Contents => 4,
        Part::Document => 5,
        Part::Receipt => 6,
        Part::Party => 7,
        Part::Custody => 8,
        Part::Relations => 9,
        Part::Time => 10,
        Part::Revocation => 11,
        Part::Witness => 12,
    }
}

/// A topic of a report, with the checks that belong to it.
pub struct TopicFound<'a> {
    /// Its name.
    pub name: &'static str,
    /// How it ended.
    pub standing: Standing,
    /// What that means.
    pub meaning: &'static str,
    /// The checks.
    pub checks: Vec<&'a Check>,
}

/// The checks by topics, in plain words.
#[must_use]
pub fn topics(checks: &[Check], language: Language) -> Vec<TopicFound<'_>> {
    let of = |index: usize, words: &Topic| {
        let checks: Vec<&Check> = checks.iter().filter(|check| topic(check.part) == index).collect();
        let standing = checks.iter().map(|check| standing(check)).max()?;
        let meaning = match standing {
            Standing::Checked => words.right,
            Standing::NotChecked => words.open,
            Standing::Failed => words.wrong,
        };
        let (name, meaning) = (language.of(words.name), language.of(meaning));
        Some(TopicFound { name, standing, meaning, checks })
    };
    TOPICS.iter().enumerate().filter_map(|(index, words)| of(index, words)).collect()
}

/// How a check ended.
#[must_use]
pub const fn standing(check: &Check) -> Standing {
    match check.outcome {
        Outcome::Checked => Standing::Checked,
        Outcome::NotChecked { .. } => Standing::NotChecked,
        Outcome::Failed { .. } => Standing::Failed,
    }
}

/// The word for how something ended.
#[must_use]
pub const fn word(standing: Standing, language: Language) -> &'static str {
    match standing {
        Standing::Checked => language.of(["checked", "vérifié", "comprobado"]),
        Standing::NotChecked => language.of(["not checked", "non vérifié", "no comprobado"]),
        Standing::Failed => language.of(["FAILED", "ÉCHEC", "FALLO"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(part: Part, outcome: Outcome) -> Check {
        Check { part, object: None, outcome, text: "x".to_owned() }
    }

    #[test]
    fn a_topic_is_as_bad_as_the_worst_of_its_checks() {
        let checks = [
            check(Part::Bundle, Outcome::Checked),
            check(Part::Objects, Outcome::Failed { why: "x".to_owned() }),
            check(Part::Time, Outcome::NotChecked { why: "x".to_owned() }),
        ];
        let found = topics(&checks, Language::French);
        let of: Vec<(&str, Standing)> = found.iter().map(|one| (one.name, one.standing)).collect();
        assert_eq!(of, [("Le fichier", Standing::Failed), ("La date prouvée", Standing::NotChecked)]);
        assert!(found[0].meaning.contains("Ne vous y fiez pas"));
        assert_eq!(found[0].checks.len(), 2);
    }

    #[test]
    fn every_text_is_in_every_language() {
        for topic in &TOPICS {
            for texts in [topic.name, topic.right, topic.open, topic.wrong] {
                assert!(texts.iter().all(|text| !text.is_empty()), "{texts:?}");
                assert!(texts[0] != texts[1] && texts[1] != texts[2], "{texts:?}");
            }
        }
        assert!("de".parse::<Language>().is_err());
    }
}
