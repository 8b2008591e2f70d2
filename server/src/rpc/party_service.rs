//! Adapts `PartyService` to casework. Parses, takes the permit, performs one act, renders the
//! answer. Decides nothing.

use super::{field, page_size, status_of};
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::import_party::import_party;
use crate::datastore::PartyRow;
use crate::directory::SoundEntry;
use crate::problem::Problem;
use rogatory_core::PartyId;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::party_service_server::PartyService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Parties(pub Arc<Authority>);

fn render(row: &PartyRow) -> Result<wire::Party, Problem> {
    let sound = SoundEntry::read(&row.container, row.confirmed_time)?;
    let entry = sound.entry();
    Ok(wire::Party {
        party_id: row.party.to_string(),
        name: entry.name.clone(),
        institution_kind: entry.institution_kind.clone(),
        fingerprint: row.container_sha256.to_hex(),
        peer_endpoint: entry.peer_endpoint.clone(),
        confirmed_time: row.confirmed_time.to_string(),
    })
}

#[tonic::async_trait]
impl PartyService for Parties {
    async fn export_party(
        &self,
        _request: Request<wire::ExportPartyRequest>,
    ) -> Result<Response<wire::ExportPartyResponse>, Status> {
        let entry = self.0.own_entry().map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::ExportPartyResponse { container: entry.into() }))
    }

    async fn import_party(
        &self,
        request: Request<wire::ImportPartyRequest>,
    ) -> Result<Response<wire::ImportPartyResponse>, Status> {
        let imported = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let fingerprint = field("fingerprint", &message.fingerprint)?;
            let row = import_party(&self.0, &permit, &message.container, &fingerprint).await?;
            Ok(wire::ImportPartyResponse { party: Some(render(&row)?) })
        };
        imported.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }

    async fn get_party(
        &self,
        request: Request<wire::GetPartyRequest>,
    ) -> Result<Response<wire::GetPartyResponse>, Status> {
        let got = async {
            let id: PartyId = field("party_id", &request.get_ref().party_id)?;
            let row = self.0.datastore.read().await?.party(&id).await?;
            let row = row.ok_or_else(|| Problem::unknown("party", &id))?;
            Ok(wire::GetPartyResponse { party: Some(render(&row)?), container: row.container.into() })
        };
        got.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }

    async fn list_parties(
        &self,
        request: Request<wire::ListPartiesRequest>,
    ) -> Result<Response<wire::ListPartiesResponse>, Status> {
        let listed = async {
            let message = request.into_inner();
            let size = page_size(message.page_size, 50, 500)?;
            let mut rows = self.0.datastore.read().await?.parties(&message.page_token, size + 1).await?;
            let more = rows.len() > size as usize;
            rows.truncate(size as usize);
            let next_page_token = match rows.last() {
                Some(last) if more => last.party.to_string(),
                _ => String::new(),
            };
            let parties = rows.iter().map(render).collect::<Result<_, _>>()?;
            Ok(wire::ListPartiesResponse { parties, next_page_token })
        };
        listed.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }
}
