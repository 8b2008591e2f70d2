//! Makers and judges of the vectors, one room a format.

mod containers;
mod entries;
mod receipts;
