//! The wire types, generated from the .proto files, and the descriptor set for reflection.
//!
//! What was signed travels as the very bytes that were signed, never rebuilt from fields. Meaning
//! is given to these types where they arrive: `rpc` in the server, `connect` in the client.

#![allow(missing_docs, reason = "the .proto files hold the documentation; the generator copies it")]
#![allow(clippy::all, clippy::pedantic, reason = "generated code")]

/// What both listeners share.
pub mod common {
    pub mod v1 {
        tonic::include_proto!("rogatory.common.v1");
    }
}

/// What an institution's own officers may ask of its server.
pub mod office {
    pub mod v1 {
        tonic::include_proto!("rogatory.office.v1");
    }
}

/// What one institution's server may ask of another's.
pub mod peer {
    pub mod v1 {
        tonic::include_proto!("rogatory.peer.v1");
    }
}

/// Read-only proofs of the custody log.
pub mod custody {
    pub mod v1 {
        tonic::include_proto!("rogatory.custody.v1");
    }
}

pub mod objects;

/// The descriptors of all services, as reflection serves them.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
