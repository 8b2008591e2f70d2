//! The report of a verification as a paper for a case file.
//!
//! Puts into words what the verifier found, with what a certification under FRE 902(13) and (14) asks for: what was
//! checked, by which program and version, with which digests, when; who certifies it signs by hand. Decides nothing.

use super::inspect::VerifyOutcome;
use super::words::{Language, topics, word};
use crate::problem::{Problem, clean};
use rogatory_core::{Digest, Timestamp};
use rogatory_evidence::verify::Form;
use rogatory_templates::{Certification, Piece, Report, ReportFact, ReportSection, render_report};

/// Program and version that checked.
const PROGRAM: &str = concat!("rogatory ", env!("CARGO_PKG_VERSION"));
/// The most exhibits and details that stand on the paper: it has one or two pages.
const MOST_EXHIBITS: usize = 10;
const MOST_DETAILS: usize = 6;
/// The longest detail.
const DETAIL_CHARS: usize = 260;

/// What the report is about, beside what was found.
pub(super) struct Subject {
    /// The file's name.
    pub name: String,
    /// SHA-256 of the whole file; none for a folder.
    pub sha256: Option<Digest>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Files given as trust, with their SHA-256.
    pub trusted: Vec<(String, Digest)>,
    /// When it was checked.
    pub at: Timestamp,
}

/// Sets the report of a verification as PDF.
///
/// # Errors
/// Failed, if it can't be set.
pub(super) fn pdf(
    outcome: &VerifyOutcome,
    subject: &Subject,
    language: Language,
) -> Result<Vec<u8>, Problem> {
    render_report(&report(outcome, subject, language), subject.at)
        .map_err(|error| Problem::failed("the report cannot be made").because(&error))
}

