internal import TokencertConsumers

/// The output of `use` without a consumer.
struct ConsumersReport: Encodable {
    struct Line: Encodable {
        let name: String
        let summary: String
        let isInstalled: Bool
        /// The version of its first program; nil if it is not installed or not known.
        let version: String?
        /// The packages that are missing, except optional ones.
        let missingPackages: [String]
        let isSetUp: Bool
        let token: String?
    }

    let consumers: [Line]

    init(_ store: SetUpStore) {
        let hasEngine = OpenSSLEngine.isInstalled()
        consumers = Consumers.all.map { consumer in
            let installation = Installation(of: consumer, hasEngine: hasEngine)
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
            return Line(
                name: consumer.name, summary: consumer.summary,
                isInstalled: installation.isInstalled, version: installation.version,
                missingPackages: installation.missingPackages,
                isSetUp: isRecorded,
                token: record?.token)
        }
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
