internal import TokencertPlatform

/// A program that a consumer consists of.
package struct RequiredProgram: Sendable, Hashable {
    /// The name in `PATH`.
    package let name: String
    /// The Debian package that contains it.
    package let package: String
    /// The arguments with which it prints its version.
    let versionArguments: [String]
    /// The text before its version number, or an empty text for the first number.
    let versionPrefix: String
    /// The oldest version that works, such as `[8, 4]`; empty if any does.
    let minimum: [Int]
    /// Whether it is needed only for some work, and the consumer counts as installed without it.
    package let isOptional: Bool
    /// Whether it uses the token through OpenSSL's PKCS#11 engine, which is in a package of its own.
    private(set) var usesEngine = false

    package init(
        _ name: String, package: String, version arguments: [String] = ["--version"],
        after prefix: String = "", atLeast minimum: [Int] = [], isOptional: Bool = false
    ) {
        self.name = name
        self.package = package
        versionArguments = arguments
        versionPrefix = prefix
        self.minimum = minimum
        self.isOptional = isOptional
    }

    /// The same program, of which the engine is required, too.
    func withEngine() -> RequiredProgram {
        var program = self
        program.usesEngine = true
        return program
    }

    /// A program that was found.
    package struct Installed: Sendable, Hashable {
        /// The absolute path.
        package let path: String
        /// The version as the program prints it, such as `9.2`, or an empty text.
        package let version: String
    }

    /// Finds the program in `PATH` and in the folders of system programs; nil if it is not installed.
    package func find() -> Installed? {
        guard let path = path() else { return nil }
        let result = try? runProgram(
            [path] + versionArguments, input: [],
            environment: EnvironmentChanges(removingPrefix: "TOKENCERT_", adding: ["LC_ALL": "C"]),
            limits: ProgramLimits(seconds: 20, output: 1 << 16, keptErrors: 1 << 14))
        // Some programs print their version to standard error.
        let printed = result.map { ($0.output + $0.errors).text } ?? ""
        return Installed(path: path, version: Self.version(in: printed, after: versionPrefix))
    }

    /// The absolute path, or nil. A program in the working folder would get the PIN, and be written into
    /// the set-up.
    func path() -> String? {
        let folders = ["/usr/sbin", "/usr/local/sbin", "/sbin"]
        return programFile(name, isAbsolute: true)
            ?? folders.map { "\($0)/\(name)" }.first { isRegularFile($0) }
    }

    /// The first version number in a text after a prefix: digits with dots between them.
    static func version(in text: String, after prefix: String) -> String {
        var rest = text[...]
        if !prefix.isEmpty {
            guard let found = text.firstRange(of: prefix) else { return "" }
            rest = text[found.upperBound...]
        }
        let start = rest.drop { !$0.isASCII || !$0.isNumber }
        let number = start.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        return String(number.reversed().drop { $0 == "." }.reversed())
    }

    /// Finds the program.
    ///
    /// - Throws: ``ConsumerError`` if it is not installed or too old.
    @discardableResult
    package func require() throws -> Installed {
        guard let installed = find() else {
            throw ConsumerError(
                .consumerNotInstalled, "\(name) is not installed",
                advice: ["install it: apt install \(package)"])
        }
        guard Self.isEnough(installed.version, minimum) else {
            let needed = minimum.map(String.init).joined(separator: ".")
            throw ConsumerError(
                .consumerTooOld,
                "\(name) \(installed.version) is too old: version \(needed) or newer is required",
                advice: ["install a newer version of \(package)"])
        }
        return installed
    }

    /// Whether a version is the minimum or newer. A version that is not known is taken as new enough.
    static func isEnough(_ version: String, _ minimum: [Int]) -> Bool {
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        guard !numbers.isEmpty else { return true }
        for (index, least) in minimum.enumerated() {
            let number = index < numbers.count ? numbers[index] : 0
            if number != least { return number > least }
        }
        return true
    }
}
