use saas_rbac::second_factor::Proof;
use secrecy::SecretString;

/// What somebody shows beside a password, if anything: a code goes first.
pub(super) fn proof(code: Option<SecretString>, recovery: Option<SecretString>) -> Option<Proof> {
    code.map(Proof::Code).or_else(|| recovery.map(Proof::Recovery))
}
