//! The machine's own package sources, and the backports suite made from them: same archive, same key.

use std::path::Path;

use super::apt::Apt;
use super::platform::OsRelease;

/// Where the added suite is written.
const ADDED: &str = "/etc/apt/sources.list.d/antler-backports.sources";

/// One package source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Source {
    binary: bool,
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    /// The value of `Signed-By`: a path, a fingerprint, or a key over several lines.
    key: Option<String>,
}

/// The backports suite of this release, added to the sources if it is not there. Returns its name.
pub fn backports(apt: &Apt) -> Result<String, String> {
    let os = OsRelease::read();
    let codename = os.get("VERSION_CODENAME").ok_or("/etc/os-release names no VERSION_CODENAME")?;
    let suite = format!("{codename}-backports");
    let sources = read(Path::new("/etc/apt"));
    if sources.iter().any(|source| source.binary && source.suites.contains(&suite)) {
        return Ok(suite);
    }
    let own = sources
        .iter()
        .find(|source| source.binary && source.suites.iter().any(|name| name == codename))
        .ok_or_else(|| format!("no source under /etc/apt offers {codename}, so its archive is unknown"))?;
    apt.write(ADDED, &entry(own, &suite))?;
    Ok(suite)
}

/// The file that adds `suite` from the archive of `own`.
fn entry(own: &Source, suite: &str) -> String {
    let component = own.components.first().map_or("main", String::as_str);
    let mut text =
        format!("Types: deb\nURIs: {}\nSuites: {suite}\nComponents: {component}\n", own.uris.join(" "));
    if let Some(key) = &own.key {
        let gap = if key.starts_with('\n') { "" } else { " " };
        text += &format!("Signed-By:{gap}{key}\n");
    }
    text
}

/// Every source of an apt folder.
fn read(apt: &Path) -> Vec<Source> {
    let mut sources = lines(&std::fs::read_to_string(apt.join("sources.list")).unwrap_or_default());
    let entries = std::fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => sources.extend(stanzas(&text)),
            Some("list") => sources.extend(lines(&text)),
            _ => {}
        }
    }
    sources
}

/// The one-line format: `deb [option=value ...] uri suite component...` (sources.list(5)).
fn lines(text: &str) -> Vec<Source> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let (kind, mut rest) = line.split_once(char::is_whitespace)?;
    let mut key = None;
    rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix('[') {
        let (options, after) = after.split_once(']')?;
        key = options
            .split_whitespace()
            .find_map(|option| option.strip_prefix("signed-by="))
            .map(str::to_owned);
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        binary: kind == "deb",
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        key,
    })
}

/// The deb822 format: stanzas of `Field: value`, continued by indented lines.
fn stanzas(text: &str) -> Vec<Source> {
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    kept.split(|line| line.trim().is_empty()).filter_map(stanza).collect()
}

fn stanza(lines: &[&str]) -> Option<Source> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut()?;
            *value = format!("{value}\n{line}");
        } else {
            let (name, value) = line.split_once(':')?;
            fields.push((name.to_lowercase(), value.trim().to_owned()));
        }
    }
    let get = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    let words = |name: &str| -> Vec<String> {
        get(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let enabled = get("enabled").is_none_or(|value| !matches!(value.as_str(), "no" | "false" | "0"));
    (enabled && !words("uris").is_empty()).then(|| Source {
        binary: words("types").iter().any(|kind| kind == "deb"),
        uris: words("uris"),
        suites: words("suites"),
        components: words("components"),
        key: get("signed-by"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "# note\nTypes: deb deb-src\n# mirror\nURIs: http://archive.example/debian\nSuites: bookworm \
                          bookworm-updates\nComponents: main contrib\nSigned-By: /usr/share/keyrings/k.gpg\n\n\nTypes: \
                          deb\nEnabled: no\nURIs: http://off.example\nSuites: bookworm\n";

    #[test]
    fn both_formats_give_archive_and_key() {
        let sources = stanzas(DEB822);
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(
            entry(&sources[0], "bookworm-backports"),
            "Types: deb\nURIs: http://archive.example/debian\nSuites: bookworm-backports\nComponents: main\n\
             Signed-By: /usr/share/keyrings/k.gpg\n"
        );
        let text = "# c\ndeb [arch=amd64 signed-by=/k.gpg] http://archive.example/debian bookworm main # end\n\
                    deb-src http://archive.example/debian bookworm main\n\n";
        let sources = lines(text);
        assert_eq!(sources[0].key.as_deref(), Some("/k.gpg"));
        assert!(sources[0].binary && !sources[1].binary);
        assert_eq!(sources[1].key, None);
    }

    #[test]
    fn a_key_within_the_file_is_kept_whole() {
        let text =
            "Types: deb\nURIs: http://a.example\nSuites: x\nComponents: main\nSigned-By:\n BEGIN\n .\n abc\n";
        let source = &stanzas(text)[0];
        assert!(entry(source, "x-backports").ends_with("Signed-By:\n BEGIN\n .\n abc\n"));
    }
}
