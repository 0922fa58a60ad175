//! The workload: rows whose transactions, positions and moments are known, an archive that has them on three timelines,
//! and two backups. Each major has its own, made once, by the same steps.
//!
//! ```text
//! timeline 1  1 2 ├backup 1─ 3 ┤ 4 5 (50, rolled back) 6 7 8 9
//! timeline 2                                └ after 6: 21 22 ├backup 2─ 23 ┤ 24 25
//! timeline 3                                      └ after 8: 31 32
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use pgconflint::check::examples::pair::{self, PRIMARY};
use pgconflint::rule::page::Beside;
use pgconflint::version::Major;

use crate::pair::scene::{Scene, Source};
use crate::pair::{template as roles, watch};
use crate::wire::Session;
use crate::{install, template, user};

/// What is known of a row.
#[derive(Clone, Debug, Default)]
struct Mark {
    transaction: String,
    /// Where its commit stands in the WAL.
    commit: String,
    /// Where the WAL ended once it was there.
    position: String,
    /// When it was committed.
    committed: String,
    /// Between its commit and what came next.
    later: String,
    /// The same in Tokyo, which is not said.
    tokyo: String,
}

/// The archive, the backups, and the marks.
#[derive(Clone, Debug)]
pub struct Workload {
    directory: PathBuf,
    marks: BTreeMap<u16, Mark>,
}

impl Workload {
    /// That of a major, made when it is first asked for. Nobody changes it.
    ///
    /// # Errors
    /// That a server did not do what it was told.
    pub fn of(major: u16) -> Result<Workload> {
        let locked = install::entry(major)?;
        let made = template::template(major, template::SEGMENT)?;
        let directory = made.with_file_name(format!("migration-{}-{}", locked.major, locked.version));
        if !directory.exists() {
            let _lock = install::exclusive(&directory.with_extension("lock"))?;
            if !directory.exists() {
                Maker::make(major, &directory).with_context(|| format!("the workload of {major}"))?;
            }
        }
        let text = fs::read_to_string(directory.join("marks.tsv"))?;
        let mut marks = BTreeMap::new();
        for line in text.lines() {
            let columns: Vec<String> = line.split('\t').map(str::to_string).collect();
            let [number, transaction, commit, position, committed, later, tokyo] =
                columns.try_into().ok().context("seven columns of marks.tsv")?;
            marks.insert(number.parse()?, Mark { transaction, commit, position, committed, later, tokyo });
        }
        Ok(Workload { directory, marks })
    }

    /// One that no server made, for plans.
    pub fn offline() -> Workload {
        let mark = |number: u16| Mark {
            transaction: format!("{}", 500 + number),
            commit: format!("0/3000{number:02}0"),
            position: format!("0/3000{number:02}8"),
            committed: format!("2026-01-02 03:{number:02}:05.123456+00"),
            later: format!("2026-01-02 03:{number:02}:06.654321+00"),
            tokyo: format!("2026-01-02 12:{number:02}:06.654321"),
        };
        let numbers = (1..=9).chain([50]).chain(21..=25).chain(31..=32);
        let marks = numbers.map(|number| (number, mark(number))).collect();
        Workload { directory: PathBuf::from("/workload"), marks }
    }

    /// A backup.
    pub fn backup(&self, number: u16) -> PathBuf {
        self.directory.join(format!("backup-{number}"))
    }

    /// What stands for what in the files of a case.
    pub fn words(&self, root: &Path) -> Vec<(String, String)> {
        let mut words: Vec<(String, String)> = [
            ("{archive}", self.directory.join("archive")),
            ("{notes}", root.join("notes")),
            ("{trigger}", root.join("trigger")),
        ]
        .map(|(word, path)| (word.to_string(), path.display().to_string()))
        .into();
        for (number, mark) in &self.marks {
            let values = [
                ("xid", &mark.transaction),
                ("commit", &mark.commit),
                ("lsn", &mark.position),
                ("committed", &mark.committed),
                ("time", &mark.later),
                ("tokyo", &mark.tokyo),
            ];
            words.extend(values.map(|(word, value)| (format!("{{{word}.{number}}}"), value.clone())));
        }
        words
    }
}

