//! Where twins are built: for each a package of the nucleus with the fault in it, and a package with the one check that
//! must notice. Manifests and sources are made from the real ones, so a twin differs from them by its edits alone.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use toml::{Table, Value};

use super::models::Engine;
use super::twin::Twin;
use crate::ctx::Ctx;

/// The crates that a twin may change, and the folder of each, relative to the root; lower ones first.
const CHANGED: [(&str, &str); 2] = [("antler-sync", "crates/sync"), ("antler-nucleus", "crates/nucleus")];

/// The package of the models.
const MODELS: &str = "antler-models";

/// Models that, unoptimised, overflow the small stacks of loom's threads.
const LARGE: [&str; 1] = ["loom-calls"];

/// Makes the workspace of all `twins` of one engine, and returns its folder.
pub fn make(engine: Engine, twins: &[&Twin], ctx: &Ctx) -> anyhow::Result<PathBuf> {
    let folder = engine.target(ctx).join("twins");
    let (checks, lock) = match engine {
        Engine::Loom | Engine::Shuttle | Engine::Counted => ("models", "models/Cargo.lock"),
        Engine::Sim => ("sim", "Cargo.lock"),
    };
    let mut members = Vec::new();
    for twin in twins {
        let bench = Bench { root: ctx.root(), twin, folder: folder.join(&twin.name) };
        let packages = bench.fill(checks).with_context(|| format!("twin `{}`", twin.name))?;
        members.extend(packages.into_iter().map(|package| format!("{}/{package}", twin.name)));
    }
    let mut manifest = Table::new();
    let members = members.into_iter().map(Value::String).collect();
    let workspace = Table::from_iter([
        ("resolver".to_owned(), Value::String("3".to_owned())),
        ("members".to_owned(), Value::Array(members)),
    ]);
    manifest.insert("workspace".to_owned(), Value::Table(workspace));
    manifest.insert("profile".to_owned(), profile(twins));
    write(&folder.join("Cargo.toml"), &manifest.to_string())?;
    write(&folder.join("Cargo.lock"), &std::fs::read_to_string(ctx.root().join(lock))?)?;
    Ok(folder)
}

/// Twins are compiled often and run shortly; what they stand on, the checker above all, is compiled once, and as in
/// `models/`, so once for both. In one piece, since each is small.
fn profile(twins: &[&Twin]) -> Value {
    let opt = |level| ("opt-level", Value::Integer(level));
    let no = |what| (what, Value::Boolean(false));
    let mut packages = Table::from_iter([("*".to_owned(), table([opt(2)]))]);
    for twin in twins.iter().filter(|twin| LARGE.contains(&twin.target.as_str())) {
        packages.insert(format!("{MODELS}-{}", twin.name), table([opt(1)]));
    }
    let whole = ("codegen-units", Value::Integer(1));
    let packages = ("package", Value::Table(packages));
    table([("dev", table([opt(0), no("debug"), no("incremental"), whole, packages]))])
}

/// One twin's folder.
struct Bench<'a> {
    root: &'a Path,
    twin: &'a Twin,
    folder: PathBuf,
}