fn report(outcome: &VerifyOutcome, subject: &Subject, language: Language) -> Report {
    let say = |texts: [&'static str; 3]| language.of(texts).to_owned();
    let mut sections = vec![checks(outcome, language)];
    sections.extend(details(outcome, language));
    sections.extend(exhibits(outcome, language));
    let result = if outcome.verified {
        say([
            "Result: VERIFIED. Everything that was looked at is right. What was not looked at is named below.",
            "Résultat : VÉRIFIÉ. Tout ce qui a été examiné est exact. Ce qui ne l’a pas été est nommé ci-dessous.",
            "Resultado: VERIFICADO. Todo lo examinado es correcto. Lo que no se examinó se nombra abajo.",
        ])
    } else {
        say([
            "Result: NOT VERIFIED. What failed is named below. Do not rely on this file.",
            "Résultat : NON VÉRIFIÉ. Ce qui a échoué est nommé ci-dessous. Ne vous fiez pas à ce fichier.",
            "Resultado: NO VERIFICADO. Lo que falló se nombra abajo. No se fíe de este archivo.",
        ])
    };
    let title = if outcome.form == Form::Bundle {
        say([
            "Report on the verification of a court bundle",
            "Rapport de vérification d’un dossier pour le tribunal",
            "Informe de la verificación de un expediente judicial",
        ])
    } else {
        say([
            "Report on the verification of evidence",
            "Rapport de vérification de preuves",
            "Informe de la verificación de pruebas",
        ])
    };
    Report {
        language: language.tag().to_owned(),
        subtitle: clean(&subject.name),
        result,
        facts: facts(outcome, subject, language),
        sections,
        certification: if outcome.verified { certification(language) } else { no_certification(language) },
        footer: subject.sha256.map_or_else(String::new, |sha256| format!("SHA-256 {sha256}")),
        page: say(["page", "page", "página"]),
        program: PROGRAM.to_owned(),
        title,
    }
}

fn facts(outcome: &VerifyOutcome, subject: &Subject, language: Language) -> Vec<ReportFact> {
    let mut facts = Vec::new();
    let mut fact = |texts: [&'static str; 3], value: Piece| {
        facts.push(ReportFact { label: language.of(texts).to_owned(), value });
    };
    let unit = language.of(["bytes", "octets", "bytes"]);
    let size = format!("{} ({} {unit})", clean(&subject.name), subject.size_bytes);
    fact(["File", "Fichier", "Archivo"], Piece::words(size));
    if let Some(sha256) = subject.sha256 {
        fact(
            ["SHA-256 of the file", "SHA-256 du fichier", "SHA-256 del archivo"],
            Piece::code(sha256.to_hex()),
        );
    }
    if let Some(bundle) = &outcome.bundle {
        fact(["Case", "Affaire", "Caso"], Piece::words(bundle.shared_number.clone()));
        let made = format!("{}, {}; {}", bundle.officer, bundle.made_time, clean(&bundle.program));
        fact(
            ["Made by, as signed", "Fait par, selon la signature", "Hecho por, según la firma"],
            Piece::words(made),
        );
        let manifest = Piece::code(bundle.manifest_sha256.to_hex());
        fact(
            ["SHA-256 of the signed list", "SHA-256 de la liste signée", "SHA-256 de la lista firmada"],
            manifest,
        );
        if let Some(log) = &bundle.custody {
            let cosigned = log.witnesses.iter().filter(|witness| witness.checked);
            let cosigned: Vec<String> =
                cosigned.map(|witness| format!("{}, {}", witness.witness, witness.at)).collect();
            if !cosigned.is_empty() {
                fact(
                    ["Log cosigned by", "Journal cosigné par", "Registro refrendado por"],
                    Piece::words(cosigned.join("; ")),
                );
            }
        }
        if let Some(first) = bundle.time_stamps.iter().min_by_key(|stamp| stamp.proven) {
            let (count, at, by) =
                (bundle.time_stamps.len(), first.proven, clean(&first.time_stamping_authority));
            fact(
                ["Time stamps; the first", "Horodatages ; le premier", "Sellos de tiempo; el primero"],
                Piece::words(format!("{count}; {at}, {by}")),
            );
        }
    }
    if let Some(package) = &outcome.package_id {
        fact(["Package", "Paquet", "Paquete"], Piece::words(package.clone()));
    }
    if let Some(signer) = &outcome.signer {
        fact(
            ["Evidence sealed by", "Preuves scellées par", "Pruebas selladas por"],
            Piece::words(clean(signer)),
        );
    }
    if let Some(sha256) = outcome.signer_sha256 {
        let certificate = Piece::code(sha256.to_hex());
        fact(
            ["SHA-256 of that certificate", "SHA-256 de ce certificat", "SHA-256 de ese certificado"],
            certificate,
        );
    }
    for (name, sha256) in &subject.trusted {
        fact(
            ["Trusted from elsewhere", "Reconnu par ailleurs", "Reconocido por otra vía"],
            Piece::code(format!("{} {sha256}", clean(name))),
        );
    }
    fact(
        ["Checked at (UTC)", "Vérifié le (UTC)", "Comprobado el (UTC)"],
        Piece::words(subject.at.to_string()),
    );
    fact(
        ["Certificates judged as of", "Certificats jugés au", "Certificados juzgados a fecha de"],
        Piece::words(outcome.judged_at.clone()),
    );
    let how = language.of([
        "SHA-256 of every file; signatures CAdES (ETSI EN 319 122); Merkle proofs RFC 6962",
        "SHA-256 de chaque fichier ; signatures CAdES (ETSI EN 319 122) ; preuves de Merkle RFC 6962",
        "SHA-256 de cada archivo; firmas CAdES (ETSI EN 319 122); pruebas de Merkle RFC 6962",
    ]);
    fact(
        ["Program, version, method", "Programme, version, méthode", "Programa, versión, método"],
        Piece::words(format!("{PROGRAM}; {how}")),
    );
    facts
}

fn checks(outcome: &VerifyOutcome, language: Language) -> ReportSection {
    let row = |topic: super::words::TopicFound<'_>| {
        vec![
            Piece::words(topic.name),
            Piece::words(word(topic.standing, language)),
            Piece::words(topic.meaning),
        ]
    };
    let head = |texts: [&'static str; 3]| language.of(texts).to_owned();
    ReportSection {
        title: head(["What was checked", "Ce qui a été vérifié", "Lo que se comprobó"]),
        text: Vec::new(),
        columns: vec![
            head(["Subject", "Objet", "Objeto"]),
            head(["Result", "Résultat", "Resultado"]),
            head(["What that means", "Ce que cela signifie", "Qué significa"]),
        ],
        widths: vec![24, 14, 62],
        rows: topics(&outcome.checks, language).into_iter().map(row).collect(),
    }
}

/// The first details of what failed and what was not checked; nothing if everything was.
fn details(outcome: &VerifyOutcome, language: Language) -> Option<ReportSection> {
    let mut open: Vec<&rogatory_evidence::verify::Check> = outcome
        .checks
        .iter()
        .filter(|check| super::words::standing(check) != super::words::Standing::Checked)
        .collect();
    // What failed first.
    open.sort_by_key(|check| std::cmp::Reverse(super::words::standing(check)));
    if open.is_empty() {
        return None;
    }
    let row = |check: &&rogatory_evidence::verify::Check| {
        let mut text: String = clean(&check.text).chars().take(DETAIL_CHARS).collect();
        if check.text.chars().count() > DETAIL_CHARS {
            text.push('…');
        }
        vec![Piece::words(word(super::words::standing(check), language)), Piece::words(text)]
    };
    let more = open.len().saturating_sub(MOST_DETAILS);
    let mut rows: Vec<Vec<Piece>> = open.iter().take(MOST_DETAILS).map(row).collect();
    if more > 0 {
        rows.push(vec![
            Piece::words("…"),
            Piece::words(format!("+ {more} (rogatory package verify --json)")),
        ]);
    }
    Some(ReportSection {
        title: language.of(["Details", "Détails", "Detalles"]).to_owned(),
        text: match language {
            Language::English => Vec::new(),
            Language::French => vec!["Détails techniques, en anglais.".to_owned()],
            Language::Spanish => vec!["Detalles técnicos, en inglés.".to_owned()],
        },
        columns: vec![
            language.of(["Result", "Résultat", "Resultado"]).to_owned(),
            language.of(["Detail", "Détail", "Detalle"]).to_owned(),
        ],
        widths: vec![14, 86],
        rows,
    })
}

fn exhibits(outcome: &VerifyOutcome, language: Language) -> Option<ReportSection> {
    if outcome.exhibits.is_empty() && outcome.undisclosed.is_empty() {
        return None;
    }
    let described = |exhibit: &rogatory_evidence::verify::ExhibitDescription| {
        // The name of what is sensitive is left to the file itself.
        let name = match &exhibit.sensitive {
            Some(_) => "—".to_owned(),
            None => clean(exhibit.name.display()),
        };
        vec![
            Piece::words(exhibit.number.to_string()),
            Piece::words(name),
            Piece::words(exhibit.size_bytes.to_string()),
            Piece::code(exhibit.sha256.to_hex()),
        ]
    };
    // Nobody may take what is here for all that was sealed.
    let absent = |exhibit: &rogatory_evidence::verify::UndisclosedExhibit| {
        let name = language.of([
            "sealed, not in this file",
            "scellée, absente de ce fichier",
            "sellado, no está en este archivo",
        ]);
        vec![
            Piece::words(exhibit.number.to_string()),
            Piece::words(name),
            Piece::words("—"),
            Piece::code(exhibit.sha256.to_hex()),
        ]
    };
    let all = outcome.exhibits.iter().map(described).chain(outcome.undisclosed.iter().map(absent));
    let mut rows: Vec<Vec<Piece>> = all.take(MOST_EXHIBITS).collect();
    let more = (outcome.exhibits.len() + outcome.undisclosed.len()).saturating_sub(MOST_EXHIBITS);
    if more > 0 {
        let rest = format!("+ {more}");
        rows.push(vec![Piece::words("…"), Piece::words(rest), Piece::words(""), Piece::words("")]);
    }
    let head = |texts: [&'static str; 3]| language.of(texts).to_owned();
    Some(ReportSection {
        title: head(["Exhibits", "Pièces à conviction", "Elementos de prueba"]),
        text: vec![head([
            "The digests are those that were signed when the evidence was sealed; where the table above says checked, the copies have the same.",
            "Les empreintes sont celles signées lors du scellement ; si le tableau ci-dessus dit vérifié, les copies ont les mêmes.",
            "Las huellas son las firmadas al sellar; donde la tabla de arriba dice comprobado, las copias tienen las mismas.",
        ])],
        columns: vec![
            head(["Number", "Numéro", "Número"]),
            head(["Name", "Nom", "Nombre"]),
            head(["Bytes", "Octets", "Bytes"]),
            "SHA-256".to_owned(),
        ],
        widths: vec![10, 22, 9, 59],
        rows,
    })
}

/// What stands there instead when something failed: nobody certifies on the strength of that.
fn no_certification(language: Language) -> Certification {
    Certification {
        title: language
            .of([
                "No certification: the verification failed",
                "Pas d’attestation : la vérification a échoué",
                "Sin certificación: la verificación falló",
            ])
            .to_owned(),
        text: vec![
            language
                .of([
                    "These records cannot be certified on the strength of this verification. Who checked them may note it here.",
                    "Ces éléments ne peuvent être attestés sur la base de cette vérification. La personne qui les a vérifiés peut le noter ici.",
                    "Estos registros no pueden certificarse con base en esta verificación. Quien los comprobó puede anotarlo aquí.",
                ])
                .to_owned(),
        ],
        fields: fields(language),
    }
}

fn fields(language: Language) -> Vec<String> {
    let texts = [
        ["Name", "Nom", "Nombre"],
        ["Post and qualification", "Fonction et qualification", "Cargo y cualificación"],
        ["Place and date", "Lieu et date", "Lugar y fecha"],
        ["Signature", "Signature", "Firma"],
    ];
    texts.iter().map(|text| language.of(*text).to_owned()).collect()
}

/// What a certification under FRE 902(13)/(14), 902(11)/(12) and 28 USC 1746 or 18 USC 3505 asks for.
fn certification(language: Language) -> Certification {
    let all = |texts: &[[&'static str; 3]]| texts.iter().map(|text| language.of(*text).to_owned()).collect();
    Certification {
        title: language
            .of([
                "Certification (US Fed. R. Evid. 902(13), 902(14)), to be completed and signed by hand",
                "Attestation (US Fed. R. Evid. 902(13), 902(14)), à compléter et à signer à la main",
                "Certificación (US Fed. R. Evid. 902(13), 902(14)), para completar y firmar a mano",
            ])
            .to_owned(),
        text: all(&[
            [
                "I am qualified to make this certification by the post and training stated below. The records above were verified by the electronic process named above, which computes SHA-256 digests of the files and compares them with those signed when the evidence was sealed; this process produces an accurate result.",
                "Je suis qualifié pour cette attestation par la fonction et la formation ci-dessous. Les éléments ci-dessus ont été vérifiés par le procédé électronique nommé, qui calcule l’empreinte SHA-256 des fichiers et la compare à celles signées lors du scellement ; ce procédé donne un résultat exact.",
                "Estoy cualificado para esta certificación por el cargo y la formación indicados abajo. Los registros anteriores se verificaron con el proceso electrónico nombrado, que calcula la huella SHA-256 de los archivos y la compara con las firmadas al sellar; este proceso da un resultado exacto.",
            ],
            [
                "Where the exhibits are marked as checked, the copies are identical to what was sealed, as their digests show. I declare under penalty of perjury under the laws of the United States of America, or under the law of my State on false statements, that the foregoing is true and correct.",
                "Si les pièces sont marquées vérifiées, les copies sont identiques à ce qui a été scellé, comme le montrent les empreintes. Je déclare, sous peine de parjure ou selon la loi de mon État sur les fausses déclarations, que cela est vrai et exact.",
                "Donde los elementos figuran como comprobados, las copias son idénticas a lo sellado, como muestran sus huellas. Declaro, bajo pena de perjurio o según la ley de mi Estado sobre declaraciones falsas, que esto es verdadero y correcto.",
            ],
        ]),
        fields: fields(language),
    }
}
