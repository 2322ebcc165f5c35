/// Microseconds since 1970-01-01T00:00:00Z of a time as entries write it, `2026-11-24T17:30:00.000000Z`; nothing for
/// any other text, and for a time before.
pub(crate) fn micros(text: &str) -> Option<u64> {
    let bytes: &[u8; 27] = text.as_bytes().try_into().ok()?;
    let (b'-', b'-', b'T', b':', b':', b'.', b'Z') =
        (bytes[4], bytes[7], bytes[10], bytes[13], bytes[16], bytes[19], bytes[26])
    else {
        return None;
    };
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, micro) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?);
    if year < 1970 || day == 0 || day > days_of(year, month)? || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let earlier_months = (1..month).filter_map(|month| days_of(year, month)).sum::<u64>();
    // Leap days of the years that are over, since the year 0.
    let leaps = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let days = (year - 1970) * 365 + leaps(year) - leaps(1970) + earlier_months + day - 1;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micro)
}

fn days_of(year: u64, month: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}
