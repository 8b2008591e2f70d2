//! Who plays in the demonstration: States, institutions, officers, and the law between them.
//!
//! The one place to change them. `docs/reference/demonstration-legal-basis.md` says why these two States and
//! these treaties; all persons and the provider are invented.

/// Everybody, and the paper they use.
pub(crate) struct Cast {
    pub(crate) requesting: Institution,
    pub(crate) requested: Institution,
    /// Another authority of the requested State, competent for a district.
    pub(crate) competent: Institution,
    pub(crate) provider: Institution,
    /// The template of the request to preserve.
    pub(crate) preservation_template: &'static str,
    /// A sample of its facts, below the root of the project.
    pub(crate) preservation_facts: &'static str,
    /// The template of the request.
    pub(crate) template: &'static str,
    /// A sample of its facts, below the root of the project.
    pub(crate) facts: &'static str,
    /// A sample of an order's facts, below the root of the project.
    pub(crate) order_facts: &'static str,
    /// What the order says of its own; the rest follows from the request.
    pub(crate) order_own: &'static [&'static str],
    /// What is left out of the request's facts at first: pointers into the facts, and what the office forgot in words.
    pub(crate) forgotten: &'static [(&'static str, &'static str)],
    /// Under which law, one sentence each.
    pub(crate) basis: &'static [&'static str],
}

/// One institution and its server.
pub(crate) struct Institution {
    pub(crate) party: &'static str,
    /// Its name in words; a certificate takes 64 characters.
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    /// The State, as it stands in a sentence.
    pub(crate) state: &'static str,
    /// Its folder in the work folder.
    pub(crate) folder: &'static str,
    /// The folder of its State's certification authority.
    pub(crate) country_ca: &'static str,
    /// The domain in the origin of its custody log.
    pub(crate) domain: &'static str,
    /// Its file number for this case.
    pub(crate) reference: &'static str,
    /// Whom its counterparts call: name, function, e-mail address, telephone.
    pub(crate) contact: [&'static str; 4],
    pub(crate) officers: &'static [Officer],
}

/// One officer.
pub(crate) struct Officer {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// As `init` takes them, separated by commas.
    pub(crate) roles: &'static str,
}

impl Institution {
    /// The first officer with a role.
    pub(crate) fn officer(&self, role: &str) -> anyhow::Result<&Officer> {
        self.officers
            .iter()
            .find(|officer| officer.roles.split(',').any(|held| held == role))
            .ok_or_else(|| anyhow::anyhow!("{} has no {role}", self.party))
    }

    /// The officer's profile, relative to the work folder.
    pub(crate) fn profile(&self, officer: &Officer) -> String {
        format!("{}/officers/{}", self.folder, officer.id)
    }

    /// Its contact as the facts of a document hold it.
    pub(crate) fn contact(&self) -> serde_json::Value {
        let [name, function, email, telephone] = self.contact;
        serde_json::json!({ "name": name, "function": function, "email": email, "telephone": telephone })
    }

