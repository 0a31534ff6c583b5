import Testing

@testable import TokencertConsumers

/// The settings of `--check` for ssh. Otherwise it starts programs of the user, or an older ssh refuses it.
@Suite struct SSHTests {
    @Test(
        "The user's settings start no program, and an older ssh gets only settings that it knows",
        arguments: [
            ("8.4", false, false), ("8.5", true, false), ("8.7", true, true), ("9.2", true, true),
            ("10.0", true, true),
        ])
    func isolation(version: String, knowsCommand: Bool, knowsFork: Bool) {
        let settings = SSH.isolation(version: version)
        #expect(settings.contains("KnownHostsCommand=none") == knowsCommand)
        #expect(settings.contains("ForkAfterAuthentication=no") == knowsFork)
        #expect(settings.contains("StdinNull=no") == knowsFork)
        #expect(settings.contains("ProxyUseFdpass=no"))
        #expect(settings.contains("PermitLocalCommand=no"))
    }
}
