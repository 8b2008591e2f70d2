//! A package as a CASE/UCO graph.
//!
//! Holds what of a package becomes which node: exhibits and the files in folders, their hashes,
//! acquisition as actions with performer, tool and source, provenance records, the package, who sealed
//! it and who may open it. May read the index only.
//!
//! Source: CASE 1.5.0 (UCO 1.5.0), checked with `case_validate`.

use super::ExportError;
use super::graph::{Graph, file_instant, instant, integer, named};
use crate::acquisition::{AccountIdentifier, AcquiredBy, Acquisition, DigestAlgorithm, DigestOf, Tool, code};
use crate::files_list::{FilesList, ListedEntry, ListedType};
use crate::record::{ExhibitType, RawName, Record, display};
use crate::transmittal::{IntendedRecipient, Recovery, TransmittalKind};
use crate::verify::described::{Described, describe};
use crate::verify::index::Index;
use crate::verify::{ExhibitDescription, Form, VerifiedPackage, VerifyOptions};
use rogatory_core::reference::PackageId;
use serde_json::{Value, json};
use std::io::{BufReader, Write};
use std::path::Path;

/// What was exported.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct CaseReport {
    /// The package's id, if the outer part was at hand.
    pub package: Option<PackageId>,
    /// How many exhibits.
    pub exhibits: u64,
    /// How many of them have acquisition facts.
    pub with_facts: u64,
    /// How many files, folders and links inside folder exhibits.
    pub entries: u64,
    /// How many nodes the graph has.
    pub nodes: u64,
}

/// Writes the package at `path`, sealed, opened or its index alone, as JSON-LD.
///
/// # Errors
/// [`ExportError`]; what was written until then is no graph.
pub fn case(
    path: &Path,
    options: &VerifyOptions<'_>,
    out: &mut dyn Write,
) -> Result<CaseReport, ExportError> {
    let Described { mut index, package } = described(path, options)?;
    let transmittal = package.transmittal().to_bytes();
    let transmittal = transmittal.map_err(|error| ExportError::Changed(error.to_string()))?;
    let mut report =
        CaseReport { package: package.package().cloned(), exhibits: 0, with_facts: 0, entries: 0, nodes: 0 };
    let mut writer =
        Writer { graph: Graph::begin(out, &transmittal)?, provenance: Vec::new(), sealed: Vec::new() };
    writer.people(&package)?;
    for exhibit in package.exhibits() {
        let record = index.record(exhibit);
        let record =
            record.ok_or_else(|| ExportError::Changed(format!("the record of {}", exhibit.number)))?;
        report.exhibits += 1;
        report.with_facts += u64::from(record.acquisition.is_some());
        writer.exhibit(&record)?;
        if record.exhibit_type == ExhibitType::Folder {
            // What lies in a sensitive folder is named to nobody by accident.
            if record.sensitive.is_none() {
                report.entries += writer.entries(&mut index, exhibit)?;
            }
        }
    }
    report.nodes = writer.finish(&package)?;
    Ok(report)
}

/// Verifies all but the contents.
pub(super) fn described(path: &Path, options: &VerifyOptions<'_>) -> Result<Described, ExportError> {
    // The index of an opened package lies in the clear.
    let is_sealed = !path.is_dir() || !path.join(crate::layout::OPENED_INDEX_NAME).exists();
    let described = describe(path, options).map_err(|verdict| {
        if options.identities.is_empty() && is_sealed && verdict.form() == Form::Sealed {
            ExportError::NoIdentity
        } else {
            ExportError::NotVerified(verdict)
        }
    })?;
    if described.package.derivation().is_some() { Err(ExportError::Derived) } else { Ok(described) }
}

struct Writer<'a> {
    graph: Graph<'a>,
    /// The names of all provenance records and exhibits.
    provenance: Vec<Value>,
    sealed: Vec<Value>,
}

/// The names of the things that every package has.
const PACKAGE: &str = r#"["package"]"#;
const SIGNER: &str = r#"["signer"]"#;
const SENDER: &str = r#"["sender"]"#;
const ORDER: &str = r#"["order"]"#;
const SEALING: &str = r#"["sealing"]"#;
const INVESTIGATION: &str = r#"["investigation"]"#;

