use super::*;

fn read_tree(files: &[(&str, &str)]) -> Facts {
    let mut all = Files::new();
    for (path, text) in files {
        all.insert(path, text.as_bytes());
    }
    let mine: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    read(&all, &mine)
}

#[test]
fn reads() {
    let facts = read_tree(&[("a.tf", "resource \"aws_s3_bucket\" \"x\" {}\n")]);
    assert_eq!(facts.components.len(), 3);
}
