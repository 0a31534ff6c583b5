package import ArgumentParser

/// The program: its commands and its name.
package struct Tokencert: ParsableCommand {
    /// The version of the program.
    static let version = programVersion

    /// Name, summary and commands, for argument-parser.
    package static let configuration = CommandConfiguration(
        commandName: "tokencert",
        abstract: "Put a CAcert certificate onto a hardware token.",
        discussion: """
            The key pair is made inside a smartcard, USB token or HSM through PKCS#11, the token \
            signs the request, CAcert issues, and the certificate is checked and written beside \
            its key.

            What holds from day to day can be set in the environment, --ca-url as TOKENCERT_CA_URL, \
            and in a file: tokencert help config.

            For example, to begin with:

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

    /// Made by argument-parser.
    package init() {}
}