impl Writer<'_> {
    /// Sender, signer, recipients, and the order that is answered.
    fn people(&mut self, package: &VerifiedPackage) -> Result<(), ExportError> {
        let transmittal = package.transmittal();
        let certificate = package.signature().certificate();
        let note = format!(
            "signed the package; the SHA-256 of the certificate is {}, verified against a trust anchor",
            certificate.digest()
        );
        self.graph.put(
            SIGNER,
            json!({
                "@type": "uco-identity:Person",
                "uco-core:name": shown(&certificate.subject()),
                "uco-core:description": note,
            }),
        )?;
        self.role(SIGNER, "signer of the package")?;
        if let Some(institution) = &transmittal.sender.institution {
            let known = match package.sealed_by() {
                Some(_) => "its published seal was verified",
                None => "as the transmittal says; no seal was compared",
            };
            self.graph.put(
                SENDER,
                json!({
                    "@type": "uco-identity:Organization",
                    "uco-core:name": institution.to_string(),
                    "uco-core:description": known,
                }),
            )?;
            self.role(SENDER, "sender of the package")?;
            self.graph.relate(SIGNER, "Acts_For", SENDER)?;
        }
        for recipient in &transmittal.recipients {
            self.recipient(recipient, "recipient of the package")?;
        }
        if let Recovery::Recipients(recipients) = &transmittal.recovery {
            for recipient in recipients {
                self.recipient(recipient, "recovery recipient of the package")?;
            }
        }
        if let Some(order) = &transmittal.order {
            self.graph.put(
                ORDER,
                json!({
                    "@type": "case-investigation:Authorization",
                    "case-investigation:authorizationType": "order or request that is answered",
                    "case-investigation:authorizationIdentifier": order.to_string(),
                }),
            )?;
        }
        Ok(())
    }

    fn recipient(&mut self, one: &IntendedRecipient, role: &str) -> Result<(), ExportError> {
        let (class, name) = match (&one.officer, &one.institution) {
            (Some(officer), _) => ("uco-identity:Person", officer.to_string()),
            (None, Some(institution)) => ("uco-identity:Organization", institution.to_string()),
            (None, None) => ("uco-identity:Identity", "holder of a key, not named".to_owned()),
        };
        let id = named("recipient", &[&one.fingerprint.to_string()]);
        let note = format!("the SHA-256 of the encryption key's text is {}", one.fingerprint);
        self.graph
            .put_once(&id, json!({ "@type": class, "uco-core:name": name, "uco-core:description": note }))?;
        self.role(&id, role)
    }

    fn role(&mut self, who: &str, role: &str) -> Result<(), ExportError> {
        let name = named("role in the package", &[role]);
        self.graph.put_once(&name, json!({ "@type": "uco-role:Role", "uco-core:name": role }))?;
        Ok(self.graph.relate(who, "Has_Role", &name)?)
    }

    /// The exhibit as a file, its provenance record, and how it was acquired.
    fn exhibit(&mut self, record: &Record) -> Result<(), ExportError> {
        let number = record.exhibit.to_string();
        let id = exhibit_name(&number);
        let is_folder = record.exhibit_type == ExhibitType::Folder;
        let facts = record.acquisition.as_ref();
        let times = |members: &mut Value| {
            members["uco-observable:modifiedTime"] = file_instant(record.modified_time);
            members["uco-observable:metadataChangeTime"] = file_instant(record.changed_time);
            members["uco-observable:observableCreatedTime"] = file_instant(record.birth_time);
        };
        let name = record.name.display();
        let mut file = json!({
            "uco-observable:fileName": if is_folder { format!("{name}.tar") } else { name.to_owned() },
            "uco-observable:filePath": record.path.as_ref().map(RawName::display),
            "uco-observable:isDirectory": false,
            "uco-observable:sizeInBytes": integer(record.size_bytes),
        });
        if !is_folder {
            times(&mut file);
        }
        let content = json!({
            "uco-observable:sizeInBytes": integer(record.size_bytes),
            "uco-observable:mimeType": match facts.and_then(|facts| facts.media_type.as_ref()) {
                _ if is_folder => json!("application/x-tar"),
                Some(media_type) => json!(media_type.as_str()),
                None => Value::Null,
            },
            "uco-observable:hash": [self.graph.hash(&id, "SHA256", &record.sha256.to_hex())],
        });
        let mut facets = vec![
            self.graph.facet(&id, "uco-observable:FileFacet", file),
            self.graph.facet(&id, "uco-observable:ContentDataFacet", content),
        ];
        if is_folder {
            let archive = json!({ "uco-observable:archiveType": "tar" });
            facets.push(self.graph.facet(&id, "uco-observable:ArchiveFileFacet", archive));
        }
        self.graph.put(
            &id,
            json!({
                "@type": if is_folder { "uco-observable:ArchiveFile" } else { "uco-observable:File" },
                "uco-core:name": format!("exhibit {number}"),
                "uco-core:description": raw_note(&record.name),
                "uco-core:hasFacet": facets,
            }),
        )?;
        if is_folder {
            let folder = folder_name(&number);
            let mut members = json!({
                "uco-observable:fileName": name,
                "uco-observable:isDirectory": true,
            });
            times(&mut members);
            let facet = self.graph.facet(&folder, "uco-observable:FileFacet", members);
            self.graph
                .put(&folder, json!({ "@type": "uco-observable:Directory", "uco-core:hasFacet": [facet] }))?;
            self.graph.relate_observed(&folder, "Contained_Within", &id)?;
        }
        self.provenance(record, &number)?;
        if let Some(facts) = facts {
            self.acquisition(facts, &number)?;
        }
        self.sealed.push(self.graph.to(&id));
        Ok(())
    }

    fn provenance(&mut self, record: &Record, number: &str) -> Result<(), ExportError> {
        let name = provenance_name(number);
        let mut tags: Vec<String> = Vec::new();
        tags.extend(record.sensitive.as_ref().map(|_| "sensitive: yes".to_owned()));
        if let Some(facts) = &record.acquisition {
            tags.extend(code(&facts.category).map(|category| format!("category: {category}")));
            for (flag, tag) in [(facts.privileged, "privileged"), (facts.victim, "victim")] {
                tags.extend(flag.map(|flag| format!("{tag}: {}", if flag { "yes" } else { "no" })));
            }
        }
        let object = self.graph.to(&exhibit_name(number));
        self.graph.put(
            &name,
            json!({
                "@type": "case-investigation:ProvenanceRecord",
                "case-investigation:exhibitNumber": number,
                "uco-core:tag": tags,
                "uco-core:object": [object],
            }),
        )?;
        let reference = self.graph.to(&name);
        self.provenance.push(reference);
        Ok(())
    }

    /// Who acquired the exhibit, when, from what, with what.
    fn acquisition(&mut self, facts: &Acquisition, number: &str) -> Result<(), ExportError> {
        let performer = facts.acquired_by.as_ref().map(|who| self.performer(who)).transpose()?;
        let mut instruments = Vec::new();
        for tool in &facts.tools {
            instruments.push(self.tool(tool)?);
        }
        let mut objects = Vec::new();
        objects.extend(self.device(facts)?);
        for account in &facts.account_identifiers {
            objects.push(self.account(account)?);
        }
        objects.extend(self.original(facts, number, DigestOf::Source)?);
        self.original(facts, number, DigestOf::Exhibit)?;
        let said: Vec<String> = facts
            .lines()
            .into_iter()
            .map(|(label, text)| format!("{label}: {}", shown_lines(&text)))
            .collect();
        let authorization =
            facts.legal_basis.as_ref().map(|basis| (named("legal basis", &[basis.as_str()]), basis));
        if let Some((name, basis)) = &authorization {
            self.graph.put_once(
                name,
                json!({
                    "@type": "case-investigation:Authorization",
                    "case-investigation:authorizationType": "legal basis of the acquisition, as the producer states it",
                    "case-investigation:authorizationIdentifier": basis.as_str(),
                }),
            )?;
        }
        let action = named("acquisition", &[number]);
        self.graph.put(
            &action,
            json!({
                "@type": "case-investigation:InvestigativeAction",
                "uco-core:name": format!("acquisition of {number}"),
                "uco-core:description": said,
                "uco-action:performer": performer,
                "uco-action:instrument": instruments,
                "uco-action:object": objects,
                "uco-action:result": [self.graph.to(&exhibit_name(number)), self.graph.to(&provenance_name(number))],
                "uco-action:endTime": facts.acquired_time.map(instant),
            }),
        )?;
        if let Some((name, _)) = authorization {
            self.graph.relate(&action, "Authorized_By", &name)?;
        }
        Ok(())
    }

    fn performer(&mut self, who: &AcquiredBy) -> Result<Value, ExportError> {
        let organisation = who.organisation.as_ref();
        let name = match organisation {
            Some(organisation) => named("person", &[who.name.as_str(), organisation.as_str()]),
            None => named("person", &[who.name.as_str()]),
        };
        let is_new = !self.graph.is_there(&name);
        let person = self.graph.put_once(
            &name,
            json!({
                "@type": "uco-identity:Person",
                "uco-core:name": who.name.as_str(),
                "uco-core:description": "named by the producer of the evidence",
            }),
        )?;
        if let Some(organisation) = organisation.filter(|_| is_new) {
            let at = named("organisation", &[organisation.as_str()]);
            self.graph.put_once(
                &at,
                json!({ "@type": "uco-identity:Organization", "uco-core:name": organisation.as_str() }),
            )?;
            self.graph.relate(&name, "Acts_For", &at)?;
        }
        if let Some(role) = &who.role {
            let role_name = named("role as stated", &[role.as_str()]);
            let relation = named("person in a role", &[&name, &role_name]);
            if !self.graph.is_there(&relation) {
                self.graph.put_once(
                    &role_name,
                    json!({ "@type": "uco-role:Role", "uco-core:name": role.as_str() }),
                )?;
                let node = json!({
                    "@type": "uco-core:Relationship",
                    "uco-core:source": self.graph.to(&name),
                    "uco-core:target": self.graph.to(&role_name),
                    "uco-core:kindOfRelationship": "Has_Role",
                    "uco-core:isDirectional": true,
                });
                self.graph.put_once(&relation, node)?;
            }
        }
        Ok(person)
    }

    fn tool(&mut self, tool: &Tool) -> Result<Value, ExportError> {
        let version = tool.version.as_ref().map(ToString::to_string);
        let settings = tool.settings.as_ref().map(|settings| format!("settings: {settings}"));
        let name =
            named("tool", &[tool.name.as_str(), &part(version.as_deref()), &part(settings.as_deref())]);
        Ok(self.graph.put_once(
            &name,
            json!({
                "@type": "uco-tool:Tool",
                "uco-core:name": tool.name.as_str(),
                "uco-tool:version": version,
                "uco-core:description": settings,
            }),
        )?)
    }

    fn device(&mut self, facts: &Acquisition) -> Result<Option<Value>, ExportError> {
        let Some(device) = &facts.source_device else {
            return Ok(None);
        };
        let text = |part: &Option<crate::acquisition::Line>| part.as_ref().map(ToString::to_string);
        let parts = [&device.device_type, &device.make, &device.model, &device.serial_number].map(text);
        let [device_type, make, model, serial_number] = parts.each_ref().map(|text| part(text.as_deref()));
        let name = named("device", &[&device_type, &make, &model, &serial_number]);
        let [device_type, make, model, serial_number] = parts;
        let manufacturer = match &make {
            Some(make) => Some(self.graph.put_once(
                &named("organisation", &[make]),
                json!({ "@type": "uco-identity:Organization", "uco-core:name": make }),
            )?),
            None => None,
        };
        let facet = self.graph.facet(
            &name,
            "uco-observable:DeviceFacet",
            json!({
                "uco-observable:deviceType": device_type,
                "uco-observable:manufacturer": manufacturer,
                "uco-observable:model": model,
                "uco-observable:serialNumber": serial_number,
            }),
        );
        let node = json!({ "@type": "uco-observable:Device", "uco-core:hasFacet": [facet] });
        Ok(Some(self.graph.put_once(&name, node)?))
    }

    fn account(&mut self, account: &AccountIdentifier) -> Result<Value, ExportError> {
        let kind = account.kind.as_ref().map(|kind| format!("identifier of the kind: {kind}"));
        let name = named("account", &[&part(kind.as_deref()), account.value.as_str()]);
        let facet = self.graph.facet(
            &name,
            "uco-observable:AccountFacet",
            json!({ "uco-observable:accountIdentifier": account.value.as_str() }),
        );
        Ok(self.graph.put_once(
            &name,
            json!({
                "@type": "uco-observable:DigitalAccount",
                "uco-core:description": kind,
                "uco-core:hasFacet": [facet],
            }),
        )?)
    }

    /// Digests that are the producer's word only stand at a thing of their own, never at the exhibit.
    fn original(
        &mut self,
        facts: &Acquisition,
        number: &str,
        of: DigestOf,
    ) -> Result<Option<Value>, ExportError> {
        let stated: Vec<_> = facts.original_digests.iter().filter(|digest| digest.of() == of).collect();
        if stated.is_empty() {
            return Ok(None);
        }
        let (what, relation) = match of {
            DigestOf::Source => ("source", "Extracted_From"),
            DigestOf::Exhibit => ("original", "Copied_From"),
        };
        let name = named(what, &[number]);
        let hashes: Vec<Value> = stated
            .iter()
            .map(|digest| {
                let method = match digest.algorithm() {
                    DigestAlgorithm::Md5 => "MD5",
                    DigestAlgorithm::Sha1 => "SHA1",
                    DigestAlgorithm::Sha256 => "SHA256",
                    DigestAlgorithm::Sha512 => "SHA512",
                };
                self.graph.hash(&name, method, &digest.value())
            })
            .collect();
        let facet = self.graph.facet(
            &name,
            "uco-observable:ContentDataFacet",
            json!({ "uco-observable:hash": hashes }),
        );
        let said: Vec<String> = stated.iter().map(ToString::to_string).collect();
        self.graph.put(
            &name,
            json!({
                "@type": "uco-observable:ObservableObject",
                "uco-core:name": format!("{what} of {number}, as its producer describes it"),
                "uco-core:description": said,
                "uco-core:hasFacet": [facet],
            }),
        )?;
        self.graph.relate_observed(&exhibit_name(number), relation, &name)?;
        Ok(Some(self.graph.to(&name)))
    }

    /// The files, folders and links of a folder exhibit.
    fn entries(&mut self, index: &mut Index, exhibit: &ExhibitDescription) -> Result<u64, ExportError> {
        let number = exhibit.number.to_string();
        let files = index.files(exhibit).map_err(ExportError::Index)?;
        let mut list = FilesList::new(BufReader::new(files));
        let exhibit = exhibit_name(&number);
        let mut count = 0;
        while let Some(entry) = list.next_entry().map_err(ExportError::Files)? {
            count += 1;
            self.entry(&entry, &named("entry", &[&number, &count.to_string()]), &exhibit)?;
        }
        Ok(count)
    }

    fn entry(&mut self, entry: &ListedEntry, name: &str, exhibit: &str) -> Result<(), ExportError> {
        let last = entry.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let has_content = !matches!(entry.listed_type, ListedType::Folder | ListedType::Link);
        let mut facets = vec![self.graph.facet(
            name,
            "uco-observable:FileFacet",
            json!({
                "uco-observable:fileName": display(last),
                "uco-observable:filePath": display(&entry.path),
                "uco-observable:isDirectory": entry.listed_type == ListedType::Folder,
                "uco-observable:sizeInBytes": if has_content { integer(entry.size_bytes) } else { Value::Null },
            }),
        )];
        // The digest of a file with holes is none that other tools know.
        if let (true, Some(sha256)) = (entry.listed_type.has_plain_digest(), &entry.sha256) {
            let hash = self.graph.hash(name, "SHA256", &sha256.to_hex());
            let content = json!({
                "uco-observable:sizeInBytes": integer(entry.size_bytes),
                "uco-observable:hash": [hash],
            });
            facets.push(self.graph.facet(name, "uco-observable:ContentDataFacet", content));
        }
        let class = match entry.listed_type {
            ListedType::File | ListedType::Sparse | ListedType::FileAgain | ListedType::SparseAgain => {
                "uco-observable:File"
            }
            ListedType::Folder => "uco-observable:Directory",
            ListedType::Link => "uco-observable:SymbolicLink",
        };
        let mut said: Vec<String> = raw_note(&RawName::new(&entry.path)).into_iter().collect();
        if matches!(entry.listed_type, ListedType::FileAgain | ListedType::SparseAgain) {
            said.push("a further name (hard link) of a file that stands before it".to_owned());
        }
        if matches!(entry.listed_type, ListedType::Sparse | ListedType::SparseAgain) {
            said.push("a file with holes; the index holds no SHA-256 of its content".to_owned());
        }
        self.graph.put(
            name,
            json!({
                "@type": class,
                "uco-core:description": said,
                "uco-core:hasFacet": facets,
            }),
        )?;
        Ok(self.graph.relate_observed(name, "Contained_Within", exhibit)?)
    }

    /// The package, its sealing, and what holds all together.
    fn finish(mut self, package: &VerifiedPackage) -> Result<u64, ExportError> {
        let transmittal = package.transmittal();
        let id = package.package().map(ToString::to_string);
        let kind = match transmittal.kind {
            TransmittalKind::Original => "sealed from the exhibits themselves",
            TransmittalKind::Rewrap => "made readable for other recipients",
            TransmittalKind::Disclosure => "exhibits of another package, disclosed",
        };
        let mut said = vec![format!("evidence package, {kind}")];
        said.push("verified but for the contents of the exhibits, which an export does not read".to_owned());
        said.extend(
            transmittal.reference.as_ref().map(|reference| format!("file number of the sender: {reference}")),
        );
        let name = id.unwrap_or_else(|| "evidence package, known by its index".to_owned());
        let archive = json!({ "uco-observable:archiveType": "ASiC-E" });
        let facet = self.graph.facet(PACKAGE, "uco-observable:ArchiveFileFacet", archive);
        self.graph.put(
            PACKAGE,
            json!({
                "@type": "uco-observable:ArchiveFile",
                "uco-core:name": name,
                "uco-core:description": said,
                "uco-core:hasFacet": [facet],
            }),
        )?;
        let exhibits = std::mem::take(&mut self.sealed);
        let performer = self.graph.to(SIGNER);
        let participant = transmittal.sender.institution.is_some().then(|| self.graph.to(SENDER));
        let result = self.graph.to(PACKAGE);
        self.graph.put(
            SEALING,
            json!({
                "@type": "case-investigation:InvestigativeAction",
                "uco-core:name": "sealing of the package",
                "uco-core:description": "the time is the one that the sender claims",
                "uco-action:performer": performer,
                "uco-action:participant": participant,
                "uco-action:object": exhibits,
                "uco-action:result": [result],
                "uco-action:endTime": instant(transmittal.created_time),
            }),
        )?;
        let mut objects = std::mem::take(&mut self.provenance);
        objects.push(self.graph.to(SEALING));
        let order = transmittal.order.is_some().then(|| self.graph.to(ORDER));
        self.graph.put(
            INVESTIGATION,
            json!({
                "@type": "case-investigation:Investigation",
                "uco-core:name": transmittal.order.as_ref().map_or_else(
                    || "investigation for which the package was sealed".to_owned(),
                    |order| format!("investigation to which {order} belongs"),
                ),
                "case-investigation:relevantAuthorization": order,
                "uco-core:object": objects,
            }),
        )?;
        Ok(self.graph.end()?)
    }
}

fn exhibit_name(number: &str) -> String {
    named("exhibit", &[number])
}

fn provenance_name(number: &str) -> String {
    named("provenance", &[number])
}

fn folder_name(number: &str) -> String {
    named("folder", &[number])
}

/// A part of a name that may be missing: one that is there is told from none, whatever it says.
fn part(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("={text}"))
}

/// Text of others without control characters.
fn shown(text: &str) -> String {
    display(text.as_bytes())
}

fn shown_lines(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n")
}

/// The raw bytes of a name that its reading does not give back.
fn raw_note(name: &RawName) -> Option<String> {
    let bytes = name.bytes();
    (bytes != name.display().as_bytes())
        .then(|| format!("the raw bytes of the name in base64: {}", data_encoding::BASE64.encode(bytes)))
}
