//! A proof belongs to the request it was made in; it cannot be kept as a copy.

use saas_rbac::require::Granted;

fn keep<P>(proof: &Granted<P>) -> Granted<P> {
    proof.clone()
}

fn main() {}
