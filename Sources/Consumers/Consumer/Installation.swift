/// What of a consumer is installed.
package struct Installation: Sendable {
    /// Whether all required programs are installed or, if all are optional, at least one.
    package let isInstalled: Bool
    /// The version of its first program; nil if it is not installed or not known.
    package let version: String?
    /// The packages that are missing, each once; empty if the consumer is installed.
    package let missingPackages: [String]

    /// Runs the programs for their versions. Without OpenSSL's PKCS#11 engine, some cannot use a
    /// token.
    package init(of consumer: any Consumer, hasEngine: Bool) {
        let found = consumer.programs.map { ($0, $0.find()) }
        let unusable = found.filter { $0.1 == nil || ($0.0.usesEngine && !hasEngine) }
        let required = unusable.filter { !$0.0.isOptional }
        isInstalled = required.isEmpty && unusable.count < found.count
        let version = found.compactMap { $0.1?.version }.first ?? ""
        self.version = version.isEmpty ? nil : version
        var packages: [String] = []
        for (program, installed) in required.isEmpty ? unusable : required {
            if installed == nil { packages.append(program.package) }
            if program.usesEngine, !hasEngine { packages.append(OpenSSLEngine.package) }
        }
        // Several programs may be in one package.
        missingPackages =
            isInstalled
            ? []
            : packages.indices.filter { !packages[..<$0].contains(packages[$0]) }
                .map { packages[$0] }
    }
}