impl Bench<'_> {
    /// Writes the packages and returns the names of their folders.
    fn fill(&self, checks: &str) -> anyhow::Result<Vec<String>> {
        let mut changed: Vec<(&str, String)> = Vec::new();
        for (name, source) in CHANGED {
            let edited = self.twin.edits().iter().any(|edit| edit.file.starts_with(source));
            // Whoever stands on a changed crate changes with it.
            if edited || !changed.is_empty() {
                let code = self.copy(source)?;
                self.package(source, name, &code.join("lib.rs"), None, &changed)?;
                changed.push((name, name.to_owned()));
            }
        }
        let code = self.root.join(checks).join("src/lib.rs");
        self.package(checks, "checks", &code, Some(&self.twin.target), &changed)?;
        let folders = changed.into_iter().map(|(_, folder)| folder);
        Ok(folders.chain(["checks".to_owned()]).collect())
    }

    /// The sources of a crate with the edits applied.
    fn copy(&self, source: &str) -> anyhow::Result<PathBuf> {
        let (from, to) = (self.root.join(source).join("src"), self.folder.join("sources").join(source));
        self.copy_folder(&from, &to)?;
        Ok(to)
    }

    fn copy_folder(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(from)? {
            let path = entry?.path();
            let to = to.join(path.file_name().context("a file without a name")?);
            if path.is_dir() {
                self.copy_folder(&path, &to)?;
                continue;
            }
            let mut text = std::fs::read_to_string(&path)?;
            for edit in self.twin.edits() {
                if self.root.join(&edit.file) == path {
                    text = edit.apply(&text)?;
                }
            }
            write(&to, &text)?;
        }
        Ok(())
    }

    /// Writes the manifest of one package: the real one's dependencies, the changed crates in the place of the real.
    fn package(
        &self,
        source: &str,
        folder: &str,
        code: &Path,
        target: Option<&str>,
        changed: &[(&str, String)],
    ) -> anyhow::Result<()> {
        let real = read_manifest(&self.root.join(source))?;
        let name = real["package"]["name"].as_str().context("a package without a name")?.to_owned();
        let mut manifest = Table::new();
        manifest.insert(
            "package".to_owned(),
            table([
                ("name", Value::String(format!("{name}-{}", self.twin.name))),
                ("version", Value::String("0.0.0".to_owned())),
                ("edition", Value::String("2024".to_owned())),
                ("autotests", Value::Boolean(false)),
            ]),
        );
        let code = Value::String(code.display().to_string());
        let lib = [
            ("name", Value::String(name.replace('-', "_"))),
            ("path", code),
            ("test", Value::Boolean(false)),
        ];
        manifest.insert("lib".to_owned(), table(lib));
        for kind in ["dependencies", "dev-dependencies"] {
            if let Some(Value::Table(list)) =
                real.get(kind).filter(|_| kind == "dependencies" || target.is_some())
            {
                manifest.insert(kind.to_owned(), Value::Table(self.dependencies(source, list, changed)?));
            }
        }
        // The checkers, by configuration: nothing of ours, taken as it is.
        if let Some(by_target) = real.get("target") {
            manifest.insert("target".to_owned(), by_target.clone());
        }
        if let Some(target) = target {
            let path = test_path(&real, target).unwrap_or_else(|| format!("tests/{target}.rs"));
            let path = self.root.join(source).join(path);
            anyhow::ensure!(path.is_file(), "there is no test target `{target}` in {source}");
            let test = [
                ("name", Value::String(target.to_owned())),
                ("path", Value::String(path.display().to_string())),
            ];
            manifest.insert("test".to_owned(), Value::Array(vec![table(test)]));
        }
        write(&self.folder.join(folder).join("Cargo.toml"), &manifest.to_string())
    }

    fn dependencies(&self, source: &str, list: &Table, changed: &[(&str, String)]) -> anyhow::Result<Table> {
        let shared = read_manifest(self.root)?;
        let mut out = Table::new();
        for (name, value) in list {
            let inherited = value.get("workspace").is_some();
            let (value, base) = match inherited {
                true => (&shared["workspace"]["dependencies"][name], self.root.to_path_buf()),
                false => (value, self.root.join(source)),
            };
            let mut value = value.clone();
            if let Some(path) = value.get("path").and_then(Value::as_str) {
                let path = base.join(path).canonicalize().with_context(|| format!("dependency {name}"))?;
                value = table([("path", Value::String(path.display().to_string()))]);
            }
            if let Some((_, folder)) = changed.iter().find(|(changed, _)| changed == name) {
                value = table([
                    ("package", Value::String(format!("{name}-{}", self.twin.name))),
                    ("path", Value::String(format!("../{folder}"))),
                ]);
            }
            out.insert(name.clone(), value);
        }
        Ok(out)
    }
}

fn test_path(manifest: &Table, target: &str) -> Option<String> {
    let tests = manifest.get("test")?.as_array()?;
    let test = tests.iter().find(|test| test.get("name").and_then(Value::as_str) == Some(target))?;
    Some(test.get("path")?.as_str()?.to_owned())
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn read_manifest(folder: &Path) -> anyhow::Result<Table> {
    let path = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.parse()?)
}

/// Writes a file unless it holds that already: cargo builds what is newer.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::create_dir_all(path.parent().context("a file in no folder")?)?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
