//! Arguments of the programs, parsed into types. Errors are whole sentences without the program's name.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What `sha256` is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Sha256<'a> {
    /// Most threads to use; `None` leaves it to the number of CPUs.
    pub threads: Option<usize>,
    /// Files to hash, in order.
    pub files: Vec<&'a str>,
}

/// Reads `[--threads N] FILE…`; `--` ends the options.
pub fn sha256<'a>(mut args: impl Iterator<Item = &'a str>) -> Result<Sha256<'a>, String> {
    let mut asked = Sha256 { threads: None, files: Vec::new() };
    while let Some(arg) = args.next() {
        match arg {
            "--" => asked.files.extend(args.by_ref()),
            "--threads" => {
                let count = args.next().ok_or("--threads needs a number")?;
                let threads = count.parse().ok().filter(|&threads| threads > 0);
                asked.threads = Some(threads.ok_or_else(|| {
                    format!("--threads {count}: not a number of threads; give one of 1 or more")
                })?);
            }
            _ if arg.starts_with("--") => return Err(format!("{arg}: no such option")),
            file => asked.files.push(file),
        }
    }
    if asked.files.is_empty() {
        return Err("no file given".into());
    }
    Ok(asked)
}

/// Reads at most one number, in `1..=max`; `default` when there is none. `what` names it in the error.
pub fn number<'a>(
    mut args: impl Iterator<Item = &'a str>,
    what: &str,
    default: u64,
    max: u64,
) -> Result<u64, String> {
    let Some(arg) = args.next() else { return Ok(default) };
    if let Some(more) = args.next() {
        return Err(format!("{more}: one argument too many"));
    }
    let number = arg.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| format!("{what} {arg}: not a number in 1..={max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(args: &'static str) -> Result<Sha256<'static>, String> {
        sha256(args.split(' ').filter(|arg| !arg.is_empty()))
    }

    #[test]
    fn sha256_takes_files_and_threads() {
        assert_eq!(sha("a b").unwrap(), Sha256 { threads: None, files: vec!["a", "b"] });
        assert_eq!(sha("a --threads 3 b").unwrap(), Sha256 { threads: Some(3), files: vec!["a", "b"] });
        assert_eq!(sha("-- --threads").unwrap(), Sha256 { threads: None, files: vec!["--threads"] });
    }

    #[test]
    fn sha256_says_what_is_wrong() {
        assert_eq!(sha("").unwrap_err(), "no file given");
        assert_eq!(sha("--thread a").unwrap_err(), "--thread: no such option");
        assert_eq!(sha("a --threads").unwrap_err(), "--threads needs a number");
        assert!(sha("--threads 0 a").unwrap_err().starts_with("--threads 0: not a number"));
        assert!(sha("--threads x a").unwrap_err().starts_with("--threads x: not a number"));
    }

    #[test]
    fn a_number_is_read_or_refused() {
        let number = |args: &'static str| number(args.split_whitespace(), "LIMIT", 7, 100);
        assert_eq!(number(""), Ok(7));
        assert_eq!(number("100"), Ok(100));
        for bad in ["0", "101", "x", "-1"] {
            assert_eq!(number(bad), Err(format!("LIMIT {bad}: not a number in 1..=100")));
        }
        assert_eq!(number("1 2"), Err("2: one argument too many".into()));
    }
}
