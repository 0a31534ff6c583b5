internal import TokencertConsumers

/// The output of `use` without a consumer.
struct ConsumersReport: Encodable {
    struct Line: Encodable {
        let name: String
        let summary: String
        let isInstalled: Bool
        /// The version of its first program; nil if it is not installed or not known.
        let version: String?
        /// The packages of the programs that are missing, except optional ones.
        let missingPackages: [String]
        let isSetUp: Bool
        /// The token that is set up.
        let token: String?
    }

    let consumers: [Line]

    init(_ store: SetUpStore) {
        consumers = Consumers.all.map { consumer in
            let found = consumer.programs.map { ($0, $0.find()) }
            let missing = found.filter { $0.1 == nil && !$0.0.isOptional }
            var record: SetUpRecord?
            var isRecorded = false
            do {
                record = try store.record(consumer.name)
                isRecorded = record != nil
            } catch {
                // A damaged record must not hide the other consumers.
                isRecorded = true
                printError("warning: \(printable(Failure(error).message))")
            }
            // Of several optional programs, one is enough.
            let isInstalled = missing.isEmpty && found.contains { $0.1 != nil }
            let version = found.compactMap { $0.1?.version }.first ?? ""
            return Line(
                name: consumer.name, summary: consumer.summary, isInstalled: isInstalled,
                version: version.isEmpty ? nil : version,
                missingPackages: isInstalled
                    ? [] : Self.unique(found.filter { $0.1 == nil }.map(\.0.package)),
                isSetUp: isRecorded,
                token: record?.token)
        }
    }

    /// Several programs may be in one package.
    static func unique(_ packages: [String]) -> [String] {
        packages.indices.filter { !packages[..<$0].contains(packages[$0]) }.map { packages[$0] }
    }

    func print(_ style: Style) {
        var table = Table(["CONSUMER", "TO", "INSTALLED", "SET UP"], whole: ["CONSUMER"])
        for line in consumers {
            let installed =
                line.isInstalled
                ? line.version ?? "yes" : "no (\(line.missingPackages.joined(separator: ", ")))"
            let token = line.token.map { NamedToken(uri: $0).title }
            table.add([line.name, line.summary, installed, token ?? ""])
        }
        table.print(style)
        TokencertCommands.print("")
        TokencertCommands.print("To see how: tokencert use CONSUMER")
    }
}
