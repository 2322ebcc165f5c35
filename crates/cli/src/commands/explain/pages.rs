/// The page of a code; `docs/codes/` has one for each, which a test checks.
pub fn page(id: &str) -> Option<&'static str> {
    Some(match id {
        "D001" => include_str!("../../../../../docs/codes/D001.md"),
        "D002" => include_str!("../../../../../docs/codes/D002.md"),
        "D003" => include_str!("../../../../../docs/codes/D003.md"),
        "D004" => include_str!("../../../../../docs/codes/D004.md"),
        "D005" => include_str!("../../../../../docs/codes/D005.md"),
        "D006" => include_str!("../../../../../docs/codes/D006.md"),
        "D007" => include_str!("../../../../../docs/codes/D007.md"),
        "D008" => include_str!("../../../../../docs/codes/D008.md"),
        "D009" => include_str!("../../../../../docs/codes/D009.md"),
        "D010" => include_str!("../../../../../docs/codes/D010.md"),
        "D011" => include_str!("../../../../../docs/codes/D011.md"),
        "D012" => include_str!("../../../../../docs/codes/D012.md"),
        "U001" => include_str!("../../../../../docs/codes/U001.md"),
        "U002" => include_str!("../../../../../docs/codes/U002.md"),
        "U003" => include_str!("../../../../../docs/codes/U003.md"),
        "U004" => include_str!("../../../../../docs/codes/U004.md"),
        "U005" => include_str!("../../../../../docs/codes/U005.md"),
        "U006" => include_str!("../../../../../docs/codes/U006.md"),
        "U007" => include_str!("../../../../../docs/codes/U007.md"),
        "U008" => include_str!("../../../../../docs/codes/U008.md"),
        "U009" => include_str!("../../../../../docs/codes/U009.md"),
        "U010" => include_str!("../../../../../docs/codes/U010.md"),
        "U011" => include_str!("../../../../../docs/codes/U011.md"),
        "U012" => include_str!("../../../../../docs/codes/U012.md"),
        "U013" => include_str!("../../../../../docs/codes/U013.md"),
        "F001" => include_str!("../../../../../docs/codes/F001.md"),
        "F002" => include_str!("../../../../../docs/codes/F002.md"),
        "F003" => include_str!("../../../../../docs/codes/F003.md"),
        "F004" => include_str!("../../../../../docs/codes/F004.md"),
        "F005" => include_str!("../../../../../docs/codes/F005.md"),
        "F006" => include_str!("../../../../../docs/codes/F006.md"),
        "F007" => include_str!("../../../../../docs/codes/F007.md"),
        "P001" => include_str!("../../../../../docs/codes/P001.md"),
        "P002" => include_str!("../../../../../docs/codes/P002.md"),
        "P003" => include_str!("../../../../../docs/codes/P003.md"),
        "P004" => include_str!("../../../../../docs/codes/P004.md"),
        "P005" => include_str!("../../../../../docs/codes/P005.md"),
        "P006" => include_str!("../../../../../docs/codes/P006.md"),
        "P007" => include_str!("../../../../../docs/codes/P007.md"),
        "P008" => include_str!("../../../../../docs/codes/P008.md"),
        "P009" => include_str!("../../../../../docs/codes/P009.md"),
        "P010" => include_str!("../../../../../docs/codes/P010.md"),
        "P011" => include_str!("../../../../../docs/codes/P011.md"),
        "P012" => include_str!("../../../../../docs/codes/P012.md"),
        "P013" => include_str!("../../../../../docs/codes/P013.md"),
        "P014" => include_str!("../../../../../docs/codes/P014.md"),
        "R001" => include_str!("../../../../../docs/codes/R001.md"),
        "R002" => include_str!("../../../../../docs/codes/R002.md"),
        "R003" => include_str!("../../../../../docs/codes/R003.md"),
        "R004" => include_str!("../../../../../docs/codes/R004.md"),
        "R005" => include_str!("../../../../../docs/codes/R005.md"),
        "P040" => include_str!("../../../../../docs/codes/P040.md"),
        "P041" => include_str!("../../../../../docs/codes/P041.md"),
        "P042" => include_str!("../../../../../docs/codes/P042.md"),
        "P043" => include_str!("../../../../../docs/codes/P043.md"),
        "P044" => include_str!("../../../../../docs/codes/P044.md"),
        "P045" => include_str!("../../../../../docs/codes/P045.md"),
        "P046" => include_str!("../../../../../docs/codes/P046.md"),
        "E001" => include_str!("../../../../../docs/codes/E001.md"),
        "E002" => include_str!("../../../../../docs/codes/E002.md"),
        "E003" => include_str!("../../../../../docs/codes/E003.md"),
        "E004" => include_str!("../../../../../docs/codes/E004.md"),
        "E005" => include_str!("../../../../../docs/codes/E005.md"),
        "E006" => include_str!("../../../../../docs/codes/E006.md"),
        "E007" => include_str!("../../../../../docs/codes/E007.md"),
        "E008" => include_str!("../../../../../docs/codes/E008.md"),
        "E010" => include_str!("../../../../../docs/codes/E010.md"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_code_has_its_page() {
        for code in allod_facts::CODES {
            let page = super::page(code.id).unwrap_or_else(|| panic!("{} has no page", code.id));
            assert!(page.starts_with(&format!("# {}: {}\n", code.id, code.name)), "{}", code.id);
            assert!(page.contains("## What to do"), "{}", code.id);
        }
    }
}