/// The servers that make a workload.
struct Maker {
    major: u16,
    scene: Scene,
    directory: PathBuf,
    marks: String,
}

const SECOND: &str = "second";
const THIRD: &str = "third";

impl Maker {
    fn make(major: u16, directory: &Path) -> Result<()> {
        let fresh = directory.with_extension("part");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        for path in [fresh.clone(), fresh.join("archive")] {
            fs::create_dir(&path)?;
            user::give(&path)?;
        }
        let scene = Scene::new(&[PRIMARY, SECOND, THIRD].map(str::to_string))?;
        let mut maker = Maker { major, scene, directory: fresh.clone(), marks: String::new() };
        maker.first_timeline()?;
        maker.second_timeline()?;
        maker.third_timeline()?;
        fs::write(fresh.join("marks.tsv"), &maker.marks)?;
        drop(maker);
        Ok(fs::rename(&fresh, directory)?)
    }

    fn first_timeline(&mut self) -> Result<()> {
        let (major, source) = (self.major, Source::Template(self.major, roles::FIRST));
        self.start(PRIMARY, &source, "", "")?;
        let mut session = self.scene.session(PRIMARY)?;
        ask(&mut session, "create table step (number int)")?;
        self.work(&mut session, &[1, 2])?;
        self.backup(PRIMARY, 1, &mut session, 3)?;
        self.work(&mut session, &[4, 5])?;
        ask(&mut session, "checkpoint")?;
        let transaction = ask(&mut session, "begin; insert into step values (50); select txid_current()")?;
        ask(&mut session, "rollback")?;
        self.marks.push_str(&format!("50\t{transaction}\t-\t-\t-\t-\t-\n"));
        self.work(&mut session, &[6])?;
        ask(&mut session, "select pg_create_restore_point('it''s 6 o''clock \\ back')")?;
        self.work(&mut session, &[7, 8, 9])?;
        self.end(PRIMARY, &mut session).with_context(|| format!("timeline 1 of {major}"))
    }

    fn second_timeline(&mut self) -> Result<()> {
        let source = Source::Directory(self.directory.join("backup-1"));
        self.start(SECOND, &source, "after 6", if self.major < 12 { "" } else { "current" })?;
        let mut session = self.scene.session(SECOND)?;
        self.work(&mut session, &[21, 22])?;
        self.backup(SECOND, 2, &mut session, 23)?;
        self.work(&mut session, &[24, 25])?;
        self.end(SECOND, &mut session).context("timeline 2")
    }

    fn third_timeline(&mut self) -> Result<()> {
        let source = Source::Directory(self.directory.join("backup-1"));
        self.start(THIRD, &source, "after 8", if self.major < 12 { "" } else { "current" })?;
        let mut session = self.scene.session(THIRD)?;
        self.work(&mut session, &[31, 32])?;
        self.end(THIRD, &mut session).context("timeline 3")
    }

