//! Evidence packages as a list of objects, to be delivered past one's own server.

use crate::office::Office;
use crate::papers::{named, sealed_receipt};
use rogatory_client::commands::package::{self, SealArguments};
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId, SharedNumber};
use rogatory_evidence::{FolderSource, PERSON_MANIFEST, PERSON_SIGNATURE, PackageSource, institution_seal};
use rogatory_pki::signing::Signer;
use rogatory_proto::common::v1::PackageObject;
use rogatory_proto::peer::v1::delivery_service_client::DeliveryServiceClient;
use rogatory_proto::peer::v1::{BeginPackageRequest, CommitPackageRequest, SendObjectRequest};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use tonic::Status;

/// Officer `id` seals one small exhibit for `recipients`, in answer to `order`, into the folder `output`.
pub async fn seal(
    office: &Office,
    id: &str,
    order: &SharedNumber,
    recipients: Vec<String>,
    output: &Path,
) -> PathBuf {
    let exhibit = output.with_extension("txt");
    std::fs::write(&exhibit, "an exhibit\n").expect("a file");
    let arguments = SealArguments {
        paths: vec![exhibit],
        recipients,
        order: Some(order.to_string()),
        output: output.to_owned(),
        ..SealArguments::default()
    };
    package::seal(&office.session(id), arguments).await.expect("a sealed package").output
}

/// A package in memory.
#[derive(Clone)]
pub struct Parcel(pub Vec<(String, Vec<u8>)>);

impl Parcel {
    /// Reads the package in `folder`.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let source = FolderSource::open(folder).expect("a package");
        let objects = source.objects().into_iter().map(|object| {
            let mut bytes = Vec::new();
            let mut reader = source.open(&object.name).expect("an object");
            reader.read_to_end(&mut bytes).expect("a readable object");
            (object.name, bytes)
        });
        Self(objects.collect())
    }

    fn object(&self, name: &str) -> &[u8] {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no object {name}")).1
    }

    /// The same with an institution's seal.
    #[must_use]
    pub fn sealed_by(mut self, office: &Office, seal: &dyn Signer) -> Self {
        let made =
            institution_seal(self.object(PERSON_MANIFEST), self.object(PERSON_SIGNATURE), seal, office.now());
        self.0.extend(made.expect("a seal").into_objects());
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> PackageId {
        PackageId::of_manifest(&Digest::of(self.object(PERSON_MANIFEST)))
    }

    fn objects_sha256(&self) -> Digest {
        let line = |(name, bytes): &(String, Vec<u8>)| format!("{}  {name}\n", Digest::of(bytes));
        Digest::of(self.0.iter().map(line).collect::<String>().as_bytes())
    }

    /// The relay receipt that `from` gives `to` for it under `number`.
    #[must_use]
    pub fn relay_receipt(&self, from: &Office, to: &Office, number: &SharedNumber) -> Vec<u8> {
        let of = Receipted::Package {
            sender: from.party.clone(),
            shared_number: number.clone(),
            package: self.id(),
            manifest_sha256: Digest::of(self.object(PERSON_MANIFEST)),
            objects_sha256: self.objects_sha256(),
            size_bytes: self.0.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        };
        let receipt = Receipt::new(ReceiptKind::Relay, named(from), to.party.clone(), from.now(), of, None);
        sealed_receipt(from, &receipt)
    }

    /// Delivers it to `to` as the institution `from`, past the server of `from`; gives the receipt.
    ///
    /// # Errors
    /// The status of a refusal without receipt.
    pub async fn deliver(
        &self,
        from: &Office,
        to: &Office,
        number: &SharedNumber,
        relay_receipt: Vec<u8>,
    ) -> Result<Vec<u8>, Status> {
        self.announce_and_send(self, from, to, number, relay_receipt).await
    }

    /// Announces this package but sends the objects of `sent`.
    ///
    /// # Errors
    /// The status of a refusal without receipt.
    pub async fn announce_and_send(
        &self,
        sent: &Self,
        from: &Office,
        to: &Office,
        number: &SharedNumber,
        relay_receipt: Vec<u8>,
    ) -> Result<Vec<u8>, Status> {
        let mut client = DeliveryServiceClient::new(from.channel_to(to));
        let objects = self.0.iter().map(|(name, bytes)| PackageObject {
            name: name.clone(),
            size_bytes: bytes.len() as u64,
            sha256: Digest::of(bytes).as_bytes().to_vec().into(),
        });
        let begin = BeginPackageRequest {
            shared_number: number.to_string(),
            objects: objects.collect(),
            ..BeginPackageRequest::default()
        };
        let transfer_id = client.begin_package(begin).await?.into_inner().transfer_id;
        for (name, bytes) in &sent.0 {
            let message = SendObjectRequest {
                transfer_id: transfer_id.clone(),
                name: name.clone(),
                data: bytes.clone().into(),
                ..SendObjectRequest::default()
            };
            client.send_object(tokio_stream::once(message)).await?;
        }
        let commit =
            CommitPackageRequest { transfer_id, relay_receipt: relay_receipt.into(), ..Default::default() };
        let answer = client.commit_package(commit).await?.into_inner();
        Ok(answer.receipt.expect("a receipt").container.to_vec())
    }
}
