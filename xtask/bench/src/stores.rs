//! The servers of stores, by their URLs, and a place for files. Where a server is not given, what needs it is left out.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Stores {
    /// A Redis that nobody else uses
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// A PostgreSQL database that nobody else uses
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// A MariaDB or MySQL database that nobody else uses
    #[arg(long, value_name = "URL")]
    mysql: Option<String>,
    /// Where files are made, and removed: a folder on a disk, which the system's own for such files is not everywhere
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Stores {
    /// A folder that goes with this value.
    pub(crate) fn folder(&self) -> std::io::Result<TempDir> {
        match &self.folder {
            Some(folder) => std::fs::create_dir_all(folder).and_then(|()| tempfile::tempdir_in(folder)),
            None => tempfile::tempdir(),
        }
    }

    /// Name and URL of each that there is.
    pub(crate) fn servers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [("redis", &self.redis), ("postgres", &self.postgres), ("mysql", &self.mysql)];
        all.into_iter().filter_map(|(name, url)| Some((name, url.as_deref()?)))
    }

    /// The URL of the store of this name, which may keep its files at this path; none where its server was not given.
    pub(crate) fn url(&self, name: &str, path: &Path) -> Option<String> {
        match name {
            "cookie" => Some("cookie:".to_owned()),
            "file" => Some(format!("file:{}", path.display())),
            "sqlite" => Some(format!("sqlite:{}.db", path.display())),
            "redis" | "postgres" | "mysql" => {
                self.servers().find(|(server, _)| *server == name).map(|(_, url)| url.to_owned())
            }
            _ => Some("memory:".to_owned()),
        }
    }
}
