//! Compiles the .proto files with a compiler written in Rust, so that no `protoc` is needed, and
//! keeps the descriptor set for reflection.

use prost::Message as _;
use std::error::Error;
use std::path::PathBuf;

const FILES: [&str; 9] = [
    "rogatory/common/v1/receipt.proto",
    "rogatory/office/v1/case_service.proto",
    "rogatory/office/v1/document_service.proto",
    "rogatory/office/v1/health_service.proto",
    "rogatory/office/v1/package_service.proto",
    "rogatory/office/v1/party_service.proto",
    "rogatory/peer/v1/delivery_service.proto",
    "rogatory/peer/v1/witness_service.proto",
    "rogatory/custody/v1/custody_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rogatory");
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
