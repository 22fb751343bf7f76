//! What must not compile does not, and the compiler says why.

#[test]
fn tenant_data_cannot_be_reached_around_its_transaction() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
