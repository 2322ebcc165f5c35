use super::*;

#[test]
fn tables_are_sorted() {
    assert!(KINDS.is_sorted() && ARGUMENTS.is_sorted());
}