    /// Starts a server that archives, once it has recovered to a restore point if there is one.
    fn start(&mut self, name: &str, source: &Source, target: &str, timeline: &str) -> Result<()> {
        let archive = self.directory.join("archive");
        let archive = archive.display();
        let mut conf = format!(
            "archive_mode = on\narchive_command = 'cp %p {archive}/%f'\ntrack_commit_timestamp = on\nwal_level = replica\n"
        );
        let mut recovery = format!("restore_command = 'cp {archive}/%f %p'\nrecovery_target_name = '{target}'\n");
        recovery.push_str("recovery_target_action = promote\n");
        if !timeline.is_empty() {
            recovery.push_str(&format!("recovery_target_timeline = '{timeline}'\n"));
        }
        let mut files = Vec::new();
        match (target.is_empty(), self.major < 12) {
            (true, _) => {}
            (false, true) => files.push(file(name, "recovery.conf", &recovery)),
            (false, false) => {
                conf.push_str(&recovery);
                files.push(file(name, "recovery.signal", ""));
            }
        }
        files.push(file(name, "postgresql.conf", &conf));
        let setup = pair::expand(&files, Major(self.major * 100), &self.scene.ports).map_err(anyhow::Error::msg)?;
        self.scene.furnish(&setup, name, source)?;
        self.scene.start(name)?;
        watch::wait_until_up(&mut self.scene, name)?;
        let before = Instant::now();
        while !super::watch::is_primary(&self.scene, name) {
            let log = self.scene.nodes[name].log();
            ensure!(before.elapsed() < LIMIT && self.scene.is_up(name)?, "{name} does not open:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// A row each, with a restore point behind it and time between them.
    fn work(&mut self, session: &mut Session, numbers: &[u16]) -> Result<()> {
        for number in numbers {
            let insert = format!("begin; insert into step values ({number}); select txid_current()");
            let transaction = ask(session, &insert)?;
            let commit = ask(session, "select pg_current_wal_insert_lsn()")?;
            ask(session, "commit")?;
            let position = ask(session, "select pg_current_wal_insert_lsn()")?;
            let committed = ask(session, &format!("select pg_xact_commit_timestamp('{transaction}')"))?;
            std::thread::sleep(Duration::from_millis(20));
            let later = ask(session, "select clock_timestamp()")?;
            let tokyo = ask(session, &format!("select '{later}'::timestamptz at time zone 'Asia/Tokyo'"))?;
            std::thread::sleep(Duration::from_millis(20));
            ask(session, &format!("select pg_create_restore_point('after {number}')"))?;
            self.marks
                .push_str(&format!("{number}\t{transaction}\t{commit}\t{position}\t{committed}\t{later}\t{tokyo}\n"));
        }
        Ok(())
    }

    /// A backup of the running server, one more row there while it is taken.
    fn backup(&mut self, name: &str, number: u16, session: &mut Session, row: u16) -> Result<()> {
        let (begin, end) = match self.major {
            ..15 => ("select pg_start_backup('b', true, false)", "select labelfile from pg_stop_backup(false)"),
            15.. => ("select pg_backup_start('b', true)", "select labelfile from pg_backup_stop()"),
        };
        ask(session, begin)?;
        const COPY: &str = r#"
cp --archive "$1" "$2" && cd "$2"
find pg_wal -mindepth 1 -maxdepth 1 ! -name archive_status -exec rm -rf {} +
rm -rf pg_wal/archive_status/* pg_replslot/* postmaster.pid postmaster.opts recovery.done
rm -rf postgresql.conf pg_hba.conf server.crt server.key
"#;
        let backup = self.directory.join(format!("backup-{number}"));
        let data = &self.scene.nodes[name].data;
        let output = user::command("/bin/sh").args(["-ec", COPY, "sh"]).arg(data).arg(&backup).output()?;
        ensure!(output.status.success(), "the copy: {}", String::from_utf8_lossy(&output.stderr));
        self.work(session, &[row])?;
        let label = ask(session, end)?;
        let path = backup.join("backup_label");
        fs::write(&path, label)?;
        Ok(user::give(&path)?)
    }

    /// Waits until all is archived, and stops the server.
    fn end(&mut self, name: &str, session: &mut Session) -> Result<()> {
        let last = ask(session, "select pg_walfile_name(pg_switch_wal())")?;
        let before = Instant::now();
        while !self.directory.join("archive").join(&last).exists() {
            ensure!(before.elapsed() < LIMIT, "{last} is not archived: {}", self.scene.nodes[name].log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.scene.stop(name)
    }
}

/// So long a server may take to do what it was told.
const LIMIT: Duration = Duration::from_secs(30);

fn file(node: &str, name: &str, text: &str) -> Beside {
    let bytes = text.as_bytes().to_vec();
    Beside { name: format!("{node}/{name}"), bytes, mode: None, majors: String::new() }
}

/// The first value of an answer.
fn ask(session: &mut Session, sql: &str) -> Result<String> {
    let answer = session.query(sql)?;
    if let Some(error) = answer.error {
        anyhow::bail!("{sql}: {}", String::from_utf8_lossy(&error.message));
    }
    let value = answer.rows.into_iter().flatten().next().flatten().unwrap_or_default();
    Ok(String::from_utf8_lossy(&value).into_owned())
}
