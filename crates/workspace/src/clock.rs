use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's clock: seconds since 1970, UTC.
pub fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A time as RFC 3339 writes it, UTC, microseconds: `2026-11-24T17:30:00.000000Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = date(since.as_secs() / 86_400);
    let second = since.as_secs() % 86_400;
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{:06}Z", second % 60, since.subsec_micros())
}

/// Year, month and day of a day since 1970. Source: <https://howardhinnant.github.io/date_algorithms.html>, `civil_from_days`.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// As `date -u -d @N +%FT%T` prints them.
    #[test]
    fn times_are_written_as_others_write_them() {
        let shown = |seconds| rfc3339(UNIX_EPOCH + Duration::new(seconds, 1_000));
        assert_eq!(shown(0), "1970-01-01T00:00:00.000001Z");
        assert_eq!(shown(951_782_399), "2000-02-28T23:59:59.000001Z");
        assert_eq!(shown(951_782_400), "2000-02-29T00:00:00.000001Z");
        assert_eq!(shown(1_795_541_400), "2026-11-24T17:30:00.000001Z");
        assert_eq!(shown(4_107_542_400), "2100-03-01T00:00:00.000001Z");
    }
}