    /// The file its signed entry is exported to.
    pub(crate) fn entry_file(&self) -> String {
        format!("{}.party.asice", self.folder)
    }
}

pub(crate) const CAST: Cast = Cast {
    requesting: Institution {
        party: "gb/central-authority",
        name: "United Kingdom Central Authority (demonstration)",
        kind: "central-authority",
        state: "the United Kingdom",
        folder: "gb",
        country_ca: "ca/gb",
        domain: "ukca.example",
        reference: "UKCA/2026/TIP-0417",
        contact: [
            "Helen Ashdown",
            "Case lawyer, United Kingdom Central Authority",
            "h.ashdown@ukca.example",
            "+44 20 7946 0417",
        ],
        officers: &[
            Officer { id: "ashdown", name: "Helen Ashdown", roles: "drafter,approver" },
            Officer { id: "hale", name: "Jonathan Hale", roles: "approver" },
            Officer { id: "okafor", name: "Ngozi Okafor", roles: "evidence-officer" },
            Officer { id: "pryce", name: "Gareth Pryce", roles: "operator,auditor" },
        ],
    },
    requested: Institution {
        party: "md/central-authority",
        name: "Prosecutor General's Office of Moldova (demonstration)",
        kind: "central-authority",
        state: "the Republic of Moldova",
        folder: "md",
        country_ca: "ca/md",
        domain: "procuratura.example",
        reference: "PG-MD/24-2/2026-3391",
        contact: [
            "Ion Rusu",
            "Prosecutor, international co-operation",
            "i.rusu@procuratura.example",
            "+373 22 000 417",
        ],
        officers: &[
            Officer { id: "rusu", name: "Ion Rusu", roles: "drafter" },
            Officer { id: "ceban", name: "Elena Ceban", roles: "approver" },
            Officer { id: "munteanu", name: "Mihai Munteanu", roles: "evidence-officer" },
            Officer { id: "istrati", name: "Vera Istrati", roles: "operator,auditor" },
        ],
    },
    competent: Institution {
        party: "md/prosecutor-orhei",
        name: "Prosecutor's Office of Orhei (demonstration)",
        kind: "judicial-authority",
        state: "the Republic of Moldova",
        folder: "orhei",
        country_ca: "ca/md",
        domain: "procuratura-orhei.example",
        reference: "OR-11/2026-0148",
        contact: ["Tudor Negru", "Prosecutor", "t.negru@procuratura-orhei.example", "+373 235 00 148"],
        officers: &[
            Officer { id: "negru", name: "Tudor Negru", roles: "drafter" },
            Officer { id: "rotaru", name: "Lidia Rotaru", roles: "approver" },
            Officer { id: "cojocaru", name: "Sergiu Cojocaru", roles: "operator,auditor" },
        ],
    },
    provider: Institution {
        party: "md/nistru-chat",
        name: "Nistru Chat SRL (fictional)",
        kind: "provider",
        state: "the Republic of Moldova",
        folder: "nistru",
        country_ca: "ca/md",
        domain: "nistru-chat.example",
        reference: "NC-LE-2026-0093",
        contact: [
            "Dina Lungu",
            "Response team for authorities",
            "response@nistru-chat.example",
            "+373 22 000 900",
        ],
        officers: &[
            Officer { id: "lungu", name: "Dina Lungu", roles: "provider-agent" },
            Officer { id: "bostan", name: "Petru Bostan", roles: "operator,auditor" },
        ],
    },
    preservation_template: "ets185/art29",
    preservation_facts: "templates/ets185/art29/en/example.json",
    template: "ets185/art31-trafficking",
    facts: "templates/ets185/art31-trafficking/en/example.json",
    order_facts: "templates/common/order/en/example.json",
    order_own: &[
        "/ordering_authority",
        "/judicial_authorisation",
        "/request/state",
        "/respond_by",
        "/procedure/certificate",
        "/confidentiality/basis",
        "/confidentiality/until",
        "/remedies",
    ],
    forgotten: &[
        ("/dual_criminality/requested_state_offence", "the offence under the law of the requested State"),
        ("/identifiers/2/port", "the source port of an IP address"),
        ("/recipients", "who may open the evidence"),
    ],
    basis: &[
        "Assistance: European Convention on Mutual Assistance in Criminal Matters (ETS 030, 1959), Arts 1, 3, 14, 15, \
         with its Second Additional Protocol (ETS 182, 2001), Arts 4, 8, 25, 26.",
        "Measure: Convention on Cybercrime (ETS 185, 2001), Arts 23, 25(1) and 31: disclosure of stored data as \
         evidence of any offence.",
        "In support: UN Convention against Transnational Organized Crime, Art. 18, and its Trafficking Protocol, \
         Arts 1, 6, 10.",
        "Drafted under the Crime (International Co-operation) Act 2003, ss. 7 to 9, for an offence under the Modern \
         Slavery Act 2015, s. 2; dual criminality: Criminal Code of Moldova, Art. 165 (Moldova's reservation to \
         ETS 030, Art. 5).",
    ],
};
