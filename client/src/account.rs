//! The account of this machine under which the program runs: who acted where no profile names an officer.
//!
//! Reads what the operating system says of itself. No proof: whoever owns the machine can name accounts as he likes.

use crate::problem::clean;

/// What stands where no account is known.
pub const UNNAMED: &str = "an account without a name";

/// The account in words: its name and, where the system has one, its number.
#[must_use]
pub fn account() -> String {
    let number = number();
    let name = number.and_then(listed).or_else(told);
    match (name, number) {
        (Some(name), Some(number)) => format!("account {} (uid {number})", clean(&name)),
        (Some(name), None) => format!("account {}", clean(&name)),
        (None, Some(number)) => format!("account with uid {number}"),
        (None, None) => UNNAMED.to_owned(),
    }
}

/// The number under which the process runs.
fn number() -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata("/proc/self").ok().map(|process| process.uid())
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
}

/// The name that this machine's list of accounts has for a number.
fn listed(number: u32) -> Option<String> {
    let list = std::fs::read_to_string("/etc/passwd").ok()?;
    name_in(&list, number)
}

fn name_in(list: &str, number: u32) -> Option<String> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let its = fields.nth(1)?;
        (its.parse() == Ok(number)).then(|| name.to_owned())
    })
}

/// The name that the environment gives.
fn told() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|variable| std::env::var(variable).ok().filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_number() {
        let list =
            "root:x:0:0:root:/root:/bin/sh\n# no account\n:x:7:7\nmara:x:1007:100:Mara:/home/mara:/bin/sh\n";
        assert_eq!(name_in(list, 1007).as_deref(), Some("mara"));
        assert_eq!(name_in(list, 0).as_deref(), Some("root"));
        assert_eq!(name_in(list, 100), None, "that is a group");
        assert_eq!(name_in(list, 7), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_account_of_a_process_has_a_number() {
        assert!(account().contains("uid "), "{}", account());
    }
}
