package import ArgumentParser

/// The root command.
package struct Tokencert: ParsableCommand {
    static let version = programVersion

    /// The name, the help text and the subcommands.
    package static let configuration = CommandConfiguration(
        commandName: "tokencert",
        abstract: "Put a CAcert certificate onto a hardware token.",
        discussion: """
            The key pair is generated inside a smartcard, USB token or HSM through PKCS#11. The \
            token signs the request, CAcert issues the certificate, and tokencert verifies it and \
            writes it to the token.

            You can also set options in the environment (--ca-url as TOKENCERT_CA_URL) and in a \
            configuration file: see tokencert help config.

            To get started:

              tokencert doctor
              tokencert trust fetch
              tokencert token init --label work
              tokencert issue --username anna@example.org
            """,
        version: version,
        subcommands: [
            TokensCommand.self, ListCommand.self, ShowCommand.self, HealthCommand.self,
            AccountCommand.self, RequestCommand.self, IssueCommand.self, ResumeCommand.self,
            RenewCommand.self, ImportCommand.self, HistoryCommand.self, DeleteCommand.self,
            TokenCommand.self, TrustCommand.self, ConfigCommand.self, DoctorCommand.self,
            EvidenceCommand.self, ProbeCommand.self, CompletionsCommand.self,
        ])

    /// Called by argument-parser.
    package init() {}
}
