//! Chapter 1: four institutions, each with its own server and keys, get to know one another.

use super::{Day, text};
use crate::demo::cast::{Institution, Officer};
use crate::demo::process::{DONE, Servers, free_ports};
use crate::say;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::collections::BTreeMap;

/// Party entries as `party export --json` shows them, by party.
pub(super) type Entries = BTreeMap<&'static str, Value>;

impl Day<'_> {
    /// Answers what each institution's entry says, by party.
    pub(super) fn set_up(&self, servers: &mut Servers) -> anyhow::Result<Entries> {
        self.chapter(1, "Set-up: four institutions, four servers, no hub");
        let cast = self.cast;
        say::paragraph(&format!(
            "Each institution runs the same server. `init --development` makes throw-away keys and certificates: the \
             three institutions in {} share their State's certification authority, {} has another. Officers' private \
             keys lie in their own folders; no server reads them.",
            cast.requested.state, cast.requesting.state
        ));
        let institutions = [&cast.requesting, &cast.requested, &cast.competent, &cast.provider];
        let mut ports = free_ports(institutions.len() * 2)?.into_iter();
        for institution in institutions {
            let (office, peer) = ports.next().zip(ports.next()).context("too few ports")?;
            self.init(institution, office, peer)?;
        }
        for institution in institutions {
            let command = ["rogatory-server", "run", "--directory", institution.folder];
            servers.start(self.shell, institution.party, &command, &format!("{}.log", institution.folder))?;
        }

        say::paragraph(
            "A party entry says who an institution is, what it may do, where it listens and with which keys it seals. \
             It is confirmed by a person who heard its fingerprint another way: by telephone, or from the Treaty \
             Office's list. The authorities confirm each other; the provider and its own authority likewise.",
        );
        let pairs = [
            (&cast.requesting, &cast.requested),
            (&cast.requesting, &cast.competent),
            (&cast.requested, &cast.competent),
            (&cast.requested, &cast.provider),
        ];
        let mut entries = Entries::new();
        for institution in institutions {
            let operator = (institution, institution.officer("operator")?);
            let answer = self.asks(operator, &["party", "export", "-o", &institution.entry_file()])?;
            entries.insert(institution.party, answer);
        }
        let fingerprint =
            |party: &str| text(entries.get(party).context("an entry was not exported")?, "fingerprint");
        for (one, other) in pairs {
            for (here, there) in [(one, other), (other, one)] {
                let operator: (&Institution, &Officer) = (here, here.officer("operator")?);
                let file = there.entry_file();
                let words = ["party", "import", &file, "--fingerprint", fingerprint(there.party)?];
                self.acts(operator, &words, DONE)?;
            }
        }
        let operator = (&cast.requested, cast.requested.officer("operator")?);
        let list = self.acts(operator, &["party", "list"], DONE)?;
        for known in [&cast.requesting, &cast.competent, &cast.provider] {
            ensure!(list.text.contains(known.party), "`party list` does not name {}", known.party);
        }
        Ok(entries)
    }

    /// Makes an institution: its keys, its officers, its folder.
    fn init(&self, institution: &Institution, office: u16, peer: u16) -> anyhow::Result<()> {
        let (office, peer) = (format!("127.0.0.1:{office}"), format!("127.0.0.1:{peer}"));
        let mut command = vec!["rogatory-server", "init", "--development"];
        command.extend(["--directory", institution.folder, "--party", institution.party]);
        command.extend(["--name", institution.name, "--kind", institution.kind]);
        command.extend(["--office", &office, "--peer", &peer]);
        command.extend(["--domain", institution.domain, "--country-ca", institution.country_ca]);
        let officers: Vec<String> = institution
            .officers
            .iter()
            .map(|officer| format!("{}={}:{}", officer.id, officer.name, officer.roles))
            .collect();
        for officer in &officers {
            command.extend(["--officer", officer]);
        }
        self.shell.run(&command, DONE).map(drop)
    }
}
